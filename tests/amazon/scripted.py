"""A server that answers what a test tells it to, and remembers what it was asked.

For the answers that Amazon gives on a bad day, byte by byte: HTML instead of JSON, nothing at
all, half a document. The simulator plays a whole healthy Amazon; this plays one sentence of it.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


@dataclass
class Asked:
    method: str
    path: str
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Says:
    """One answer. `announced`: a Content-Length that is not the truth (the connection then closes)."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answer = Says | Callable[[Asked], Says]


@dataclass
class ScriptedAmazon:
    """`on(method, path start, answers...)`: given one after the other, the last one for ever."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _answers: list[tuple[str, str, list[Answer]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers.insert(0, (method, path, list(answers)))

    def count(self, method: str, path: str) -> int:
        return sum(one.method == method and one.path.startswith(path) for one in self.asked)

    def answer(self, asked: Asked) -> Says:
        with self._lock:
            self.asked.append(asked)
            for method, path, answers in self._answers:
                if asked.method == method and asked.path.startswith(path):
                    found = answers.pop(0) if len(answers) > 1 else answers[0]
                    break
            else:
                found = Says({"errors": [{"code": "NotFound", "message": "nothing here"}]}, 404)
        return found(asked) if callable(found) else found

    # --- Amazon on a good day, as the ground a test changes one thing of -----------------------------

    def sign_in(self, *tokens: str) -> None:
        given = [
            Says({"access_token": token, "expires_in": 3600, "token_type": "bearer"}) for token in tokens or ("T1",)
        ]
        self.on("POST", "/auth/o2/token", *given)

    def sp_report(self, document: bytes, *, status: str = "DONE", compressed: bool = True, **extra: Any) -> None:
        self.sign_in()
        self.on("POST", "/reports/2021-06-30/reports", Says({"reportId": "R1"}, 202))
        self.on("GET", "/reports/2021-06-30/reports/", Says(sp_status(status, **extra)))
        link = {"reportDocumentId": "D1", "url": f"{self.url}/file?X-Amz-Signature=SECRETSIGNATURE"}
        if compressed:
            link["compressionAlgorithm"] = "GZIP"
        self.on("GET", "/reports/2021-06-30/documents/", Says(link))
        self.on("GET", "/file", Says(gzip.compress(document) if compressed else document))

    def ads_report(self, document: bytes, *, status: str = "COMPLETED", **extra: Any) -> None:
        self.sign_in()
        self.on("POST", "/reporting/reports", Says({"reportId": "A1", "status": "PENDING"}))
        self.on(
            "GET", "/reporting/reports/", Says({"reportId": "A1", "status": status, "url": f"{self.url}/file", **extra})
        )
        self.on("GET", "/file", Says(gzip.compress(document)))


def sp_status(status: str = "DONE", **extra: Any) -> dict[str, Any]:
    found = {"reportId": "R1", "processingStatus": status, "createdTime": "2026-11-20T10:00:00+00:00"}
    if status == "DONE":
        found |= {"reportDocumentId": "D1", "processingEndTime": "2026-11-20T10:05:00+00:00"}
    return {**found, **extra}


@contextmanager
def scripted_amazon() -> Iterator[ScriptedAmazon]:
    script = ScriptedAmazon()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            says = script.answer(
                Asked(self.command, self.path, httpx.Headers(dict(self.headers)), self.rfile.read(length))
            )
            self.send_response(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(says.raw) if says.announced is None else says.announced))
            self.end_headers()
            self.wfile.write(says.raw)
            self.wfile.flush()
            self.close_connection = says.announced is not None

        do_GET = do_POST = do_DELETE = do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
