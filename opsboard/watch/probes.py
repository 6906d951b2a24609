"""/livez: the process answers. /readyz: it can serve, and the work is done. Plain text, no sign-in, nothing secret."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from opsboard.accounts.public import public

from . import registry
from .registry import Status


@public
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@public
def readyz(request: HttpRequest) -> HttpResponse:
    """200 "ok", or 503 with one line for each thing that is missing.

    As it stands it speaks for the whole installation: pages are served and work is done. A load balancer
    asks `?only=serving`, so that pages stay up while a dispatcher or Redis is away.
    """
    wanted = {"serving"} if request.GET.get("only") == "serving" else {"serving", "processing"}
    with translation.override("en"):
        missing = _what_is_missing(wanted)
    text = "\n".join(missing) if missing else "ok"
    response = HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8", status=503 if missing else 200)
    response["Cache-Control"] = "no-store"
    return response


def _what_is_missing(wanted: set[str]) -> list[str]:
    sight, missing = registry.Sight(), []
    for check in registry.checks():
        if check.stops not in wanted:
            continue
        finding = check.run(sight)
        if finding.status is Status.FAIL:
            missing.append(f"{check.key}: {finding.sentence} {check.fix}")
            if check.key == "database":
                break  # nothing else can be asked
    return missing
