"""A calling list on its way into the store: in pieces, so that its size does not matter here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from redis.exceptions import RedisError
from starlette.requests import ClientDisconnect

from admin_api.context import Context
from admin_api.problems import ApiError
from admin_api.schemas.lists import ImportOut
from admin_api.streamed import Streamed
from admin_api.views import import_out
from crm.columns import Choice
from crm.import_run import UPLOAD_CUT, UPLOAD_LIMIT_S

#: One step of the import: its rows are added and its position is committed together.
CHUNK_BYTES = 64 * 1024
IDLE_LIMIT_S = 60
log = structlog.get_logger(__name__)


async def receive_upload(
    body: Streamed, ctx: Context, campaign_id: int, filename: str, choice: Choice | None = None
) -> ImportOut:
    """Stage the body and leave a job for the worker. Raises ApiError when it ends early."""
    imports = ctx.store.imports
    import_id = await imports.create(
        campaign_id,
        filename=filename,
        now=ctx.now(),
        columns=",".join(choice.words) if choice else "",
        has_header=choice is None or choice.has_header,
    )
    is_whole = False
    try:
        async with asyncio.timeout(UPLOAD_LIMIT_S):
            async for chunk in _chunks(body.pieces()):
                await imports.append(import_id, chunk, ctx.now())
        await imports.seal(import_id, ctx.now())
        is_whole = True
    except (ClientDisconnect, TimeoutError):
        raise ApiError(400, "upload_incomplete", UPLOAD_CUT) from None
    finally:
        if not is_whole:
            await imports.abort(import_id, UPLOAD_CUT, ctx.now())
    await _enqueue(ctx, import_id)
    return import_out(await imports.get(campaign_id, import_id))


async def _enqueue(ctx: Context, import_id: str) -> None:
    """A job that is lost here is found by the worker, which looks for imports without one."""
    try:
        await asyncio.to_thread(ctx.jobs.enqueue, import_id)
    except RedisError as error:
        log.warning("import_not_enqueued", import_id=import_id, error=str(error))


async def _chunks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body in equal pieces."""
    waiting = bytearray()
    while (piece := await _next(stream)) is not None:
        waiting += piece
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    async with asyncio.timeout(IDLE_LIMIT_S):
        return await anext(stream, None)
