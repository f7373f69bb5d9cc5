"""Answers to requests that carry an Idempotency-Key, so that a repetition gets the first one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from engine.core.errors import Conflict
from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link

#: As long as a client may reasonably repeat a request.
LIFETIME_S: Final = 86_400
#: A request whose process was killed may be repeated after this.
PENDING_S: Final = 600


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    status: int
    body: str
    fingerprint: str


class RedisIdempotency:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def begin(self, key: str, fingerprint: str, now: datetime) -> StoredAnswer | None:
        """None: go on, and call `finish` or `forget`. Raises Conflict while the first one runs."""
        name = self._keys.idempotency(key)
        pending = codec.to_json([0, "", fingerprint, codec.to_ms(now)])
        made, text = await self._link.batch([
            ("SET", name, pending, "NX", "EX", PENDING_S),
            ("GET", name),
        ])  # fmt: skip
        if made:
            return None
        status, body, of_first, _ = codec.from_json(text or pending)
        if status == 0:
            raise Conflict("The first request with this key still runs.")
        return StoredAnswer(status, body, of_first)

    async def finish(self, key: str, status: int, body: str, fingerprint: str) -> None:
        """`fingerprint`: of the whole request, of which `begin` may have known a part."""
        name = self._keys.idempotency(key)
        text = await self._link.call("GET", name)
        at = codec.from_json(text)[3] if text else 0
        answer = codec.to_json([status, body, fingerprint, at])
        await self._link.call("SET", name, answer, "EX", LIFETIME_S)

    async def forget(self, key: str) -> None:
        """The request failed and may be tried again at once."""
        await self._link.call("DEL", self._keys.idempotency(key))
