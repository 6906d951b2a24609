"""/livez: the process answers. /readyz: it can serve pages. Plain text, no sign-in, nothing secret."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from . import sealing
from .public import public


@public
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@public
def readyz(request: HttpRequest) -> HttpResponse:
    """200 "ok", or 503 with one line for each thing that is missing."""
    missing = _what_is_missing()
    text = "\n".join(missing) if missing else "ok"
    response = HttpResponse(f"{text}\n", content_type="text/plain", status=503 if missing else 200)
    response["Cache-Control"] = "no-store"
    return response


def _what_is_missing() -> list[str]:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return ["migrations are pending: run manage.py migrate"]
        if sealing.problems():
            return ["stored credentials do not open: see manage.py check --database default"]
    except DatabaseError:
        return ["the database does not answer"]
    return []
