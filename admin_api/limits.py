"""Bounds on what a request may send, and figures about requests."""

from __future__ import annotations

import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_api.problems import problem_response
from crm.preview import SHEET_BYTES

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Windows says of a .csv that it is Excel's, where Excel is installed; the content tells.
LISTS = ("text/csv", "application/vnd.ms-excel", XLSX)
MAX_BODY_BYTES = 1024 * 1024
#: A thousand contacts with all the variables that they may have.
CONTACTS_BYTES = 8 * 1024 * 1024
#: Of a recording as somebody has it: two minutes as a studio WAV.
SOUND_BYTES = 32 * 1024 * 1024
PACKED = "Send the body as it is: one with a Content-Encoding, such as gzip, is not unpacked here."
log = structlog.get_logger(__name__)


class BodyLimit:
    """At most 1 MiB, but for what is large by nature: recordings, spreadsheets, contacts; lists
    come in pieces."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_packed(scope):
            return await problem_response(415, "unsupported_media_type", PACKED)(
                scope, receive, send
            )
        limit = _limit_of(scope) if scope["type"] == "http" else None
        if limit is None:
            return await self.app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            return await problem_response(413, "too_large", _too_large(limit))(scope, receive, send)
        return await self.app(scope, _counting(receive, limit), send)


def _is_packed(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-encoding", "identity").lower() not in ("", "identity")


def _limit_of(scope: Scope) -> int | None:
    """None: the route reads the body in pieces and counts them itself."""
    kind, path = Headers(scope=scope).get("content-type", ""), scope["path"]
    if kind.startswith(LISTS) and path.endswith(("/contacts", "/dnc")):
        return None
    if kind.startswith("application/json") and path.endswith("/contacts"):
        return CONTACTS_BYTES
    if kind.startswith("audio/") and path.endswith("/sounds"):
        return SOUND_BYTES
    if kind.startswith("multipart/form-data") and path == "/sounds/upload":
        return SOUND_BYTES + MAX_BODY_BYTES
    if kind.startswith(LISTS[1:]) and path.endswith("/preview"):
        return SHEET_BYTES
    return MAX_BODY_BYTES


def _too_large(limit: int) -> str:
    return f"The body is larger than {limit} bytes."


def _counting(receive: Receive, limit: int) -> Receive:
    """For bodies that do not say their length."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


class Metrics:
    """Prometheus figures of one API process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "dialer_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "dialer_http_request_seconds",
            "Time until a request was answered",
            ["route"],
            registry=self.registry,
        )


class Observe:
    """Counts and logs each request by its route: a path may hold a phone number."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        status, started = 500, time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if route != "none" else "other"
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        log.debug(
            "request_answered", method=method, route=route, status=status, ms=int(seconds * 1000)
        )
