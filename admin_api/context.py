"""What every route works with: the store, the settings, the job queue, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from admin_api.settings import ApiSettings
from crm.jobs import ImportQueue
from engine.store import RedisStore

#: Ids are whole numbers that JSON and JavaScript carry without loss.
MAX_ID = 2**53 - 1


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    store: RedisStore
    settings: ApiSettings
    jobs: ImportQueue
    now: Callable[[], datetime] = _utc_now


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
