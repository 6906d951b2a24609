"""The HTTP server: routes a request to the API it is for. Threads, keep-alive, nothing clever."""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import ads_api, documents, sp_api
from .answers import Request, Response, answer, html
from .business import DEMO_CREDENTIALS
from .limits import Limits
from .state import State
from .truth import Truth

_REGION = re.compile(r"/(NA|EU|FE)(/.*)")


def respond(state: State, request: Request) -> Response:
    """Answer one request; the API follows from the path, never from the Host header."""
    found = _REGION.match(request.path)
    if found:  # each region at an address of its own, as Amazon's are
        request.headers["x-simulator-region"] = found[1]
        request.path = found[2]
    path = request.path
    if path == "/auth/o2/token":
        return _token(state, request)
    if path.startswith("/documents/"):
        return documents.handle(state, request)
    if path.startswith(("/reporting/", "/v2/")):
        return ads_api.handle(state, request)
    if path.startswith("/_simulator/"):
        return _control(state, request)
    return sp_api.handle(state, request)


def _token(state: State, request: Request) -> Response:
    """Login with Amazon: a refresh token for an access token that lasts an hour."""
    state.calls["token"] += 1
    form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
    if form.get("grant_type") != "refresh_token":
        return answer(400, {"error": "unsupported_grant_type", "error_description": "Use grant_type refresh_token."})
    fault = state.faults.due("wrong_secret", "revoked", "throttle", "html", "server_error", operation="token")
    if fault == "wrong_secret":
        return answer(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    if fault == "revoked":
        return answer(400, {"error": "invalid_grant", "error_description": "The refresh token was revoked."})
    if fault:
        return html(200) if fault == "html" else answer(429 if fault == "throttle" else 503, {})
    for key, known in DEMO_CREDENTIALS.items():
        if form.get("client_id") != known["client_id"]:
            continue
        if form.get("client_secret") != known["client_secret"]:
            break
        if form.get("refresh_token") != known["refresh_token"]:
            return answer(400, {"error": "invalid_grant", "error_description": "The refresh token is not valid."})
        body = {"access_token": state.issue_token(key), "token_type": "bearer", "expires_in": 3600}
        return answer(200, {**body, "refresh_token": known["refresh_token"]})
    return answer(401, {"error": "invalid_client", "error_description": "Client authentication failed"})


def _control(state: State, request: Request) -> Response:
    if request.path == "/_simulator/faults" and request.method == "POST":
        try:
            state.faults.plan_from(dict(request.json()))
        except (ValueError, KeyError, TypeError) as error:
            return answer(400, {"error": str(error)})
        return answer(200, {"planned": len(state.faults.planned)})
    if request.path == "/_simulator/log":
        return answer(200, dict(state.calls))
    return answer(404, {"error": "no such control"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers["x-simulator-base"] = self.server.url
        request = Request(self.command, parts.path, parse_qs(parts.query), headers, self.rfile.read(length))
        try:
            found = respond(self.server.state, request)
        except Exception as error:  # a bug here must look like Amazon's 500, not hang the client
            found = answer(500, {"errors": [{"code": "InternalFailure", "message": repr(error), "details": ""}]})
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body[: found.cut])
        if found.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], state: State) -> None:
        self.state = state
        super().__init__(address, _Handler)
        host, port = self.server_address[:2]
        self.url = f"http://{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is none of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().server_bind()


@dataclass
class Running:
    """A server in a thread of this process."""

    url: str
    state: State
    server: _Server

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def make(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    seed: int = 1,
    anchor: date | None = None,
    rate_factor: float = 1.0,
    delay_factor: float = 1.0,
    clock: Callable[[], datetime] | None = None,
) -> _Server:
    """A bound server; OSError when the port is taken."""
    state = State(Truth(seed, anchor), Limits(rate_factor), delay_factor)
    if clock is not None:
        state.clock = clock
    return _Server((host, port), state)


def start_in_thread(**options: Any) -> Running:
    """Serve from a thread, on a free port unless told otherwise; options as `make`."""
    server = make(**options)
    threading.Thread(target=server.serve_forever, args=(0.02,), name="simulator", daemon=True).start()
    return Running(server.url, server.state, server)
