"""The Dialer campaigns page: the table, and its Play, Pause and Stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from admin_api.auth import actor
from admin_api.context import CampaignId, Context, Ctx, Cursor
from admin_api.routes.campaigns import Sort
from admin_api.routes.controls import obey
from admin_api.schemas import CampaignOut
from admin_api.sessions import token_of
from admin_api.views import campaigns_out
from admin_api.web import words
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render
from engine.core.campaign import (
    Campaign,
    CampaignStatus,
    Command,
    decide_transition,
    missing_for_play,
)
from engine.core.errors import Conflict, FieldError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One campaign as the table shows it."""

    campaign: Campaign
    out: CampaignOut
    reason: str
    allowed: frozenset[Command]
    missing: Sequence[FieldError]


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
    (row,) = await rows_of(ctx, [campaign])
    return render(request, "campaign_row.html", session=session, row=row)


async def rows_of(ctx: Context, campaigns: Sequence[Campaign]) -> list[Row]:
    outs = await campaigns_out(ctx, campaigns)
    return [_row(*pair) for pair in zip(campaigns, outs, strict=True)]


def _row(campaign: Campaign, out: CampaignOut) -> Row:
    missing = missing_for_play(campaign) if campaign.status is CampaignStatus.DRAFT else ()
    return Row(
        campaign=campaign,
        out=out,
        reason=words.status_reason(campaign, out.idle_reasons),
        allowed=allowed(campaign),
        missing=missing,
    )


def allowed(campaign: Campaign) -> frozenset[Command]:
    """What would not be refused now."""
    return frozenset(command for command in Command if _is_allowed(campaign, command))


def _is_allowed(campaign: Campaign, command: Command) -> bool:
    try:
        decide_transition(campaign, command)
    except Conflict:
        return False
    return True
