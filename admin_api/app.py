"""The HTTP application: its routes, its guards, and what it holds while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from admin_api import examples, problems
from admin_api.auth import BASE, BearerAuth
from admin_api.context import Context
from admin_api.limits import BodyLimit, Metrics, Observe
from admin_api.routes import (
    agents,
    attempts,
    audit,
    campaigns,
    connectors,
    contacts,
    controls,
    dnc,
    events,
    health,
    hooks,
    imports,
    jobs,
    lists,
    offers,
    presets,
    sounds,
    system,
    tokens,
    webhooks,
    what_if,
)
from admin_api.schemas.dnc import DncIn
from admin_api.settings import ApiSettings
from admin_api.web import pages
from admin_api.what_if import Foreteller
from crm.contact_in import ContactIn
from crm.jobs import ImportQueue
from engine.store import RedisStore

TITLE = "asterisk-dialer"
_REF = "#/components/schemas/{model}"


def create_app(store: RedisStore | None, settings: ApiSettings) -> FastAPI:
    """The application on a connected store, or on one that its lifespan connects and closes.

    With a store given it answers without its lifespan too, but for DIALER_ADMIN_TOKEN, which the
    lifespan makes known. Set `app.state.stopping` before the server waits for its connections:
    event streams end then.
    """
    # No documentation page: FastAPI's loads its scripts from another host.
    app = _Documented(
        title=TITLE,
        version="1",
        openapi_url=f"{BASE}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan_of(store, settings),
    )
    _prepare_state(app, store, settings)
    problems.install(app)
    for room in (campaigns, controls, contacts, imports, attempts, agents, dnc, events, audit):
        app.include_router(room.router, prefix=BASE)
    app.include_router(tokens.router, prefix=BASE)
    app.include_router(presets.router, prefix=BASE)
    app.include_router(offers.router, prefix=BASE)
    app.include_router(sounds.router, prefix=BASE)
    app.include_router(system.router, prefix=BASE)
    app.include_router(lists.router, prefix=BASE)
    app.include_router(connectors.router, prefix=BASE)
    app.include_router(webhooks.router, prefix=BASE)
    app.include_router(what_if.router, prefix=BASE)
    app.include_router(jobs.router, prefix=BASE)
    app.include_router(health.router)
    app.include_router(hooks.router)
    pages.install(app)
    # The last one added is the first to see a request.
    app.add_middleware(BearerAuth)
    app.add_middleware(BodyLimit)
    app.add_middleware(pages.PageHeaders)
    app.add_middleware(Observe, metrics=app.state.metrics)
    return app


def _prepare_state(app: FastAPI, store: RedisStore | None, settings: ApiSettings) -> None:
    app.state.metrics = Metrics()
    app.state.stopping = asyncio.Event()
    app.state.n_streams = 0
    app.state.foreteller = Foreteller()
    if store is not None:
        app.state.context = Context(store, settings, ImportQueue.at(settings.jobs_url))


def _lifespan_of(
    store: RedisStore | None, settings: ApiSettings
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        own = None if store is not None else await RedisStore.connect(settings.redis_url)
        if own is not None:
            app.state.context = Context(own, settings, ImportQueue.at(settings.jobs_url))
        try:
            await ensure_admin(app.state.context.store, settings)
            yield
        finally:
            app.state.stopping.set()
            app.state.context.jobs.close()
            if own is not None:
                await own.close()

    return lifespan


async def ensure_admin(store: RedisStore, settings: ApiSettings) -> None:
    """Make DIALER_ADMIN_TOKEN an administrator's token, if it is set."""
    if settings.admin_token is not None:
        secret = settings.admin_token.get_secret_value()
        await store.tokens.ensure(secret, "admin", datetime.now(UTC))


class _Documented(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _openapi(self)
        return self.openapi_schema


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with the models of bodies that routes read themselves."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    known = document["components"]["schemas"]
    for model in (problems.Problem, ContactIn, DncIn):
        schema = model.model_json_schema(ref_template=_REF)
        known.update(schema.pop("$defs", {}))
        known[model.__name__] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        known.pop(name, None)
    examples.add_to(document)
    return document
