"""Recordings that callers hear. The samples' own hash is the id, so nothing is stored twice."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from engine.core.errors import NotFound
from engine.core.sound import Sound
from engine.store import codec
from engine.store.audit import entry
from engine.store.keys import Keys
from engine.store.link import Link


class RedisSounds:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._by_id, self._wavs = keys.sounds("by_id"), keys.sounds("wavs")

    async def add(self, sound: Sound, wav: bytes, actor: str) -> Sound:
        """The same samples again only change the name."""
        text = base64.b64encode(wav).decode()
        # The recording first: whoever lists it can read it.
        await self._link.call("HSET", self._wavs, sound.id, text)
        await self._link.call("HSET", self._by_id, sound.id, _to_json(sound))
        await self._note(sound, "sound_create", actor, sound.created_at)
        return sound

    async def get(self, sound_id: str) -> Sound:
        """Raises NotFound."""
        text = await self._link.call("HGET", self._by_id, sound_id)
        if text is None:
            raise NotFound("There is no such recording.")
        return _of_json(text)

    async def list(self) -> Sequence[Sound]:
        """The newest first."""
        rows = [_of_json(text) for text in await self._link.call("HVALS", self._by_id)]
        return sorted(rows, key=lambda sound: (sound.created_at, sound.id), reverse=True)

    async def ids(self) -> Sequence[str]:
        return [str(one) for one in await self._link.call("HKEYS", self._by_id)]

    async def wav(self, sound_id: str) -> bytes:
        """Raises NotFound."""
        text = await self._link.call("HGET", self._wavs, sound_id)
        if text is None:
            raise NotFound("There is no such recording.")
        return base64.b64decode(text)

    async def delete(self, sound_id: str, actor: str, now: datetime) -> None:
        """Raises NotFound."""
        sound = await self.get(sound_id)
        await self._link.batch([
            ("HDEL", self._by_id, sound_id),
            ("HDEL", self._wavs, sound_id),
        ])  # fmt: skip
        await self._note(sound, "sound_delete", actor, now)

    async def _note(self, sound: Sound, what: str, actor: str, now: datetime) -> None:
        subject = f"sound:{sound.id}"
        await self._link.batch([entry(self._keys, now, actor, what, subject, name=sound.name)])


def _to_json(sound: Sound) -> str:
    return codec.to_json({**asdict(sound), "created_at": codec.to_ms(sound.created_at)})


def _of_json(text: str) -> Sound:
    values: dict[str, Any] = codec.from_json(text)
    values["created_at"] = codec.from_ms(values["created_at"])
    return Sound(**values)
