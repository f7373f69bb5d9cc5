"""Offers: a contact shown to one agent before it is dialled, and what becomes of it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.core.redial import Done, Next, RedialAt
from engine.core.settings import PreviewSettings


class OfferState(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    DIALLED = "dialled"


class Step(StrEnum):
    """What is to be done about an offer now."""

    WAIT = "wait"
    DIAL = "dial"
    SKIP = "skip"  # the agent asked for another contact
    MISS = "miss"  # nobody answered the offer
    WITHDRAW = "withdraw"  # the campaign or the agent is not there any more
    FORGET = "forget"  # its call is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A claimed contact and the agent who may call it. Its attempt holds the number meanwhile."""

    attempt_id: str
    campaign_id: int
    contact_id: int
    agent_id: int
    offered_at: datetime
    expires_at: datetime
    phone: str
    hours_class: str
    #: 1 for the first dial of the contact.
    number: int
    state: OfferState = OfferState.OFFERED
    external_id: str | None = None
    person_key: str = ""
    #: A callback that this agent agreed on.
    is_callback: bool = False


def next_step(
    offer: Offer,
    rules: PreviewSettings,
    now: datetime,
    *,
    may_call: bool,
    agent_is_there: bool,
    lives: bool,
) -> Step:
    """`may_call`: the campaign is active. `lives`: a call of this attempt exists."""
    if offer.state is OfferState.DIALLED:
        return Step.WAIT if lives else Step.FORGET
    if not may_call or not agent_is_there:
        return Step.WITHDRAW
    match offer.state:
        case OfferState.ACCEPTED:
            return Step.DIAL
        case OfferState.SKIPPED:
            return Step.SKIP
    if now < offer.expires_at:
        return Step.WAIT
    return Step.DIAL if rules.on_timeout == "dial" else Step.MISS


def may_skip(n_skips: int, rules: PreviewSettings) -> bool:
    """`n_skips`: how often this contact was skipped, by anybody."""
    return n_skips < rules.max_skips


def after_skip(n_skips: int, rules: PreviewSettings, now: datetime) -> Next:
    """`n_skips` counts the one that is judged. The last one allowed ends the contact, if asked."""
    if rules.after_last_skip == "done" and n_skips >= rules.max_skips:
        return Done("skipped")
    return RedialAt(now + timedelta(seconds=rules.skip_delay_s))


def after_miss(rules: PreviewSettings, now: datetime) -> Next:
    return RedialAt(now + timedelta(seconds=rules.return_delay_s))
