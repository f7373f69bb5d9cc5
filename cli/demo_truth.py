"""What the carrier saw against what Redis has: the demo's proof, and its figures. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from cli.asterisk_cdr import CarrierCall
from cli.demo_contacts import BEHAVIOURS, scenario_of
from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome

#: An answer that crosses our hang-up on the wire (at the ring timeout, say) lasts a few
#: milliseconds at the carrier, and Asterisk never learns of it.
CROSSED_S = 0.1

One = TypeVar("One", AttemptRecord, CarrierCall)


@dataclass(frozen=True, slots=True)
class Check:
    """One claim about all calls; `wrong` names the numbers for which it does not hold."""

    title: str
    n: int
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.wrong


@dataclass(frozen=True, slots=True)
class ByNumber:
    """Attempts and the carrier's calls of each number, in the order of their start."""

    attempts: Mapping[str, list[AttemptRecord]]
    calls: Mapping[str, list[CarrierCall]]

    @property
    def numbers(self) -> list[str]:
        return sorted({*self.attempts, *self.calls})


def by_number(attempts: Sequence[AttemptRecord], calls: Sequence[CarrierCall]) -> ByNumber:
    return ByNumber(
        _grouped(attempts, lambda attempt: attempt.phone.lstrip("+")),
        _grouped(calls, lambda call: call.number),
    )


def _grouped(every: Iterable[One], number_of: Callable[[One], str]) -> dict[str, list[One]]:
    groups: defaultdict[str, list[One]] = defaultdict(list)
    for one in sorted(every, key=lambda each: each.started_at):
        groups[number_of(one)].append(one)
    return dict(groups)


def checks(attempts: Sequence[AttemptRecord], calls: Sequence[CarrierCall]) -> list[Check]:
    seen = by_number(attempts, calls)
    return [
        Check("calls the carrier saw = attempts in Redis", len(calls), _miscounted(seen)),
        Check("no number had two calls at once", len(seen.numbers), _overlapping(seen)),
        Check("outcomes fit what the numbers do", len(attempts), _misjudged(attempts)),
        Check("redials never before their time", _n_redials(attempts), _early(seen)),
        Check("who answered got an agent or the message", _n_people(calls), _forsaken(seen)),
    ]


def _miscounted(seen: ByNumber) -> tuple[str, ...]:
    return tuple(
        number
        for number in seen.numbers
        if len(seen.attempts.get(number, ())) != len(seen.calls.get(number, ()))
    )


def _overlapping(seen: ByNumber) -> tuple[str, ...]:
    return tuple(
        number
        for number, calls in seen.calls.items()
        if any(after.started_at < before.ended_at for before, after in pairwise(calls))
    )


def _misjudged(attempts: Sequence[AttemptRecord]) -> tuple[str, ...]:
    wrong = (a for a in attempts if a.outcome not in _possible(a.phone))
    return tuple(f"{a.phone} {a.outcome}" for a in wrong)


def _possible(phone: str) -> tuple[Outcome, ...]:
    return BEHAVIOURS[scenario_of(phone)].outcomes


def _early(seen: ByNumber) -> tuple[str, ...]:
    return tuple(
        number
        for number, attempts in seen.attempts.items()
        if any(_is_early(*pair) for pair in pairwise(attempts))
    )


def _is_early(before: AttemptRecord, after: AttemptRecord) -> bool:
    return before.next_dial_at is None or after.started_at < before.next_dial_at


def _n_redials(attempts: Sequence[AttemptRecord]) -> int:
    return sum(attempt.number > 1 for attempt in attempts)


def _is_person(call: CarrierCall) -> bool:
    """Answered, and stays on the line until somebody speaks; a machine counts as well."""
    behaviour = BEHAVIOURS.get(scenario_of(call.number))
    if call.answered_at is None or behaviour is None or not behaviour.is_patient:
        return False
    return (call.ended_at - call.answered_at).total_seconds() > CROSSED_S


def _n_people(calls: Sequence[CarrierCall]) -> int:
    return sum(map(_is_person, calls))


def _forsaken(seen: ByNumber) -> tuple[str, ...]:
    return tuple(
        attempt.phone
        for attempt, call in _paired(seen)
        if _is_person(call) and not (attempt.bridged_at or attempt.message_played)
    )


# -------------------------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True)
class Row:
    """One outcome: attempts in Redis, their calls at the carrier, and how many it saw answered."""

    outcome: str
    n_attempts: int
    n_calls: int
    n_answered: int


def rows(attempts: Sequence[AttemptRecord], calls: Sequence[CarrierCall]) -> list[Row]:
    """The n-th attempt of a number goes with the n-th call that the carrier saw of it."""
    pairs = list(_paired(by_number(attempts, calls)))
    return [_row(outcome, n, pairs) for outcome, n in outcomes(attempts).items()]


def _row(outcome: str, n_attempts: int, pairs: Sequence[tuple[AttemptRecord, CarrierCall]]) -> Row:
    own = [call for attempt, call in pairs if attempt.outcome == outcome]
    return Row(outcome, n_attempts, len(own), sum(call.answered_at is not None for call in own))


def _paired(seen: ByNumber) -> Iterator[tuple[AttemptRecord, CarrierCall]]:
    for number, calls in seen.calls.items():
        yield from zip(seen.attempts.get(number, ()), calls, strict=False)


def outcomes(attempts: Sequence[AttemptRecord]) -> dict[str, int]:
    """In the order in which reports show them."""
    counted = Counter(attempt.outcome for attempt in attempts)
    return {outcome.value: counted[outcome] for outcome in Outcome if counted[outcome]}


def connect_ms(attempts: Sequence[AttemptRecord]) -> list[float]:
    """From answer to agent, by Asterisk's own stamps, of every bridged call; sorted."""
    return sorted(
        (attempt.bridged_at - attempt.answered_at).total_seconds() * 1000
        for attempt in attempts
        if attempt.bridged_at and attempt.answered_at
    )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The smallest value that at least `percent` of them do not exceed; None without values."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)], 1)


def abandon_rate(attempts: Sequence[AttemptRecord]) -> float:
    """Abandoned of those that a person answered."""
    people = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY)
    n_people = sum(attempt.outcome in people for attempt in attempts)
    n_abandoned = sum(attempt.outcome is Outcome.ABANDONED for attempt in attempts)
    return round(n_abandoned / n_people, 4) if n_people else 0.0
