"""A person whom an agent talked to, and who is to be called no more.

It acts at once, whatever the attempt waits for: during the call, in wrap-up, and when wrap-up has
timed out. 47 CFR 64.1200(d)(3) asks to honour a request whenever it is made.
"""

from __future__ import annotations

from admin_api.context import Context
from engine.core.agent import Agent
from engine.core.campaign import Campaign
from engine.core.errors import Conflict


async def opt_out(
    ctx: Context, campaign: Campaign, attempt_id: str, agent: Agent, code: str, by: str
) -> None:
    """Raises Conflict where it was not this agent's conversation."""
    phone = await _phone_in_hand(ctx, campaign, attempt_id, agent)
    phone = phone or await _phone_before(ctx, campaign, attempt_id, agent)
    await ctx.store.dnc.add(phone, source=f"disposition:{code}", actor=by, now=ctx.now())


async def _phone_in_hand(
    ctx: Context, campaign: Campaign, attempt_id: str, agent: Agent
) -> str | None:
    if agent.attempt_id != attempt_id:
        return None
    live = await ctx.store.calls.live(campaign.id)
    return next((one.phone for one in live if one.attempt_id == attempt_id), None)


async def _phone_before(ctx: Context, campaign: Campaign, attempt_id: str, agent: Agent) -> str:
    record = await ctx.store.attempts.find(campaign.id, attempt_id)
    if record is None:
        raise Conflict("This attempt does not wait for a disposition (any more).")
    if record.agent_id != agent.id:
        raise Conflict("Another agent had this conversation.")
    return record.phone
