"""Numbers that must not be called, in all campaigns. What reserving a number checks, at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.store import codec
from engine.store.audit import entry
from engine.store.keys import Keys, digits, number_shard
from engine.store.link import Link
from engine.store.page import Page, bad_cursor, cursor_of, parts_of


@dataclass(frozen=True, slots=True)
class DncEntry:
    phone: str
    source: str
    added_at: datetime


class RedisDnc:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def add(self, phone: str, *, source: str, actor: str, now: datetime) -> bool:
        """False when it was there already."""
        value = f"{codec.to_ms(now)}|{source}"
        answers = await self._link.batch([
            # First the mark by which `list` finds the shard: a kill in between does no harm.
            ("SETBIT", self._keys.dnc_shards, number_shard(phone), 1),
            ("HSETNX", self._keys.number(phone).dnc, digits(phone), value),
        ])  # fmt: skip
        if answers[1]:
            await self._link.batch([entry(self._keys, now, actor, "dnc_add", phone, source=source)])
        return bool(answers[1])

    async def remove(self, phone: str, actor: str, now: datetime) -> bool:
        gone = await self._link.call("HDEL", self._keys.number(phone).dnc, digits(phone))
        if gone:
            await self._link.batch([entry(self._keys, now, actor, "dnc_remove", phone)])
        return bool(gone)

    async def contains(self, phone: str) -> bool:
        key = self._keys.number(phone).dnc
        return bool(await self._link.call("HEXISTS", key, digits(phone)))

    async def _used_shards(self, first: int) -> list[int]:
        bitmap = await self._link.call_raw("GET", self._keys.dnc_shards) or b""
        return [shard for shard in _bits(bitmap) if shard >= first]

    async def list(self, *, limit: int = 100, cursor: str | None = None) -> Page[DncEntry]:
        """Every entry once, in an order that stays the same."""
        after = _position(cursor)
        found: list[tuple[int, DncEntry]] = []
        shards = await self._used_shards(after[0])
        while shards and len(found) <= limit:
            some, shards = shards[:100], shards[100:]
            commands = [("HGETALL", self._keys.shard(shard).dnc) for shard in some]
            for shard, flat in zip(some, await self._link.batch(commands), strict=True):
                rest = sorted((int(n), v) for n, v in codec.pairs(flat).items())
                found += [(shard, _entry(n, v)) for n, v in rest if (shard, n) > after]
        page = found[:limit]
        last = (page[-1][0], int(digits(page[-1][1].phone))) if len(found) > limit else None
        return Page([item for _, item in page], cursor_of(*last) if last else None)


def _bits(bitmap: bytes) -> Iterator[int]:
    for i, byte in enumerate(bitmap):
        if byte:
            yield from (i * 8 + bit for bit in range(8) if byte & (0x80 >> bit))


def _position(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return (-1, -1)
    shard, number = parts_of(cursor, 2)
    if not isinstance(shard, int) or not isinstance(number, int):
        raise bad_cursor()
    return (shard, number)


def _entry(number: int, value: str) -> DncEntry:
    added_at, _, source = value.partition("|")
    return DncEntry(f"+{number}", source, codec.from_ms(added_at))
