"""Resources as the API shows them, built from what the store has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from admin_api.abandons import abandons_out
from admin_api.context import Context
from admin_api.schemas.agents import AgentOut
from admin_api.schemas.audit import AuditOut
from admin_api.schemas.campaigns import CampaignOut
from admin_api.schemas.contacts import ContactOut
from admin_api.schemas.dnc import DncOut
from admin_api.schemas.figures import Stats
from admin_api.schemas.lists import ImportOut
from admin_api.schemas.tokens import TokenOut
from admin_api.why_not_now import WAITING, Known, known, why_not_now
from engine.core.agent import Agent, AgentState
from engine.core.caller_ids import pools_of
from engine.core.campaign import Campaign, CampaignStatus
from engine.core.contact import Contact
from engine.core.limits import Refusal
from engine.core.outcome import Outcome
from engine.ports import Wanted
from engine.store import AuditEntry, DncEntry, Import, ImportStatus, Token
from engine.store.dnc import scopes_of

#: An active campaign of which no engine publishes figures.
NO_ENGINE = "no_engine"


async def campaign_out(ctx: Context, campaign: Campaign) -> CampaignOut:
    return _campaign(campaign, await _live_figures(ctx, campaign))


async def campaigns_out(ctx: Context, campaigns: Sequence[Campaign]) -> list[CampaignOut]:
    open_ids = [campaign.id for campaign in campaigns if _may_be_open(campaign)]
    figures = await ctx.store.campaigns.live_figures_of(open_ids)
    return [_campaign(campaign, figures.get(campaign.id)) for campaign in campaigns]


async def _live_figures(ctx: Context, campaign: Campaign) -> Mapping[str, Any] | None:
    """What the engine published in the last seconds; only open campaigns have any."""
    return await ctx.store.campaigns.live_figures(campaign.id) if _may_be_open(campaign) else None


def _may_be_open(campaign: Campaign) -> bool:
    return campaign.status not in (CampaignStatus.DRAFT, CampaignStatus.COMPLETED)


def _campaign(campaign: Campaign, figures: Mapping[str, Any] | None) -> CampaignOut:
    return CampaignOut(
        id=campaign.id,
        name=campaign.name,
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
        version=campaign.version,
        status=campaign.status,
        status_reason=campaign.status_reason,
        live=campaign.live,
        contacts=None if campaign.live else campaign.n_contacts,
        n_contacts=campaign.n_contacts,
        agents=len(campaign.agent_ids),
        agent_ids=list(campaign.agent_ids),
        progress=campaign.progress,
        idle_reasons=_idle_reasons(campaign, figures),
        settings=campaign.settings,
    )


def _idle_reasons(campaign: Campaign, figures: Mapping[str, Any] | None) -> list[str]:
    if campaign.status is not CampaignStatus.ACTIVE:
        return []
    return [NO_ENGINE] if figures is None else list(figures.get("idle_reasons", ()))


async def stats_out(ctx: Context, campaign: Campaign) -> Stats:
    """Counters from the store; what is only known alive from the engine's published figures."""
    counts, figures, agents, next_due_at, abandons = await asyncio.gather(
        ctx.store.calls.counts(campaign.id),
        _live_figures(ctx, campaign),
        ctx.store.agents.all(),
        ctx.store.calls.next_due_at(campaign.id),
        abandons_out(ctx, campaign),
    )
    known = figures or {}
    return Stats(
        status=campaign.status,
        status_reason=campaign.status_reason,
        n_contacts=campaign.n_contacts,
        n_complete=campaign.n_complete,
        progress=campaign.progress,
        agents=dict(known.get("agents") or _agents_by_state(campaign, agents)),
        calls=dict(known.get("calls") or {"in_flight": counts.get("in_flight", 0)}),
        attempts=counts.get("attempts", 0),
        outcomes=_outcomes(counts),
        abandon_rate=abandons.so_far.rate,
        abandon_rate_24h=abandons.last_24_h.rate,
        abandon_rate_30d=abandons.last_30_days.rate,
        abandons=abandons,
        idle_reasons=_idle_reasons(campaign, figures),
        pacing=dict(known.get("pacing") or {}),
        next_due_at=next_due_at,
    )


def _agents_by_state(campaign: Campaign, agents: Sequence[Agent]) -> dict[str, int]:
    by_state: dict[str, int] = {}
    for agent in agents:
        if agent.id in campaign.agent_ids:
            by_state[agent.state] = by_state.get(agent.state, 0) + 1
    return by_state


def _outcomes(counts: Mapping[str, int]) -> dict[str, int]:
    found = {outcome: counts.get(f"outcome:{outcome}", 0) for outcome in Outcome}
    return {str(outcome): n for outcome, n in found.items() if n}


async def contacts_out(
    ctx: Context, campaign: Campaign, contacts: Sequence[Contact]
) -> list[ContactOut]:
    about = await known_of(ctx, campaign, contacts)
    return [_contact(ctx, campaign, *pair) for pair in zip(contacts, about, strict=True)]


async def known_of(ctx: Context, campaign: Campaign, contacts: Sequence[Contact]) -> list[Known]:
    """Of each that waits also what the store has against it: lists, limits, another live call."""
    waiting = [contact for contact in contacts if contact.state in WAITING]
    scopes = scopes_of(campaign)
    asked = [
        Wanted(c.phone, "", c.person_key or c.external_id or "", c.hours_class, scopes)
        for c in waiting
    ]
    found = await ctx.store.numbers.standing(asked, campaign.settings.limits, ctx.now())
    callers, present = CallerIds(ctx, campaign), await _present(ctx, waiting)
    about = {
        c.contact_id: known(
            c,
            [*refusals, *await callers.against(c)],
            agent_is_there=c.callback_agent_id is None or c.callback_agent_id in present,
        )
        for c, refusals in zip(waiting, found, strict=True)
    }
    return [about.get(contact.contact_id) or known(contact) for contact in contacts]


async def _present(ctx: Context, waiting: Sequence[Contact]) -> set[int]:
    """Agents who could make a callback now."""
    if not any(contact.callback_agent_id for contact in waiting):
        return set()
    agents = await ctx.store.agents.all()
    return {agent.id for agent in agents if agent.state is AgentState.AVAILABLE}


class CallerIds:
    """Whether a number is left that a call to a contact may show; each pool is asked once."""

    def __init__(self, ctx: Context, campaign: Campaign) -> None:
        self._ctx, self._dialing = ctx, campaign.rules.dialing
        self._free_at: dict[tuple[str, ...], datetime | None] = {}

    async def against(self, contact: Contact) -> list[Refusal]:
        limit, dialing = self._dialing.max_per_caller_id_per_day, self._dialing
        if limit is None or not dialing.caller_ids:
            return []
        pools = pools_of(contact.contact_id, contact.phone, dialing, contact.caller_id)
        callers = tuple(sorted({caller for pool in pools for caller in pool}))
        if callers not in self._free_at:
            store = self._ctx.store.callers
            self._free_at[callers] = await store.free_at(callers, limit, self._ctx.now())
        free_at = self._free_at[callers]
        return [Refusal(reason="caller_ids", until=free_at)] if free_at else []


def _contact(ctx: Context, campaign: Campaign, contact: Contact, about: Known) -> ContactOut:
    return ContactOut(
        id=contact.contact_id,
        contact_id=contact.contact_id,
        phone=contact.phone,
        name=contact.name,
        timezone=contact.timezone,
        region=contact.region,
        postal_code=contact.postal_code,
        priority=contact.priority,
        external_id=contact.external_id,
        source=contact.source,
        url=contact.url,
        variables=dict(contact.variables),
        state=contact.state,
        attempts=contact.n_attempts,
        n_trunk_faults=contact.n_trunk_faults,
        outcomes=dict(contact.outcomes),
        last_outcome=contact.last_outcome,
        next_dial_at=contact.next_dial_at,
        done_reason=contact.done_reason,
        other_phones=list(contact.other_phones),
        dropped_phones=list(contact.dropped_phones),
        person_key=contact.person_key,
        active=contact.is_active,
        list_id=contact.list_id,
        callback_agent_id=contact.callback_agent_id,
        callback_at=contact.callback_at,
        why_not_now=why_not_now(contact, campaign, about, ctx.now()),
    )


def agent_out(agent: Agent) -> AgentOut:
    return AgentOut(
        id=agent.id,
        name=agent.name,
        extension=agent.extension,
        mode=agent.mode,
        state=agent.state,
        state_since=agent.state_since,
        pause_reason=agent.wanted_pause,
        campaign_ids=list(agent.campaign_ids),
        skills=list(agent.skills),
        logged_in=agent.wanted_in,
        attempt_id=agent.attempt_id,
        wrap_up_until=agent.wrap_up_until,
    )


def import_out(found: Import) -> ImportOut:
    share = 100 * found.bytes_done / found.n_bytes if found.n_bytes else 0.0
    return ImportOut(
        import_id=found.import_id,
        campaign_id=found.campaign_id,
        filename=found.filename,
        status="queued" if found.status is ImportStatus.UPLOADING else found.status.value,
        created_at=found.created_at,
        n_bytes=found.n_bytes,
        bytes_done=found.bytes_done,
        progress=100.0 if found.status is ImportStatus.DONE else min(100.0, round(share, 1)),
        created=found.created,
        rejected=found.rejected,
        duplicates=found.duplicates,
        error=found.error or None,
    )


def dnc_out(entry: DncEntry) -> DncOut:
    return DncOut(phone=entry.phone, source=entry.source, added_at=entry.added_at)


def token_out(token: Token) -> TokenOut:
    return TokenOut(
        id=token.id,
        role=token.role,
        name=token.name,
        agent_id=token.agent_id,
        created_at=token.created_at,
    )


def audit_out(entry: AuditEntry) -> AuditOut:
    return AuditOut(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        detail=dict(entry.detail),
    )
