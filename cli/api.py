"""The API process: uvicorn over the app."""

from __future__ import annotations

import asyncio
from types import FrameType

import uvicorn
from fastapi import FastAPI

from admin_api.app import create_app
from admin_api.settings import ApiSettings
from cli.engine import open_store
from cli.settings import Settings

#: Requests that are still being answered are cut after this when the process is told to end.
GRACE_S = 5


class _Server(uvicorn.Server):
    """Ends event streams first: uvicorn would wait for them."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._app.state.stopping.set)
        super().handle_exit(sig, frame)


def run_api(settings: Settings) -> None:
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with open_store(settings) as store:
        app = create_app(store, ApiSettings())
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,  # paths may hold phone numbers
            timeout_graceful_shutdown=GRACE_S,
        )
        await _Server(app, config).serve()
