"""Brings recordings from the store to where Asterisk plays them, and knows which are there."""

from __future__ import annotations

import asyncio
from collections.abc import Set

import structlog

from engine.core.errors import NotFound
from engine.core.settings import CampaignSettings
from engine.core.sound import is_ours
from engine.ports import SoundPlace, Sounds

log = structlog.get_logger()


class SoundKeeper:
    """`place` None: somebody else brings them to Asterisk (`dialer sounds sync` on its machine)."""

    def __init__(self, sounds: Sounds, place: SoundPlace | None) -> None:
        self._sounds, self._place = sounds, place
        self._here: Set[str] = frozenset()
        self._complained = False

    async def keep(self) -> None:
        """`bring`; what cannot be written is missing until it can."""
        try:
            await self.bring()
            self._complained = False
        except OSError as error:
            self._here = frozenset()
            if not self._complained:
                log.error("sounds_not_written", error=str(error), fix="DIALER_SOUNDS_DIR")
            self._complained = True

    async def bring(self) -> None:
        """What is new is written, what was deleted is taken away. Raises OSError."""
        wanted = set(await self._sounds.ids())
        self._here = wanted if self._place is None else await self._bring(self._place, wanted)

    async def _bring(self, place: SoundPlace, wanted: Set[str]) -> Set[str]:
        there = await asyncio.to_thread(place.ids)
        for sound_id in wanted - there:
            try:
                wav = await self._sounds.wav(sound_id)
            except NotFound:
                continue  # deleted meanwhile
            await asyncio.to_thread(place.place, sound_id, wav)
            there.add(sound_id)
        await asyncio.to_thread(place.remove, there - wanted)
        return there & wanted

    def has_all(self, settings: CampaignSettings) -> bool:
        """Every recording of ours that this campaign may play can be played now."""
        return all(name in self._here for name in settings.recordings.values() if is_ours(name))
