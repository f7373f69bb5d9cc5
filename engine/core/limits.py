"""How often a number and a person may be called: which limits hold for a contact.

The counting itself is one step in the store, so that two engines cannot race past it; every call
sent or of unknown fate counts, over all campaigns. 12 CFR 1006.14(b)(2) (Reg F) presumes a
violation above 7 calls in 7 days per person and debt, and within 7 days after a conversation;
Fla. Stat. 501.616(6)(b) allows 3 calls in 24 hours on the same subject.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.core.hours import regions_in
from engine.core.outcome import Outcome
from engine.core.settings import LimitSettings, RegionLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The number may not be called: why, and from when on it may (None: not known, or never).

    `reason`: dnc; live (another call holds it); limit_24h, limit_7d; after_abandon, after_machine,
    after_conversation; all but dnc also with `person_` before it.
    """

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Most calls and lock-outs for one number or one person; 0 is no limit."""

    max_per_24h: int = 0
    max_per_7d: int = 0
    after_abandon_s: int = 0
    after_machine_s: int = 0
    after_conversation_s: int = 0

    @property
    def is_any(self) -> bool:
        return self != Limits()


#: What of a call is remembered for lock-outs, in the order in which the store keeps it.
REMEMBERED = (Outcome.ABANDONED, Outcome.MACHINE, Outcome.ANSWERED)


def of_number(limits: LimitSettings, hours_class: str, *, has_person: bool = True) -> Limits:
    """The campaign's limits and those of the states that the class names, the lowest of each.

    Where nobody says whose number it is, it stands for its person: limits of persons hold for it.
    """
    rules = _rules(limits, hours_class)
    number = _with_lock_outs(
        limits,
        _lowest(rule.max_per_24h for rule in rules),
        _lowest(rule.max_per_7d for rule in rules),
    )
    return number if has_person else _lower(number, of_person(limits, hours_class))


def of_person(limits: LimitSettings, hours_class: str) -> Limits:
    """The lowest of each; lock-outs hold for a person only where persons are counted at all."""
    rules = _rules(limits, hours_class)
    per_24h = _lowest(rule.person_max_per_24h for rule in rules)
    per_7d = _lowest(rule.person_max_per_7d for rule in rules)
    return _with_lock_outs(limits, per_24h, per_7d) if per_24h or per_7d else Limits()


def decisive(refusals: Iterable[Refusal]) -> Refusal | None:
    """The one that lasts longest; a do-not-call entry before all, a live call after all."""
    found = sorted(refusals, key=_weight)
    return found[-1] if found else None


def _weight(refusal: Refusal) -> tuple[int, float]:
    if refusal.reason == "dnc":
        return (2, 0.0)
    return (1, refusal.until.timestamp()) if refusal.until else (0, 0.0)


def _lowest(limits: Iterable[int | None]) -> int:
    return min((n for n in limits if n), default=0)


def _rules(limits: LimitSettings, hours_class: str) -> list[LimitSettings | RegionLimits]:
    """The campaign's, and those of the states that the class names."""
    states = [limits.regions[r] for r in regions_in(hours_class) if r in limits.regions]
    return [limits, *states]


def _lower(one: Limits, other: Limits) -> Limits:
    return replace(
        one,
        max_per_24h=_lowest([one.max_per_24h, other.max_per_24h]),
        max_per_7d=_lowest([one.max_per_7d, other.max_per_7d]),
    )


def _with_lock_outs(limits: LimitSettings, max_per_24h: int, max_per_7d: int) -> Limits:
    return Limits(
        max_per_24h,
        max_per_7d,
        limits.after_abandon_s or 0,
        limits.after_machine_s or 0,
        limits.after_conversation_s or 0,
    )
