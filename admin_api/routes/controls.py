"""Play, Pause and Stop."""

from __future__ import annotations

from fastapi import APIRouter

from admin_api.auth import Supervisor, actor
from admin_api.context import CampaignId, Context, Ctx
from admin_api.problems import responses
from admin_api.schemas.campaigns import CampaignOut
from admin_api.schemas.figures import Stats
from admin_api.views import campaign_out, stats_out
from engine.core.campaign import Campaign, Command, decide_transition
from engine.core.errors import Conflict, InvalidTransition

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["campaigns"])
#: Somebody else may move the campaign between our look and our move: look again so often.
MAX_TRIES = 5


@router.post("/play", responses=responses(404, 409))
async def play(campaign_id: CampaignId, ctx: Ctx, token: Supervisor) -> CampaignOut:
    """Start or resume dialing. 409 `campaign_incomplete` lists what is missing."""
    return await _command(ctx, campaign_id, Command.PLAY, actor(token))


@router.post("/pause", responses=responses(404, 409))
async def pause(campaign_id: CampaignId, ctx: Ctx, token: Supervisor) -> CampaignOut:
    """No new call leaves; ringing ones and conversations go on."""
    return await _command(ctx, campaign_id, Command.PAUSE, actor(token))


@router.post("/stop", responses=responses(404, 409))
async def stop(campaign_id: CampaignId, ctx: Ctx, token: Supervisor) -> CampaignOut:
    """End the campaign for good; unanswered calls are hung up, conversations are not cut."""
    return await _command(ctx, campaign_id, Command.STOP, actor(token))


@router.get("/stats", responses=responses(404))
async def stats(campaign_id: CampaignId, ctx: Ctx, _token: Supervisor) -> Stats:
    return await stats_out(ctx, await ctx.store.campaigns.get(campaign_id))


async def _command(ctx: Context, campaign_id: int, command: Command, by: str) -> CampaignOut:
    return await campaign_out(ctx, await obey(ctx, campaign_id, command, by))


async def obey(ctx: Context, campaign_id: int, command: Command, by: str) -> Campaign:
    for _ in range(MAX_TRIES):
        campaign = await ctx.store.campaigns.get(campaign_id)
        transition = decide_transition(campaign, command)
        if transition is None:
            return campaign
        try:
            return await ctx.store.campaigns.move(campaign_id, transition, by, ctx.now())
        except InvalidTransition:
            continue
    raise Conflict("The campaign's status keeps changing; try again.")
