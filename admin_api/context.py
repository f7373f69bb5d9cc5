"""What every route works with: the store, the settings, the job queue, and the time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Query, Request

from admin_api.settings import ApiSettings
from crm.jobs import ImportQueue
from engine.store import RedisStore

#: Ids are whole numbers that JSON and JavaScript carry without loss.
MAX_ID = 2**53 - 1
#: Reads at once for lists, over all requests: the store has 64 connections for everything.
MAX_READS = 16
T = TypeVar("T")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    store: RedisStore
    settings: ApiSettings
    jobs: ImportQueue
    now: Callable[[], datetime] = _utc_now
    _reads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_READS))

    async def each(self, reads: Iterable[Awaitable[T]]) -> list[T]:
        """All answers in order, with a bound on what is asked at once."""
        return list(await asyncio.gather(*map(self._one, reads)))

    async def _one(self, read: Awaitable[T]) -> T:
        async with self._reads:
            return await read


def _context(request: Request) -> Context:
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


Ctx = Annotated[Context, Depends(_context)]
CampaignId = Annotated[int, Path(ge=1, le=MAX_ID)]
ContactId = Annotated[int, Path(ge=1, le=MAX_ID)]
AgentId = Annotated[int, Path(ge=1, le=MAX_ID)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(max_length=512)]
