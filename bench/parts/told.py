"""What a site's processes told each other, with the instants at which the store took it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.ports import Change
from engine.store import RedisStore

PATIENCE_S = 60.0


def at(change: Change) -> datetime:
    """By the clock of the Redis server, which runs on this machine."""
    return datetime.fromtimestamp(int(change.cursor.partition("-")[0]) / 1000, UTC)


def says(kind: str, thing: object, **payload: object) -> Callable[[Change], bool]:
    """Whether a change is of this thing and says this."""

    def matches(change: Change) -> bool:
        is_it = (change.kind, change.id) == (kind, str(thing))
        return is_it and all(change.payload.get(name) == value for name, value in payload.items())

    return matches


@dataclass(slots=True)
class Told:
    """All changes since the beginning."""

    changes: list[Change] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def first(self, wanted: Callable[[Change], bool], since: datetime) -> datetime:
        """When the first such change came at or after `since`. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            while True:
                for change in self.changes:
                    if at(change) >= since and wanted(change):
                        return at(change)
                await self._news.wait()

    def last(self, wanted: Callable[[Change], bool], until: datetime) -> datetime:
        """When the last such change came at or before `until`."""
        return max(at(each) for each in self.changes if wanted(each) and at(each) <= until)

    async def follow(self, store: RedisStore) -> None:
        cursor = "0-0"
        while True:
            cursor, changes = await store.changes.wait(cursor, 1.0)
            async with self._news:
                self.changes += changes
                self._news.notify_all()


@asynccontextmanager
async def following(store: RedisStore) -> AsyncIterator[Told]:
    told = Told()
    task = asyncio.create_task(told.follow(store))
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])
