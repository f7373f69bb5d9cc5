"""How many calls each caller id has shown, over all campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.core.caller_ids import USE_HOURS, calls_left, free_at_hour
from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke

_HOUR_S = 3600


class RedisCallers:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def take(
        self, callers: Sequence[str], limit: int | None, now: datetime
    ) -> Sequence[bool]:
        """One call each, counted; False where the number has shown as many as it may."""
        if not callers:
            return []
        known = {caller: i for i, caller in enumerate(dict.fromkeys(callers), start=1)}
        keys = [self._keys.caller(caller) for caller in known]
        head = (_hour(now), USE_HOURS, limit or 0)
        command = invoke("take_callers", keys, *head, *(known[caller] for caller in callers))
        return [bool(one) for one in (await self._link.batch([command]))[0]]

    async def left(self, callers: Sequence[str], limit: int, now: datetime) -> Mapping[str, int]:
        """How many more calls each may show now."""
        used = await self._used(callers)
        return {each: calls_left(used[each], limit, _hour(now)) for each in used}

    async def free_at(self, callers: Sequence[str], limit: int, now: datetime) -> datetime | None:
        """When the first of them may show a call; None: one may now."""
        used, hour = await self._used(callers), _hour(now)
        first = min(free_at_hour(each, limit, hour) for each in used.values())
        return datetime.fromtimestamp(first * _HOUR_S, UTC) if first > hour else None

    async def _used(self, callers: Sequence[str]) -> Mapping[str, Mapping[int, int]]:
        some = list(dict.fromkeys(callers))
        rows = await self._link.batch([("HGETALL", self._keys.caller(each)) for each in some])
        tables = [{int(at): int(n) for at, n in codec.pairs(flat).items()} for flat in rows]
        return dict(zip(some, tables, strict=True))


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // _HOUR_S
