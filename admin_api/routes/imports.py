"""Uploaded calling lists: how far the import is, and which rows it refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response, StreamingResponse

from admin_api import csv_out
from admin_api.auth import Supervisor
from admin_api.context import CampaignId, Context, Ctx
from admin_api.problems import responses
from admin_api.schemas.lists import ImportOut
from admin_api.views import import_out

router = APIRouter(prefix="/campaigns/{campaign_id}/imports/{import_id}", tags=["contacts"])
ImportId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]


@router.get("", responses=responses(404))
async def get_import(
    campaign_id: CampaignId, import_id: ImportId, ctx: Ctx, _token: Supervisor
) -> ImportOut:
    return import_out(await ctx.store.imports.get(campaign_id, import_id))


@router.get(
    "/rejected.csv",
    response_class=Response,
    responses={
        **responses(404),
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "rows"},
    },
)
async def rejected_rows(
    campaign_id: CampaignId, import_id: ImportId, ctx: Ctx, _token: Supervisor
) -> StreamingResponse:
    """Line, reason and the row itself."""
    await ctx.store.imports.get(campaign_id, import_id)
    headers = {"Content-Disposition": 'attachment; filename="rejected.csv"'}
    return StreamingResponse(_lines(ctx, import_id), 200, headers, csv_out.MEDIA_TYPE)


async def _lines(ctx: Context, import_id: str) -> AsyncIterator[str]:
    yield csv_out.csv_lines([("line", "reason", "row")])
    async for row in ctx.store.imports.rejected(import_id):
        yield csv_out.csv_lines([(row.line, row.reason, *row.row)])
