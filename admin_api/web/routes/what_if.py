"""The form "what if" below a campaign's live figures, and its chart."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from admin_api.context import CampaignId, Ctx
from admin_api.routes.what_if import Agents, foretold
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Percent = Annotated[float | None, Query(ge=0, le=100)]


@router.get("/campaigns/{campaign_id}/what-if")
async def what_if(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    session: SupervisorSession,
    agents: Agents = None,
    percent: Percent = None,
) -> Response:
    rate = None if percent is None else percent / 100
    found = await foretold(ctx, request.app.state.foreteller, campaign_id, agents, rate)
    return render(request, "what_if_answer.html", session=session, found=found)
