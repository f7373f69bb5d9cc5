"""The API process: uvicorn over the app."""

from __future__ import annotations

import asyncio

import uvicorn

from admin_api.app import create_app
from admin_api.settings import ApiSettings
from cli.engine import open_store
from cli.settings import Settings

#: Streams (events, exports) are cut after this when the process is told to end.
GRACE_S = 5


def run_api(settings: Settings) -> None:
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with open_store(settings) as store:
        config = uvicorn.Config(
            create_app(store, ApiSettings()),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            timeout_graceful_shutdown=GRACE_S,
        )
        await uvicorn.Server(config).serve()
