"""Bounds on what a request may send, and figures about requests."""

from __future__ import annotations

import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_api.problems import problem_response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_BODY_BYTES = 1024 * 1024
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES} bytes."
log = structlog.get_logger(__name__)


class BodyLimit:
    """At most 1 MiB, but for lists of contacts and of numbers not to call, which come in pieces."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_calling_list(scope):
            return await self.app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            return await problem_response(413, "too_large", _TOO_LARGE)(scope, receive, send)
        return await self.app(scope, _counting(receive), send)


def _is_calling_list(scope: Scope) -> bool:
    kind = Headers(scope=scope).get("content-type", "")
    return kind.startswith(("text/csv", XLSX)) and scope["path"].endswith(("/contacts", "/dnc"))


def _counting(receive: Receive) -> Receive:
    """For bodies that do not say their length."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE)
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
