"""Why a contact is not called at this instant: the engine's own verdicts, in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.core.campaign import Campaign, CampaignStatus
from engine.core.contact import Contact, ContactState
from engine.core.limits import Refusal
from engine.core.redial import History
from engine.core.why_not import Candidate, Verdict, next_possible_at, verdicts

WAITING = (ContactState.READY, ContactState.SCHEDULED)


@dataclass(frozen=True, slots=True)
class WhyNot:
    """`reason`: withdrawn, done:<why>, in_flight, wrap_up, inactive, campaign:<status>, or the
    name of a rule such as dnc, scheduled, calling_hours, limit_24h, person_limit_7d,
    after_abandon. `until`: when it ends by itself, null where that is not known.
    """

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules are asked about a contact, and what the store has against it."""

    who: Candidate
    refusals: Sequence[Refusal] = ()


def known(
    contact: Contact, refusals: Sequence[Refusal] = (), *, agent_is_there: bool = True
) -> Known:
    """`agent_is_there`: the one who is to make the contact's callback, where one is."""
    n_others = len(contact.other_phones)
    counted = (contact.n_attempts, contact.n_trunk_faults, contact.outcomes)
    history = History(*counted, n_others, contact.fruitless_at)
    agreed_at = None if agent_is_there else contact.callback_at
    next_dial_at = contact.next_dial_at
    who = Candidate(contact.phone, contact.hours_class, history, next_dial_at, agreed_at)
    return Known(who, refusals)


def why_not_now(contact: Contact, campaign: Campaign, about: Known, now: datetime) -> list[WhyNot]:
    """All reasons, the strongest first; empty when it may be called as soon as an agent is free."""
    state = _state(contact)
    if state is not None:
        return [WhyNot(state)]
    reasons = [] if campaign.status is CampaignStatus.ACTIVE else [f"campaign:{campaign.status}"]
    found = verdicts(about.who, campaign.rules, about.refusals, now)
    against = [verdict for verdict in found if not verdict.allows]
    against.sort(key=lambda verdict: not verdict.final)
    told = [WhyNot(_reason(verdict), verdict.until) for verdict in against]
    first = [why for why in told if why.reason == "dnc"]
    rest = [why for why in told if why.reason != "dnc"]
    return [*first, *(WhyNot(reason) for reason in reasons), *rest]


def next_dial_at(
    contact: Contact, campaign: Campaign, about: Known, now: datetime
) -> datetime | None:
    """The first instant at which all rules allow it, once the campaign is active; None: never, or
    nobody can say."""
    if contact.state not in WAITING:
        return None
    return next_possible_at(about.who, campaign.rules, about.refusals, now)


def _state(contact: Contact) -> str | None:
    if contact.state in WAITING:
        return None
    if contact.state is ContactState.DONE:
        return f"done:{contact.done_reason or contact.last_outcome or 'done'}"
    return str(contact.state)


def _reason(verdict: Verdict) -> str:
    return verdict.detail if verdict.rule in ("attempts", "destination") else verdict.rule
