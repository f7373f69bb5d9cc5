"""Background jobs that failed with an error nobody expected: what they were, and trying again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, Field
from redis import Redis
from redis.exceptions import RedisError

from admin_api.auth import Admin, Supervisor
from admin_api.context import Context, Ctx
from admin_api.problems import responses
from admin_api.schemas.basics import Listing
from crm import failed_jobs
from engine.core.errors import StoreUnavailable

router = APIRouter(prefix="/jobs", tags=["jobs"])
T = TypeVar("T")


class FailedJobOut(BaseModel):
    id: str
    queue: str
    what: str
    error: str = Field(description="the last line of what was logged")
    at: datetime | None


class Retried(BaseModel):
    jobs: int


@router.get("/failed", responses=responses())
async def list_failed_jobs(ctx: Ctx, _token: Supervisor) -> Listing[FailedJobOut]:
    """Of the last day, newest first, at most 200."""
    found = await ask(ctx, failed_jobs.list_failed)
    return Listing(items=[
        FailedJobOut(id=one.id, queue=one.queue, what=one.what, error=one.error, at=one.at)
        for one in found
    ])  # fmt: skip


@router.post("/failed/retry", responses=responses())
async def retry_failed_jobs(ctx: Ctx, _token: Admin) -> Retried:
    """Each knows how far it was, so that nothing is done twice."""
    return Retried(jobs=await ask(ctx, failed_jobs.retry_failed))


async def ask(ctx: Context, what: Callable[[Redis], T]) -> T:
    """RQ's client blocks. Raises StoreUnavailable."""
    try:
        return await asyncio.to_thread(what, ctx.jobs.connection)
    except RedisError as error:
        raise StoreUnavailable(f"The job queue does not answer: {error}") from error
