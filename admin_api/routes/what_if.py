"""What a shift of this campaign would bring with more agents, or under another limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from admin_api.auth import Supervisor
from admin_api.context import CampaignId, Context, Ctx
from admin_api.problems import ApiError, responses
from admin_api.what_if import (
    MAX_AGENTS,
    TICK_S,
    WITH_AGENTS,
    Busy,
    Foreteller,
    hours_for,
    without_agents,
)
from engine.core.campaign import Campaign
from engine.core.simulation import Scenario
from engine.core.simulation.compare import Comparison
from engine.core.simulation.history import scenario_of

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["campaigns"])
#: The last so many calls tell what the next ones will be like.
N_CALLS = 5_000

Agents = Annotated[int | None, Query(ge=1, le=MAX_AGENTS, description="default: as assigned")]
Rate = Annotated[float | None, Query(ge=0, le=1, description="default: as in the settings")]


class Foretold(BaseModel):
    """One mode's shift. Utilisation and rates in percent; what agents do is null without them."""

    utilisation: float | None
    abandon_rate: float
    highest_abandon_rate: float
    talk_min_per_h: float | None = Field(description="talk minutes of an agent in an hour")
    calls_per_agent_h: float | None
    idle_s: float | None = Field(description="an agent's mean wait before a call")
    messages_per_h: float | None = Field(description="heard to the end; null with agents")


class Case(BaseModel):
    agents: int
    max_abandon_rate: float
    modes: dict[str, Foretold]


class WhatIf(BaseModel):
    """`now` is the campaign as it is, `asked` with what the request changes."""

    mode: str
    hours: float
    answer_rate: float
    now: Case
    asked: Case


@router.get("/what-if", responses=responses(404, 429))
async def what_if(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    _token: Supervisor,
    agents: Agents = None,
    max_abandon_rate: Rate = None,
) -> WhatIf:
    """A simulated shift from the campaign's last 5,000 calls. 422 where too few have ended."""
    foreteller = request.app.state.foreteller
    return await foretold(ctx, foreteller, campaign_id, agents, max_abandon_rate)


async def foretold(
    ctx: Context,
    foreteller: Foreteller,
    campaign_id: int,
    agents: int | None,
    max_abandon_rate: float | None,
) -> WhatIf:
    campaign = await ctx.store.campaigns.get(campaign_id)
    records = await ctx.store.attempts.latest(campaign_id, N_CALLS)
    taught = await ctx.store.knowledge.of(campaign_id)
    assigned = min(MAX_AGENTS, max(1, len(campaign.agent_ids)))
    wanted = agents or assigned
    # Both for the same time, so that they can be compared.
    hours = hours_for(max(assigned, wanted))
    scenario = scenario_of(
        records,
        campaign.settings,
        agents=assigned,
        hours=hours,
        knowledge=taught.knowledge if taught else None,
    )
    limit = campaign.settings.pacing.max_abandon_rate
    asked = limit if max_abandon_rate is None else max_abandon_rate
    cases = [
        _comparison(campaign, scenario, limit),
        _comparison(campaign, replace(scenario, agents=wanted), asked),
    ]
    try:
        now, then, alone = await foreteller.foretell([*cases, without_agents(cases[0])])
    except Busy as error:
        message = "The machine is busy with other simulations; try again."
        raise ApiError(429, "too_many_requests", message, Retry_After="5") from error
    return WhatIf(
        mode=campaign.settings.pacing.mode,
        hours=hours,
        answer_rate=round(scenario.answer_rate, 4),
        now=_case(cases[0], now | alone),
        asked=_case(cases[1], then | alone),
    )


def _case(asked: Comparison, modes: dict[str, Any]) -> Case:
    return Case(agents=asked.scenario.agents, max_abandon_rate=asked.max_abandon_rate, modes=modes)


def _comparison(campaign: Campaign, scenario: Scenario, limit: float) -> Comparison:
    return Comparison(
        scenario=replace(scenario, tick_s=TICK_S),
        modes=WITH_AGENTS,
        dial_level=campaign.settings.pacing.dial_level,
        max_abandon_rate=limit,
        warm=True,
    )
