"""Agents: who they are, and what they ask for (log in, pause); the engine makes it true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from admin_api.auth import OwnAgent, Supervisor, actor
from admin_api.context import AgentId, Context, Ctx, Cursor, Limit
from admin_api.edits import check_campaigns
from admin_api.idempotency import Key, once
from admin_api.opting_out import opt_out
from admin_api.problems import responses
from admin_api.schemas.agents import AgentIn, AgentOut, AgentPatch, DispositionIn, PauseIn
from admin_api.schemas.basics import Listing
from admin_api.views import agent_out
from engine.core import ids
from engine.core.agent import Agent
from engine.core.campaign import Campaign
from engine.core.contact import Contact
from engine.core.errors import Conflict, FieldError, Invalid, NotFound
from engine.core.hours import deciding_zones
from engine.core.outcome import Outcome
from engine.core.redial import History, after_disposition, uncounted
from engine.core.settings import DispositionRule
from engine.ports import Heard, Wrapping

router = APIRouter(prefix="/agents", tags=["agents"])
#: A clock of a desk may be a little behind.
MAX_CALLBACK_LATE = timedelta(minutes=5)
MAX_CALLBACK_AHEAD = timedelta(days=366)


@router.get("", responses=responses())
async def list_agents(
    ctx: Ctx, _token: Supervisor, limit: Limit = 100, cursor: Cursor = None
) -> Listing[AgentOut]:
    page = await ctx.store.agents.list(limit=limit, cursor=cursor)
    return Listing(items=[agent_out(agent) for agent in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, response_model=AgentOut, responses=responses(413))
async def create_agent(
    body: AgentIn, request: Request, ctx: Ctx, token: Supervisor, key: Key = None
) -> Response:
    async def make() -> AgentOut:
        await check_campaigns(ctx, body.campaign_ids)
        agent = await ctx.store.agents.create(
            name=body.name,
            extension=body.extension,
            mode=body.mode,
            campaign_ids=body.campaign_ids,
            skills=body.skills,
            actor=actor(token),
            now=ctx.now(),
        )
        return agent_out(agent)

    return await once(ctx, key, token, request, make)


@router.get("/{agent_id}", responses=responses(404))
async def get_agent(agent_id: AgentId, ctx: Ctx, _token: OwnAgent) -> AgentOut:
    return agent_out(await ctx.store.agents.get(agent_id))


@router.patch("/{agent_id}", responses=responses(404, 413))
async def edit_agent(agent_id: AgentId, body: AgentPatch, ctx: Ctx, token: Supervisor) -> AgentOut:
    """null: mode on_hook, no campaigns, no skills. The extension stays: it is the phone."""
    given = body.model_fields_set
    if "name" in given and body.name is None:
        raise Invalid("The request is not valid.", [FieldError("name", "cannot be empty")])
    campaign_ids = (body.campaign_ids or []) if "campaign_ids" in given else None
    await check_campaigns(ctx, campaign_ids or [])
    agent = await ctx.store.agents.update(
        agent_id,
        name=body.name,
        mode=(body.mode or "on_hook") if "mode" in given else None,
        campaign_ids=campaign_ids,
        skills=(body.skills or []) if "skills" in given else None,
        actor=actor(token),
        now=ctx.now(),
    )
    return agent_out(agent)


@router.delete("/{agent_id}", status_code=204, responses=responses(404, 409))
async def delete_agent(agent_id: AgentId, ctx: Ctx, token: Supervisor) -> None:
    """Only who is logged out: a member that Asterisk still had would get calls of nobody."""
    if (await ctx.store.agents.get(agent_id)).wanted_in:
        raise Conflict("The agent is logged in: log out first.")
    await ctx.store.agents.delete(agent_id, actor(token), ctx.now())


@router.post("/{agent_id}/login", responses=responses(404))
async def log_in(agent_id: AgentId, ctx: Ctx, _token: OwnAgent) -> AgentOut:
    """Ask to be logged in, not paused; who is logged in already stays as they are."""
    agent = await ctx.store.agents.get(agent_id)
    pause = agent.wanted_pause if agent.wanted_in else None
    return await _want(ctx, agent_id, wanted_in=True, wanted_pause=pause)


@router.post("/{agent_id}/logout", responses=responses(404))
async def log_out(agent_id: AgentId, ctx: Ctx, _token: OwnAgent) -> AgentOut:
    """Ask to be logged out; a conversation is not cut."""
    await ctx.store.agents.get(agent_id)
    return await _want(ctx, agent_id, wanted_in=False, wanted_pause=None)


@router.post("/{agent_id}/pause", responses=responses(404, 409))
async def pause_agent(
    agent_id: AgentId, ctx: Ctx, _token: OwnAgent, body: PauseIn | None = None
) -> AgentOut:
    """Ask for no further calls, with a reason."""
    await _require_logged_in(ctx, agent_id)
    reason = (body or PauseIn()).reason
    return await _want(ctx, agent_id, wanted_in=True, wanted_pause=reason)


@router.post("/{agent_id}/unpause", responses=responses(404, 409))
async def unpause_agent(agent_id: AgentId, ctx: Ctx, _token: OwnAgent) -> AgentOut:
    await _require_logged_in(ctx, agent_id)
    return await _want(ctx, agent_id, wanted_in=True, wanted_pause=None)


async def _require_logged_in(ctx: Context, agent_id: int) -> Agent:
    agent = await ctx.store.agents.get(agent_id)
    if not agent.wanted_in:
        raise Conflict("The agent is not logged in.")
    return agent


async def _want(
    ctx: Context, agent_id: int, *, wanted_in: bool, wanted_pause: str | None
) -> AgentOut:
    await ctx.store.agents.set_wanted(
        agent_id, wanted_in=wanted_in, wanted_pause=wanted_pause, now=ctx.now()
    )
    return agent_out(await ctx.store.agents.get(agent_id))


@router.post("/{agent_id}/disposition", responses=responses(404, 409, 413))
async def record_disposition(
    agent_id: AgentId, body: DispositionIn, ctx: Ctx, token: OwnAgent
) -> AgentOut:
    """Record how the conversation ended; this also ends the wrap-up of its contact.

    A disposition that means do-not-call acts at any time, also while the call lasts and when its
    wrap-up is over; others are refused then.
    """
    agent = await ctx.store.agents.get(agent_id)
    campaign = await _campaign_of(ctx, body.attempt_id)
    rule, waits = _rule(campaign, body.code), True
    if rule is not None and rule.action == "dnc":
        # First: a crash between the two must not leave a number that may be called.
        await opt_out(ctx, campaign, body.attempt_id, agent, body.code, actor(token))
        waits = await _waits(ctx, campaign, body.attempt_id)
    if waits:
        wrapping = await _wrapping(ctx, campaign, body.attempt_id, agent_id)
        await _finish(ctx, campaign, wrapping, body, rule)
    return agent_out(await ctx.store.agents.get(agent_id))


async def _campaign_of(ctx: Context, attempt_id: str) -> Campaign:
    campaign_id = ids.campaign_of(attempt_id)
    if campaign_id is None:
        raise Invalid(errors=[FieldError("attempt_id", "is not an attempt's id")])
    try:
        return await ctx.store.campaigns.get(campaign_id)
    except NotFound:
        raise Invalid(errors=[FieldError("attempt_id", "names no attempt")]) from None


def _rule(campaign: Campaign, code: str) -> DispositionRule | None:
    """The campaign's rule for this code; any code will do where the campaign has none."""
    rules = {rule.code: rule for rule in campaign.settings.dispositions}
    if rules and code not in rules:
        message = f"must be one of the campaign's: {', '.join(rules)}"
        raise Invalid(errors=[FieldError("code", message)])
    return rules.get(code)


async def _waits(ctx: Context, campaign: Campaign, attempt_id: str) -> bool:
    waiting = await ctx.store.calls.wrapping(campaign.id)
    return any(one.attempt_id == attempt_id for one in waiting)


async def _wrapping(ctx: Context, campaign: Campaign, attempt_id: str, agent_id: int) -> Wrapping:
    """The ended conversation of this agent that still waits for its disposition."""
    waiting = await ctx.store.calls.wrapping(campaign.id)
    found = next((w for w in waiting if w.attempt_id == attempt_id), None)
    if found is None:
        raise Conflict("This attempt does not wait for a disposition (any more).")
    if found.agent_id != agent_id:
        raise Conflict("Another agent had this conversation.")
    return found


async def _finish(
    ctx: Context,
    campaign: Campaign,
    wrapping: Wrapping,
    body: DispositionIn,
    rule: DispositionRule | None,
) -> None:
    contact = await ctx.store.calls.contact(campaign.id, wrapping.contact_id)
    history, counts = _history(contact), rule is None or rule.counts
    if wrapping.counts and not counts:
        history = uncounted(history)
    then = after_disposition(
        rule,
        history,
        campaign.settings.redial,
        ctx.now(),
        callback_at=_callback_at(campaign, contact, body, ctx.now()),
        agent_id=wrapping.agent_id if body.callback_by == "me" else None,
    )
    is_machine = rule is not None and rule.is_machine
    if is_machine:
        # First: a crash between the two must not leave a number that may be called too soon.
        person = contact.person_key or contact.external_id or ""
        heard = Heard(contact.phone, person, Outcome.MACHINE)
        await ctx.store.numbers.remember([(heard, ctx.now())])
    finished = await ctx.store.calls.finish(
        campaign.id,
        wrapping.attempt_id,
        body.code,
        then,
        ctx.now(),
        is_machine=is_machine,
        counts=counts,
    )
    if not finished:
        raise Conflict("This attempt does not wait for a disposition any more.")


def _history(contact: Contact) -> History:
    return History(
        contact.n_attempts,
        contact.n_trunk_faults,
        contact.outcomes,
        n_other_phones=len(contact.other_phones),
        dispositions=contact.dispositions,
    )


def _callback_at(
    campaign: Campaign, contact: Contact, body: DispositionIn, now: datetime
) -> datetime | None:
    """The agreed instant in UTC. Raises Invalid for one in the past or beyond a year."""
    at = body.callback_at
    if at is None:
        return None
    if at.tzinfo is None:
        zone = deciding_zones(campaign.settings.hours, contact.hours_class)[0]
        at = at.replace(tzinfo=ZoneInfo(zone))
    at = at.astimezone(UTC)
    if not now - MAX_CALLBACK_LATE <= at <= now + MAX_CALLBACK_AHEAD:
        raise Invalid(errors=[FieldError("callback_at", "must lie within a year from now")])
    return at
