"""What people see when a page could not be made at all."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

#: When a browser or a proxy may come again (seconds).
RETRY_SECONDS = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database is away: that is nobody's mistake and passes."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        page = loader.get_template("503.html").render()  # no request: what frames a page asks the database
        answer = HttpResponse(page, status=503)
        answer["Retry-After"] = str(RETRY_SECONDS)
        answer["Cache-Control"] = "no-store"
        return answer
    return defaults.server_error(request)
