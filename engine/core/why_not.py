"""Why not now: every rule about a contact, its verdict, and when it allows the next dial.

The engine decides by these verdicts and the API shows them, so that neither can know better. What
only the store can tell (do-not-call, limits, another live call) comes as its refusals, from the
same script that reserves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.core import destinations
from engine.core.hours import is_held, is_open, next_open_at
from engine.core.limits import Refusal
from engine.core.redial import Done, History, Next, RedialAt, reached_cap
from engine.core.settings import CampaignSettings

#: A number that another call holds is tried again after this.
HELD_NUMBER_RETRY = timedelta(seconds=5)
#: Who is held for want of a zone is looked at again after this.
HOLD_RETRY = timedelta(hours=1)
_MAX_STEPS = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that waits, as far as rules ask."""

    phone: str
    hours_class: str
    history: History
    next_dial_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule. `until`: from when on it allows; None where it allows now, or nobody can say.

    A refusal that is `final` ends the contact.
    """

    rule: str
    allows: bool
    until: datetime | None = None
    final: bool = False
    detail: str = ""


def verdicts(
    who: Candidate, settings: CampaignSettings, refusals: Sequence[Refusal], now: datetime
) -> list[Verdict]:
    """All rules, in the order in which they are asked."""
    return [
        _caps(who, settings),
        _destination(who, settings),
        *_standing(refusals),
        _schedule(who, now),
        _hours(who, settings, now),
    ]


def decide(found: Sequence[Verdict], now: datetime) -> Next | None:
    """What the verdicts make of a claimed contact: None: dial; else park it, or end it."""
    against = [verdict for verdict in found if not verdict.allows]
    ending = next((verdict for verdict in against if verdict.final), None)
    if ending is not None:
        return Done(ending.detail or ending.rule)
    if not against:
        return None
    return RedialAt(max(verdict.until or now + _retry(verdict) for verdict in against))


def next_possible_at(
    who: Candidate, settings: CampaignSettings, refusals: Sequence[Refusal], now: datetime
) -> datetime | None:
    """The first instant at which, as far as is known now, every rule allows; None: never."""
    at = now
    for _ in range(_MAX_STEPS):
        still = [each for each in refusals if each.until is None or each.until > at]
        step = decide(verdicts(who, settings, still, at), at)
        if step is None:
            return at
        if isinstance(step, Done) or any(each.until is None for each in still):
            return None
        if step.at <= at or is_held(settings.hours, who.hours_class):
            return None
        at = step.at
    return None


def _retry(verdict: Verdict) -> timedelta:
    return HOLD_RETRY if verdict.rule == "calling_hours" else HELD_NUMBER_RETRY


def _caps(who: Candidate, settings: CampaignSettings) -> Verdict:
    """A cap lowered since its redial was planned acts at once."""
    capped = reached_cap(who.history, settings.redial)
    return Verdict("attempts", capped is None, final=capped is not None, detail=capped or "")


def _destination(who: Candidate, settings: CampaignSettings) -> Verdict:
    closed = destinations.refusal(who.phone, settings.destinations)
    detail = f"destination_{closed}" if closed else ""
    return Verdict("destination", closed is None, final=closed is not None, detail=detail)


#: What the store is asked, in the words of its refusals.
_OF_NUMBER = ("limit_24h", "limit_7d", "after_abandon", "after_machine", "after_conversation")
STANDING = (
    "dnc", "live", *_OF_NUMBER, "person_live", *(f"person_{rule}" for rule in _OF_NUMBER),
    "caller_ids",
)  # fmt: skip


def _standing(refusals: Sequence[Refusal]) -> Iterator[Verdict]:
    of_rule = {refusal.reason: refusal for refusal in refusals}
    for rule in STANDING:
        refusal = of_rule.get(rule)
        until = refusal.until if refusal else None
        yield Verdict(rule, refusal is None, until, final=refusal is not None and rule == "dnc")


def _schedule(who: Candidate, now: datetime) -> Verdict:
    waits = who.next_dial_at is not None and who.next_dial_at > now
    return Verdict("scheduled", not waits, who.next_dial_at if waits else None)


def _hours(who: Candidate, settings: CampaignSettings, now: datetime) -> Verdict:
    hours = settings.hours
    if is_open(hours, who.hours_class, now):
        return Verdict("calling_hours", True)
    if is_held(hours, who.hours_class):
        return Verdict("calling_hours", False, detail="unknown_zone")
    opens_at = next_open_at(hours, who.hours_class, now)
    detail = "" if opens_at else "never_open"
    return Verdict("calling_hours", False, opens_at, final=opens_at is None, detail=detail)
