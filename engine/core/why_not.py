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
from engine.core.redial import Done, History, Next, RedialAt, Turn, reached_cap
from engine.core.settings import CampaignSettings
from engine.core.spreading import kept_until

#: A number that another call holds is tried again after this.
HELD_NUMBER_RETRY = timedelta(seconds=5)
#: An agent who is to make a callback is looked for again after this.
AGENT_RETRY = timedelta(seconds=5)
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
    #: When a callback was agreed on that one agent is to make, while that agent is not available.
    agreed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule. `until`: from when on it allows; None where it allows now, or nobody can say.

    A refusal that is `final` ends the contact; one that `drops` ends this phone of it, and another
    one is called from now on.
    """

    rule: str
    allows: bool
    until: datetime | None = None
    final: bool = False
    detail: str = ""
    drops: bool = False


def verdicts(
    who: Candidate, settings: CampaignSettings, refusals: Sequence[Refusal], now: datetime
) -> list[Verdict]:
    """All rules, in the order in which they are asked."""
    return [
        _caps(who, settings),
        _destination(who, settings),
        *_standing(who, refusals),
        _schedule(who, now),
        _agent(who, settings, now),
        _day_part(who, settings, now),
        _hours(who, settings, now),
    ]


def decide(found: Sequence[Verdict], now: datetime) -> Next | None:
    """What the verdicts make of a claimed contact: None: dial; else park it, or end it."""
    against = [verdict for verdict in found if not verdict.allows]
    ending = next((verdict for verdict in against if verdict.final), None)
    if ending is not None:
        return Done(ending.detail or ending.rule)
    if any(verdict.drops for verdict in against):
        return RedialAt(now, turn=Turn.DROP)
    if not against:
        return None
    return RedialAt(max(_looked_at_again(verdict, now) for verdict in against))


def next_possible_at(
    who: Candidate, settings: CampaignSettings, refusals: Sequence[Refusal], now: datetime
) -> datetime | None:
    """The first instant at which, as far as is known now, every rule allows; None: never."""
    at = now
    for _ in range(_MAX_STEPS):
        still = [each for each in refusals if each.until is None or each.until > at]
        found = verdicts(who, settings, still, at)
        step = decide(found, at)
        if step is None:
            return at
        if isinstance(step, RedialAt) and step.turn is Turn.DROP:
            return at
        if isinstance(step, Done) or any(each.until is None for each in still):
            return None
        if step.at <= at or is_held(settings.hours, who.hours_class):
            return None
        at = max(step.at, *(each.until for each in found if each.until))
    return None


def _looked_at_again(verdict: Verdict, now: datetime) -> datetime:
    """An agent may come back at any time before the end of the wait."""
    if verdict.rule == "callback_agent" and verdict.until is not None:
        return min(verdict.until, now + AGENT_RETRY)
    retry = HOLD_RETRY if verdict.rule == "calling_hours" else HELD_NUMBER_RETRY
    return verdict.until or now + retry


def _caps(who: Candidate, settings: CampaignSettings) -> Verdict:
    """A cap lowered since its redial was planned acts at once."""
    capped = reached_cap(who.history, settings.redial)
    return Verdict("attempts", capped is None, final=capped is not None, detail=capped or "")


def _destination(who: Candidate, settings: CampaignSettings) -> Verdict:
    closed = destinations.refusal(who.phone, settings.destinations)
    if closed is None:
        return Verdict("destination", True)
    return _against_phone(who, "destination", f"destination_{closed}")


def _against_phone(who: Candidate, rule: str, detail: str = "") -> Verdict:
    """Never this number; a contact that has another one is not ended by it."""
    has_other = who.history.n_other_phones > 0
    return Verdict(rule, False, final=not has_other, detail=detail, drops=has_other)


#: What the store is asked, in the words of its refusals.
_OF_NUMBER = ("limit_24h", "limit_7d", "after_abandon", "after_machine", "after_conversation")
STANDING = (
    "dnc", "live", *_OF_NUMBER, "person_live", *(f"person_{rule}" for rule in _OF_NUMBER),
    "caller_ids",
)  # fmt: skip


def _standing(who: Candidate, refusals: Sequence[Refusal]) -> Iterator[Verdict]:
    of_rule = {refusal.reason: refusal for refusal in refusals}
    for rule in STANDING:
        refusal = of_rule.get(rule)
        if refusal is None:
            yield Verdict(rule, True)
        elif rule == "dnc":
            yield _against_phone(who, rule)
        else:
            yield Verdict(rule, False, refusal.until)


def _schedule(who: Candidate, now: datetime) -> Verdict:
    waits = who.next_dial_at is not None and who.next_dial_at > now
    return Verdict("scheduled", not waits, who.next_dial_at if waits else None)


def _agent(who: Candidate, settings: CampaignSettings, now: datetime) -> Verdict:
    """A callback of one agent waits for that agent, and after the limit for nobody."""
    if who.agreed_at is None:
        return Verdict("callback_agent", True)
    until = who.agreed_at + timedelta(seconds=settings.redial.callback_agent_wait_s)
    return Verdict("callback_agent", now >= until, until if now < until else None)


def _day_part(who: Candidate, settings: CampaignSettings, now: datetime) -> Verdict:
    """Asked anew at each claim: what else kept the contact back did not ask for the part."""
    rules, hours = settings.redial, settings.hours
    until = kept_until(who.history, rules, hours, who.hours_class, now)
    return Verdict("day_part", until is None, until)


def _hours(who: Candidate, settings: CampaignSettings, now: datetime) -> Verdict:
    hours = settings.hours
    if is_open(hours, who.hours_class, now):
        return Verdict("calling_hours", True)
    if is_held(hours, who.hours_class):
        return Verdict("calling_hours", False, detail="unknown_zone")
    opens_at = next_open_at(hours, who.hours_class, now)
    detail = "" if opens_at else "never_open"
    # Without any window the hours are still to be written: nobody is lost by that.
    final = opens_at is None and bool(hours.windows)
    return Verdict("calling_hours", False, opens_at, final=final, detail=detail)
