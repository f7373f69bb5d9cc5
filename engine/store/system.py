"""Settings that hold for all campaigns."""

from __future__ import annotations

from datetime import datetime

from engine.core.settings import SystemSettings
from engine.store.audit import entry
from engine.store.changes import change
from engine.store.keys import Keys
from engine.store.link import Link


class RedisSystem:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def get(self) -> SystemSettings:
        return parsed(await self._link.call("GET", self._keys.system))

    async def save(self, settings: SystemSettings, actor: str, now: datetime) -> None:
        """Engines look at every campaign that is open again: it acts within a second."""
        before = await self.get()
        names = [
            n for n in type(settings).model_fields if getattr(settings, n) != getattr(before, n)
        ]
        open_ids = await self._link.call("SMEMBERS", self._keys.campaigns("open"))
        await self._link.batch([
            ("SET", self._keys.system, settings.model_dump_json()),
            entry(self._keys, now, actor, "edit", "system", fields=names),
            *(change(self._keys, "campaign", each, {"what": "edited"}) for each in open_ids),
        ])  # fmt: skip


def parsed(json: str | None) -> SystemSettings:
    return SystemSettings.model_validate_json(json) if json else SystemSettings()
