"""The engine process: the real store, the real telephony and the loops, put together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from cli.redis import redis_url
from cli.settings import Settings
from engine.core.errors import StoreUnavailable
from engine.service.clock import SystemClock
from engine.service.engine import Engine
from engine.service.world import EngineSettings
from engine.store import RedisStore
from telephony.asterisk import AsteriskTelephony
from telephony.sound_folder import SoundFolder

log = structlog.get_logger()

#: A Redis that is being started with us is waited for so long.
REDIS_START_S = 30
#: How often a link that stays down is complained about.
COMPLAIN_S = 5.0


async def run_engine(settings: Settings) -> None:
    """Until SIGINT or SIGTERM. Raises StoreUnavailable when Redis does not come up."""
    stop = stop_on_signals()
    async with open_store(settings) as store:
        durability = await store.durability()
        if not durability.persists or durability.evicts:
            log.warning("redis_may_lose_calls", detail=durability.detail)
        telephony = AsteriskTelephony(settings.ami, settings.node)
        async with telephony:
            complaining = asyncio.create_task(_complain(telephony, stop), name="complain")
            engine = Engine(
                store, telephony, SystemClock(), _engine_settings(settings), _sound_place(settings)
            )
            try:
                await engine.run(stop)
            finally:
                complaining.cancel()


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[RedisStore]:
    store = await _connect(redis_url(settings.redis_url, settings.data_dir))
    try:
        yield store
    finally:
        await store.close()


def stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _connect(url: str) -> RedisStore:
    for attempt in range(REDIS_START_S):
        try:
            return await RedisStore.connect(url)
        except StoreUnavailable as error:
            if attempt == REDIS_START_S - 1:
                raise
            log.warning("waiting_for_redis", error=error.message)
            await asyncio.sleep(1)
    raise StoreUnavailable


async def _complain(telephony: AsteriskTelephony, stop: asyncio.Event) -> None:
    """Say why there is no Asterisk, for as long as there is none."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), COMPLAIN_S)
        if not telephony.is_up() and not stop.is_set():
            log.error(
                "asterisk_unreachable",
                error=telephony.last_error,
                fix="check DIALER_AMI_HOST, _PORT, _USERNAME, _SECRET and `dialer doctor`",
            )


def _engine_settings(settings: Settings) -> EngineSettings:
    return EngineSettings(
        owner=settings.owner,
        lease_s=settings.lease_s,
        queues=settings.queues,
        node=settings.node,
        sounds_path=settings.sounds_in_asterisk,
    )


def _sound_place(settings: Settings) -> SoundFolder | None:
    folder = settings.sound_folder
    return None if folder is None else SoundFolder(folder)
