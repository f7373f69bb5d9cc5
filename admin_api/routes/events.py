"""Server-sent events: campaign, agent and attempt changes, resumable after a lost connection."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Request
from pydantic import TypeAdapter
from starlette.responses import Response, StreamingResponse

from admin_api.auth import Supervisor
from admin_api.context import Context, Ctx
from admin_api.problems import ApiError, responses
from admin_api.views import agent_out, campaign_out
from engine.core.attempt import AttemptRecord
from engine.core.errors import NotFound, StoreUnavailable
from engine.ports import Change
from engine.store import records

router = APIRouter(tags=["events"])
#: Each stream holds a connection to Redis while it waits; the store has 64.
MAX_STREAMS = 40
WAIT_S = 2.0
HEARTBEAT_S = 15.0
#: Then the client comes again, and its token is checked again.
MAX_STREAM_S = 3600.0
RETRY_MS = 2000
_record = TypeAdapter(AttemptRecord)
log = structlog.get_logger(__name__)


@router.get(
    "/events",
    response_class=Response,
    responses={
        **responses(),
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "events `campaign`, `agent`, `attempt`, the resource as JSON in `data`",
        },
    },
)
async def events(
    request: Request,
    ctx: Ctx,
    _token: Supervisor,
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^[0-9]{1,15}-[0-9]{1,10}$", description="go on after this event"),
    ] = None,
) -> StreamingResponse:
    state = request.app.state
    if state.n_streams >= MAX_STREAMS:
        raise ApiError(503, "too_many_streams", "Too many event streams are open.", Retry_After="5")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _stream(request, ctx, last_event_id or "$")
    return StreamingResponse(stream, 200, headers, "text/event-stream")


async def _stream(request: Request, ctx: Context, cursor: str) -> AsyncIterator[str]:
    state = request.app.state
    state.n_streams += 1
    started = beat = time.monotonic()
    try:
        yield f"retry: {RETRY_MS}\n\n"
        while not state.stopping.is_set() and time.monotonic() - started < MAX_STREAM_S:
            cursor, changes = await ctx.store.changes.wait(cursor, WAIT_S)
            for change in _latest(changes):
                yield await _event(ctx, change)
            if changes or time.monotonic() - beat >= HEARTBEAT_S:
                beat = time.monotonic()
                yield ": \n\n"
    except StoreUnavailable as error:
        log.warning("event_stream_ended", error=error.message)
    finally:
        state.n_streams -= 1


def _latest(changes: Sequence[Change]) -> Sequence[Change]:
    """Campaigns and agents are shown as they are now: the last change of each is enough."""
    named = (change for change in changes if change.id)  # without an id: many at once
    last = {(change.kind, change.id, _revision(change)): change for change in named}
    return sorted(last.values(), key=lambda change: _position(change.cursor))


def _revision(change: Change) -> object:
    return change.payload.get("rev", 0) if change.kind == "attempt" else None


def _position(cursor: str) -> tuple[int, int]:
    ms, _, sequence = cursor.partition("-")
    return int(ms), int(sequence)


async def _event(ctx: Context, change: Change) -> str:
    try:
        body = await _body(ctx, change)
    except NotFound:
        body = json.dumps({"id": int(change.id), "deleted": True})
    return f"id: {change.cursor}\nevent: {change.kind}\ndata: {body}\n\n"


async def _body(ctx: Context, change: Change) -> str:
    match change.kind:
        case "campaign":
            campaign = await ctx.store.campaigns.get(int(change.id))
            return (await campaign_out(ctx, campaign)).model_dump_json()
        case "agent":
            return agent_out(await ctx.store.agents.get(int(change.id))).model_dump_json()
    return _record.dump_json(records.of_payload(change.payload)).decode()
