"""How often a number and a person may be called: which limits hold for a contact.

The counting itself is one step in the store, so that two engines cannot race past it; every call
sent or of unknown fate counts, over all campaigns. 12 CFR 1006.14(b)(2) (Reg F) presumes a
violation above 7 calls in 7 days per person and debt, and within 7 days after a conversation;
Fla. Stat. 501.616(6)(b) allows 3 calls in 24 hours on the same subject.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.core.hours import regions_in
from engine.core.outcome import Outcome
from engine.core.settings import LimitSettings


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


def of_number(limits: LimitSettings, hours_class: str) -> Limits:
    """The campaign's limits and those of the states that the class names, the lowest of each."""
    states = [limits.regions[r] for r in regions_in(hours_class) if r in limits.regions]
    return Limits(
        _lowest([limits.max_per_24h, *(state.max_per_24h for state in states)]),
        _lowest([limits.max_per_7d, *(state.max_per_7d for state in states)]),
        limits.after_abandon_s or 0,
        limits.after_machine_s or 0,
        limits.after_conversation_s or 0,
    )


def of_person(limits: LimitSettings) -> Limits:
    """Lock-outs hold for a person only where persons are counted at all."""
    most = (limits.person_max_per_24h or 0, limits.person_max_per_7d or 0)
    if not any(most):
        return Limits()
    return Limits(
        *most,
        limits.after_abandon_s or 0,
        limits.after_machine_s or 0,
        limits.after_conversation_s or 0,
    )


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
