"""Load a report file into PostgreSQL by dlt's merge; run by an interpreter that has dlt and nothing of ours.

    python dlt_load.py DATABASE_URL FOLDER ROWS_PATH KEY,KEY FILE [FILE...]

KEY,KEY name a row (merge by primary key); group:KEY a group of rows that is replaced as a whole (by merge key).

The files are read as dlt's own filesystem source reads them: a CSV by pandas in chunks of 10,000 rows
handed on as records, JSON by orjson. Prints the seconds of each load, which merges into the table the
one before filled. Starting Python and importing dlt are not counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

CHUNK = 10_000


def records(file: Path, path: str) -> Iterator[list[dict[str, Any]]]:
    if file.suffix == ".json":
        import orjson

        rows = orjson.loads(file.read_bytes())
        rows = rows[path] if path else rows
        for at in range(0, len(rows), CHUNK):
            yield rows[at : at + CHUNK]
        return
    import pandas as pd

    for frame in pd.read_csv(file, sep="\t", quoting=3, chunksize=CHUNK):
        yield frame.to_dict(orient="records")


def main() -> None:
    url, folder, path, keys, *files = sys.argv[1:]
    os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR", DLT_DATA_DIR=folder)
    import dlt

    parts = urlsplit(url)
    query = parse_qs(parts.query)
    credentials = {
        "host": quote(query.get("host", [parts.hostname or "127.0.0.1"])[0], safe=""),
        "port": parts.port or 5432,
        "database": parts.path.lstrip("/"),
        "username": query.get("user", [parts.username or "postgres"])[0],
        "password": parts.password or "none",
    }
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(credentials=credentials),
        dataset_name="dlt_bench",
    )
    group = keys.removeprefix("group:")
    named = {"primary_key": keys.split(",")} if group == keys else {"merge_key": group.split(",")}
    for file in map(Path, files):
        started = time.perf_counter()
        resource = dlt.resource(records(file, path), name="rows", write_disposition="merge", **named)
        pipeline.run(resource)
        print(json.dumps(time.perf_counter() - started), flush=True)
    with pipeline.sql_client() as client:
        client.execute_sql("DROP SCHEMA IF EXISTS dlt_bench CASCADE")
        client.execute_sql("DROP SCHEMA IF EXISTS dlt_bench_staging CASCADE")


if __name__ == "__main__":
    main()
