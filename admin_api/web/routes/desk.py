"""An agent's own desk: the state, the call in hand with its script, pause, and the disposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from admin_api.context import Context, Ctx
from admin_api.routes import agents as api
from admin_api.routes import offers
from admin_api.schemas.agents import AgentOut, DispositionIn, OfferIn
from admin_api.sessions import token_of
from admin_api.views import agent_out
from admin_api.web.guard import PageRoute, SignedIn
from admin_api.web.render import render
from admin_api.web.routes.agents import obey
from crm.contact_in import field_errors
from engine.core import ids
from engine.core.campaign import Campaign
from engine.core.contact import Contact
from engine.core.errors import Invalid, NotFound
from engine.store import Session

router = APIRouter(prefix="/desk", route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`attempt_id` is what a disposition names; `waits`: it has ended and waits for one."""

    attempt_id: str
    campaign: Campaign
    contact: Contact
    waits: bool


def _own_agent(session: SignedIn) -> int:
    """Only people who are an agent have a desk."""
    if session.user.agent_id is None:
        raise NotFound("Only agents have a desk.")
    return session.user.agent_id


OwnAgentId = Annotated[int, Depends(_own_agent)]


@router.get("")
async def desk_page(
    request: Request, ctx: Ctx, session: SignedIn, agent_id: OwnAgentId
) -> Response:
    return await _desk(request, ctx, session, agent_id)


async def _desk(request: Request, ctx: Context, session: Session, agent_id: int) -> Response:
    agent = agent_out(await ctx.store.agents.get(agent_id))
    call = await _call(ctx, agent)
    found = None if call else await offers.offer_of(ctx, agent_id)
    offer = await offers.offer_out(ctx, found) if found else None
    return render(request, "desk.html", session=session, agent=agent, call=call, offer=offer)


async def _call(ctx: Context, agent: AgentOut) -> Call | None:
    """The conversation in hand, or the one that waits for its disposition."""
    campaign_id = ids.campaign_of(agent.attempt_id or "")
    if campaign_id is None or agent.attempt_id is None:
        return None
    live = {one.attempt_id: one.contact_id for one in await ctx.store.calls.live(campaign_id)}
    waiting = {o.attempt_id: o.contact_id for o in await ctx.store.calls.wrapping(campaign_id)}
    contact_id = (live | waiting).get(agent.attempt_id)
    if contact_id is None:
        return None
    campaign = await ctx.store.campaigns.get(campaign_id)
    contact = await ctx.store.contacts.get(campaign_id, contact_id)
    return Call(agent.attempt_id, campaign, contact, agent.attempt_id in waiting)


@router.post("/disposition")
async def record(
    request: Request,
    ctx: Ctx,
    session: SignedIn,
    agent_id: OwnAgentId,
    attempt_id: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=64)],
) -> Response:
    try:
        body = DispositionIn(attempt_id=attempt_id, code=code.strip())
    except ValidationError as error:
        raise Invalid("Not recorded.", field_errors(error.errors())) from None
    await api.record_disposition(agent_id, body, ctx, token_of(session))
    return await _desk(request, ctx, session, agent_id)


@router.post("/offer/{answer}")
async def answer_offer(
    request: Request,
    ctx: Ctx,
    session: SignedIn,
    agent_id: OwnAgentId,
    answer: Literal["accept", "skip"],
    attempt_id: Annotated[str, Form(max_length=64)],
) -> Response:
    answered = offers.accept_offer if answer == "accept" else offers.skip_offer
    await answered(agent_id, OfferIn(attempt_id=attempt_id), ctx, token_of(session))
    return await _desk(request, ctx, session, agent_id)


@router.post("/{command}")
async def command(
    request: Request,
    ctx: Ctx,
    session: SignedIn,
    agent_id: OwnAgentId,
    command: str,
    reason: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    await obey(ctx, session, agent_id, command, reason)
    return await _desk(request, ctx, session, agent_id)
