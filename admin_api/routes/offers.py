"""What an agent of a preview campaign may call next, and the agent's answer."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from admin_api.auth import OwnAgent
from admin_api.context import AgentId, Context, Ctx
from admin_api.problems import responses
from admin_api.schemas.agents import OfferIn, OfferOut
from engine.core.errors import Conflict, NotFound
from engine.core.preview import Offer, may_skip

router = APIRouter(prefix="/agents/{agent_id}/offer", tags=["agents"])


@router.get("", responses=responses(404))
async def get_offer(agent_id: AgentId, ctx: Ctx, _token: OwnAgent) -> OfferOut:
    """404 while there is none."""
    offer = await offer_of(ctx, agent_id)
    if offer is None:
        raise NotFound("There is no offer for this agent now.")
    return await offer_out(ctx, offer)


@router.post("/accept", responses=responses(404, 409, 413))
async def accept_offer(agent_id: AgentId, body: OfferIn, ctx: Ctx, _token: OwnAgent) -> OfferOut:
    """Call this contact now; the engine asks all rules once more before it does."""
    return await _answer(ctx, agent_id, body, "accepted")


@router.post("/skip", status_code=204, responses=responses(404, 409, 413))
async def skip_offer(agent_id: AgentId, body: OfferIn, ctx: Ctx, _token: OwnAgent) -> None:
    """Another contact, please; this one comes again by the campaign's rules."""
    await _answer(ctx, agent_id, body, "skipped")


async def offer_of(ctx: Context, agent_id: int) -> Offer | None:
    agent = await ctx.store.agents.get(agent_id)
    return await ctx.store.offers.of_agent(agent_id, agent.campaign_ids)


async def _answer(
    ctx: Context, agent_id: int, body: OfferIn, answer: Literal["accepted", "skipped"]
) -> OfferOut:
    offer = await offer_of(ctx, agent_id)
    if offer is None or offer.attempt_id != body.attempt_id:
        raise Conflict("This offer does not wait for an answer any more.")
    shown = await offer_out(ctx, offer)
    rules = (await ctx.store.campaigns.get(offer.campaign_id)).settings.preview
    await ctx.store.offers.answer(offer, answer, rules.max_skips)
    return shown.model_copy(update={"state": answer})


async def offer_out(ctx: Context, offer: Offer) -> OfferOut:
    campaign = await ctx.store.campaigns.get(offer.campaign_id)
    contact = await ctx.store.contacts.get(offer.campaign_id, offer.contact_id)
    rules = campaign.settings.preview
    return OfferOut(
        attempt_id=offer.attempt_id,
        campaign_id=offer.campaign_id,
        campaign=campaign.name,
        contact_id=offer.contact_id,
        state=offer.state,
        name=contact.name,
        phone=offer.phone,
        external_id=contact.external_id,
        postal_code=contact.postal_code,
        url=contact.url,
        variables=dict(contact.variables),
        script=campaign.settings.script,
        is_callback=offer.is_callback,
        may_skip=may_skip(await ctx.store.offers.n_skips(offer), rules),
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
        on_timeout=rules.on_timeout,
    )
