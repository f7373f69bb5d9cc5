"""The Dialer campaigns page: the table, and its Play, Pause and Stop."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from admin_api.auth import actor
from admin_api.context import CampaignId, Ctx, Cursor
from admin_api.routes.campaigns import Sort
from admin_api.routes.controls import obey
from admin_api.sessions import token_of
from admin_api.web.campaign_rows import row_of, rows_of
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render
from engine.core.campaign import CampaignStatus, Command

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE = 50


@router.get("/campaigns")
async def campaigns_page(
    request: Request,
    ctx: Ctx,
    session: SupervisorSession,
    name: Annotated[str, Query(max_length=200)] = "",
    status: str = "",
    sort: Sort = "-created_at",
    cursor: Cursor = None,
) -> Response:
    wanted = [CampaignStatus(status)] if status in list(CampaignStatus) else []
    page = await ctx.store.campaigns.list(
        status=wanted, name=name or None, sort=sort, limit=PAGE, cursor=cursor
    )
    return render(
        request, "campaigns.html", session=session, rows=await rows_of(ctx, page.items),
        next_cursor=page.next_cursor, cursor=cursor, sort=sort, name=name, chosen=status,
    )  # fmt: skip


@router.post("/campaigns/{campaign_id}/{command}")
async def control(
    request: Request,
    campaign_id: CampaignId,
    command: Command,
    ctx: Ctx,
    session: SupervisorSession,
) -> Response:
    """The row as it is now. Refusals say why in the notice."""
    campaign = await obey(ctx, campaign_id, command, actor(token_of(session)))
    row = await row_of(ctx, campaign)
    # The buttons stand in the table and in the heading of one campaign.
    is_heading = request.headers.get("hx-target") == "head"
    template = "campaign_head.html" if is_heading else "campaign_row.html"
    return render(request, template, session=session, row=row)
