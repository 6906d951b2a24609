"""What a handler gives back, and the error bodies of Amazon's APIs."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # lower-case names
    body: bytes

    def json(self) -> dict[str, object]:
        found = orjson.loads(self.body or b"{}")
        if not isinstance(found, dict):
            raise ValueError("a JSON object was expected")
        return found

    def first(self, name: str, otherwise: str = "") -> str:
        return (self.query.get(name) or [otherwise])[0]

    def values(self, name: str) -> list[str]:
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]


@dataclass
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: The connection ends after so many bytes of the body.
    cut: int | None = None


def answer(status: int, content: object, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, orjson.dumps(content), {"Content-Type": "application/json", **named})


def sp_error(status: int, code: str, message: str, details: str = "") -> Response:
    return answer(status, {"errors": [{"code": code, "message": message, "details": details}]})


def ads_error(status: int, detail: str) -> Response:
    return answer(status, {"code": str(status), "detail": detail})


def html(status: int) -> Response:
    page = b"<html><head><title>Service unavailable</title></head><body><h1>Please try again</h1></body></html>"
    return Response(status, page, {"Content-Type": "text/html"})
