"""Attempts, which are the call detail records: JSON pages, or all of them as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import astuple, fields
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from admin_api import csv_out, zip_stream
from admin_api.auth import Supervisor
from admin_api.context import MAX_ID, CampaignId, Context, Ctx, Cursor, Limit
from admin_api.export import Export
from admin_api.problems import responses
from admin_api.schemas.basics import Listing
from engine.core.attempt import AttemptRecord
from engine.core.errors import FieldError, Invalid
from engine.core.outcome import Outcome
from engine.store.page import cursor_of, parts_of

router = APIRouter(tags=["attempts"])
_CSV_PAGE = 1000
#: Campaigns without attempts that one page skips.
MAX_LOOKED_AT = 100
_ANSWERS: dict[int | str, dict[str, Any]] = {
    **responses(404),
    200: {
        "model": Listing[AttemptRecord],
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "description": "JSON page, or with Accept: text/csv all of them",
    },
}


@router.get("/campaigns/{campaign_id}/attempts", response_model=None, responses=_ANSWERS)
async def list_attempts(
    campaign_id: CampaignId,
    request: Request,
    ctx: Ctx,
    _token: Supervisor,
    contact_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    outcome: Outcome | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response | Listing[AttemptRecord]:
    """Oldest first. An attempt whose record was amended (`rev`) keeps its place."""
    await ctx.store.campaigns.get(campaign_id)
    if _wants_csv(request):
        return _csv(_all_of(ctx, campaign_id, contact_id, outcome))
    records, next_cursor = await ctx.store.attempts.list(
        campaign_id, after=cursor, limit=limit, contact_id=contact_id, outcome=outcome
    )
    return Listing(items=list(records), next_cursor=next_cursor)


@router.get(
    "/campaigns/{campaign_id}/export",
    response_class=Response,
    responses={
        **responses(404),
        200: {
            "content": {zip_stream.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            "description": "ZIP archive",
        },
    },
)
async def export_campaign(campaign_id: CampaignId, ctx: Ctx, _token: Supervisor) -> Response:
    """For an auditor: attempts, the state of each contact, the log, the figures, and how the
    figures follow from the rows."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    name = f"campaign-{campaign_id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    chunks = Export(ctx.store, campaign, ctx.now()).chunks()
    return StreamingResponse(chunks, 200, headers, zip_stream.MEDIA_TYPE)


@router.get("/attempts", response_model=None, responses=_ANSWERS)
async def list_all_attempts(
    request: Request,
    ctx: Ctx,
    _token: Supervisor,
    outcome: Outcome | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response | Listing[AttemptRecord]:
    """Of all campaigns, one campaign after the other; a page ends where a campaign ends."""
    if _wants_csv(request):
        return _csv(_of_all_campaigns(ctx, outcome))
    first, after = _position(cursor)
    waiting = [id_ for id_ in await _campaign_ids(ctx) if id_ >= first]
    records: Sequence[AttemptRecord] = ()
    for _ in range(MAX_LOOKED_AT):
        if records or not waiting:
            break
        records, after = await ctx.store.attempts.list(
            waiting[0], after=after, limit=limit, outcome=outcome
        )
        if after:
            return Listing(items=list(records), next_cursor=cursor_of(waiting[0], after))
        waiting = waiting[1:]
    more = cursor_of(waiting[0], None) if waiting else None
    return Listing(items=list(records), next_cursor=more)


def _position(cursor: str | None) -> tuple[int, str | None]:
    """The campaign to go on with, and the place in it."""
    first, after = parts_of(cursor, 2) if cursor is not None else (0, None)
    if not isinstance(first, int) or not isinstance(after, str | None):
        raise Invalid(errors=[FieldError("cursor", "is not a cursor that this list gave")])
    return first, after


async def _campaign_ids(ctx: Context) -> list[int]:
    """Oldest first."""
    ids: list[int] = []
    cursor = None
    while True:
        page = await ctx.store.campaigns.list(sort="created_at", limit=1000, cursor=cursor)
        ids += [campaign.id for campaign in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return sorted(ids)


def _wants_csv(request: Request) -> bool:
    return request.headers.get("accept", "").split(",")[0].startswith(csv_out.MEDIA_TYPE)


def _csv(pages: AsyncIterator[list[AttemptRecord]]) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="attempts.csv"'}
    return StreamingResponse(_lines(pages), 200, headers, csv_out.MEDIA_TYPE)


def csv_of_campaign(ctx: Context, campaign_id: int) -> StreamingResponse:
    """All attempts of one campaign."""
    return _csv(_all_of(ctx, campaign_id, None, None))


async def _lines(pages: AsyncIterator[list[AttemptRecord]]) -> AsyncIterator[str]:
    yield csv_out.csv_lines([[field.name for field in fields(AttemptRecord)]])
    async for records in pages:
        yield csv_out.csv_lines(astuple(record) for record in records)


async def _all_of(
    ctx: Context, campaign_id: int, contact_id: int | None, outcome: Outcome | None
) -> AsyncIterator[list[AttemptRecord]]:
    after: str | None = None
    while True:
        records, after = await ctx.store.attempts.list(
            campaign_id, after=after, limit=_CSV_PAGE, contact_id=contact_id, outcome=outcome
        )
        yield list(records)
        if after is None:
            return


async def _of_all_campaigns(
    ctx: Context, outcome: Outcome | None
) -> AsyncIterator[list[AttemptRecord]]:
    for campaign_id in await _campaign_ids(ctx):
        async for records in _all_of(ctx, campaign_id, None, outcome):
            yield records
