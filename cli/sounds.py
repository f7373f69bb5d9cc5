"""`dialer sounds sync`: brings recordings to the machine of an Asterisk that shares no folder."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from cli.engine import open_store, stop_on_signals
from cli.settings import Settings
from engine.core.errors import StoreUnavailable
from engine.service.sounds import SoundKeeper
from telephony.sound_folder import SoundFolder

log = structlog.get_logger()

LOOK_S = 2.0


async def sync_sounds(settings: Settings, folder: Path, *, follow: bool) -> int:
    """Recordings that are there afterwards; with `follow` it goes on until SIGINT or SIGTERM.

    Raises OSError where the folder cannot be written.
    """
    place = SoundFolder(folder)
    async with open_store(settings) as store:
        keeper = SoundKeeper(store.sounds, place)
        await keeper.bring()
        if follow:
            await _go_on(keeper, stop_on_signals())
    return len(place.ids())


async def _go_on(keeper: SoundKeeper, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_S)
        try:
            await keeper.keep()
        except StoreUnavailable as error:
            log.warning("sounds_wait_for_redis", error=error.message)
