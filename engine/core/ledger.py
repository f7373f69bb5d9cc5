"""The abandon ledger: what a regulator would count, derived from the attempts' records.

A record is never changed, only followed by a revision, so the records are the ledger; the counts
kept beside them can be made anew from them at any time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome

#: A person who is not connected within 2 seconds of the completed greeting is abandoned
#: (16 CFR 310.4(b)(1)(iv), 47 CFR 64.1200(a)(7)).
CONNECT_S = 2.0
MACHINE_VERDICT, PERSON_VERDICT = "MACHINE", "HUMAN"
_ANSWERED = frozenset({
    Outcome.ANSWERED, Outcome.ABANDONED, Outcome.MACHINE, Outcome.FAX, Outcome.HUNG_UP_EARLY,
})  # fmt: skip


#: With a message before: a campaign without agents, whose calls nobody can abandon. They must not
#: better the rate of a group either.
_AFTER_A_PROMPT = (Outcome.ANSWERED, Outcome.HUNG_UP_EARLY)


class AnsweredBy(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"  # counts as a person: nobody can show that it was none


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answered call. `greeting_end_at`: known only where machine detection heard a person."""

    answered_at: datetime
    greeting_end_at: datetime | None
    bridged_at: datetime | None
    answered_by: AnsweredBy
    abandoned: bool
    message_played: bool
    ring_s: float | None
    caller_id: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Answered calls of some period; the order of the fields is that of the store's."""

    #: Calls that a person answered, as far as anybody knows.
    n_people: int = 0
    n_abandoned: int = 0
    #: People who were connected, late ones included.
    n_connected: int = 0
    #: Calls that machine detection ended.
    n_machines: int = 0
    #: Calls that were connected to an agent, who met a machine.
    n_machines_met: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Field by field, because each decision adds up some."""
        return Counts(
            self.n_people + other.n_people,
            self.n_abandoned + other.n_abandoned,
            self.n_connected + other.n_connected,
            self.n_machines + other.n_machines,
            self.n_machines_met + other.n_machines_met,
        )

    def __neg__(self) -> Counts:
        return Counts(*(-getattr(self, n) for n in _NAMES))

    @property
    def values(self) -> tuple[int, ...]:
        return tuple(getattr(self, n) for n in _NAMES)

    @property
    def abandon_rate(self) -> float:
        """Abandoned of those that a person answered (16 CFR 310.4(b)(4)(i)); 0 before the first."""
        return self.n_abandoned / self.n_people if self.n_people else 0.0

    def with_misjudged(self, error_rate: float) -> Counts:
        """Counts people whom detection took for machines, as far as they can be estimated.

        Nobody sees them: they were hung up on, so each is abandoned. `error_rate`: part of the
        machines found that are people; rounded up.
        """
        n = math.ceil(error_rate * self.n_machines - 1e-9)
        return self + Counts(n_people=n, n_abandoned=n, n_machines=-n) if n else self


_NAMES = tuple(field.name for field in fields(Counts))
NOTHING = Counts()


def answered_by(outcome: Outcome, amd: str | None) -> AnsweredBy | None:
    """Who answered, as telephony tells it; None where nobody is known to have answered."""
    if outcome in (Outcome.MACHINE, Outcome.FAX):
        return AnsweredBy.MACHINE
    if outcome is Outcome.ANSWERED or (outcome in _ANSWERED and amd == PERSON_VERDICT):
        return AnsweredBy.HUMAN
    return AnsweredBy.UNKNOWN if outcome in _ANSWERED else None


def entry_of(record: AttemptRecord) -> Entry | None:
    """The ledger's entry for a record; None where the call was not answered.

    An answered call of unknown fate counts as abandoned until a revision knows better.
    """
    if record.outcome not in _ANSWERED and not _is_in_doubt(record):
        return None
    if record.message_played and record.outcome in _AFTER_A_PROMPT:
        return None
    who = _who(record)
    return Entry(
        answered_at=record.answered_at or record.bridged_at or record.ended_at,
        greeting_end_at=record.greeting_end_at,
        bridged_at=record.bridged_at,
        answered_by=who,
        abandoned=who is not AnsweredBy.MACHINE and _came_too_late(record),
        message_played=record.message_played,
        ring_s=record.ring_s,
        caller_id=record.caller_id,
    )


def counts_of(entry: Entry | None) -> Counts:
    """What one call adds to the counts of its time."""
    if entry is None:
        return NOTHING
    if entry.answered_by is AnsweredBy.MACHINE:
        is_met = entry.bridged_at is not None
        return Counts(n_machines=not is_met, n_machines_met=is_met)
    is_connected = entry.bridged_at is not None
    return Counts(n_people=1, n_abandoned=int(entry.abandoned), n_connected=int(is_connected))


def total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, NOTHING)


def ofcom_rate(counts: Counts, error_rate: float = 0.0) -> float:
    """Abandoned call rate by Ofcom's formula ("Calculating the Abandoned Call Rate", annex to the
    persistent misuse policy; worked example in VICIdial's UK_OFCOM_OUTBOUND_COMPLIANCE.txt).

    Abandoned calls are taken for machines in the proportion in which agents meet machines: AM =
    machines met / (people served + machines met), A = abandoned * (1 - AM), rate = A / (people
    served + A). Where detection runs, a reasoned estimate of its errors is added to A.
    """
    served, met = counts.n_connected, counts.n_machines_met
    machines = met / (served + met) if served + met else 0.0
    unserved = counts.n_abandoned * (1 - machines) + error_rate * counts.n_machines
    return unserved / (served + unserved) if unserved else 0.0


def _who(record: AttemptRecord) -> AnsweredBy:
    if record.answered_by is not None:
        return AnsweredBy(record.answered_by)
    return answered_by(record.outcome, record.amd) or AnsweredBy.UNKNOWN


def _is_in_doubt(record: AttemptRecord) -> bool:
    return record.outcome is Outcome.UNKNOWN and record.answered_at is not None


def _came_too_late(record: AttemptRecord) -> bool:
    """No agent within the time; who left before it was over was not abandoned.

    Without a greeting's end the time runs from the answer, which is stricter.
    """
    if record.outcome is Outcome.ABANDONED or _is_in_doubt(record):
        return True
    since = record.greeting_end_at or record.answered_at
    until = record.bridged_at or record.ended_at
    return since is not None and (_whole_ms(until) - _whole_ms(since)).total_seconds() > CONNECT_S


def _whole_ms(at: datetime) -> datetime:
    """As records keep instants, so that a record read again counts as it did before."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
