"""All pages as one router, and the headers that keep everything else out of them."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_api.web.render import STATIC
from admin_api.web.routes import (
    agents,
    calling_lists,
    campaign,
    campaigns,
    connectors,
    desk,
    edit,
    lists,
    people,
    sign_in,
    sounds,
    system,
    webhooks,
    what_if,
)

#: In the order in which a path is looked up: `/campaigns/new` before `/campaigns/{id}`.
ROOMS = (
    sign_in, edit, calling_lists, campaign, what_if, campaigns, agents, lists, connectors,
    webhooks, people, desk, sounds, system,
)  # fmt: skip
#: Nothing from another host, no inline script or style, no framing.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def install(app: FastAPI) -> None:
    """Serve the page beside the API."""
    for room in ROOMS:
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


class PageHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        return await self.app(scope, receive, with_headers)
