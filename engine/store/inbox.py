"""What CRMs push to us: kept by the connection until every campaign has read it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke

#: An id that comes again within this time is a replay; longer than a signature is good for.
REMEMBER_S: Final = 24 * 3600
#: Records that one connection keeps; more are refused until they are read or have ended.
MAX_KEPT: Final = 1_000_000
KEEP_S: Final = 30 * 24 * 3600


class RedisInbox:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def take(
        self, connector_id: str, message_id: str, records: Sequence[str], now: datetime
    ) -> int | None:
        """How many records were kept; None: this message was taken before; -1: the box is full."""
        digest = hashlib.sha256(message_id.encode()).hexdigest()[:32]
        keys = [self._key(connector_id), self._keys.connectors(f"seen:{connector_id}:{digest}")]
        limits = (REMEMBER_S, MAX_KEPT, codec.to_ms(now) - KEEP_S * 1000)
        taken = int((await self._link.batch([invoke("inbox_take", keys, *limits, *records)]))[0])
        return None if taken == -2 else taken

    async def read(
        self, connector_id: str, since: datetime | None, after: str | None, limit: int
    ) -> Sequence[tuple[str, str]]:
        """Place and text of each record, in the order in which they came."""
        start = f"({after}" if after else (str(codec.to_ms(since)) if since else "-")
        rows = await self._link.call("XRANGE", self._key(connector_id), start, "+", "COUNT", limit)
        return [(str(place), str(flat[1])) for place, flat in rows]

    async def clock(self) -> datetime:
        """Of the server that gives the places their instants."""
        seconds, micros = await self._link.call("TIME")
        return codec.from_ms(int(seconds) * 1000 + int(micros) // 1000)

    def _key(self, connector_id: str) -> str:
        return self._keys.connectors(f"inbox:{connector_id}")
