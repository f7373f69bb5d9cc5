"""A shift like those that a campaign has had: what its calls and its settings tell of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.core.attempt import AttemptRecord
from engine.core.errors import Invalid
from engine.core.outcome import Outcome
from engine.core.pacing import Knowledge
from engine.core.settings import CampaignSettings
from engine.core.simulation.scenario import Scenario

PERSONS = frozenset(
    {Outcome.ANSWERED, Outcome.MESSAGE_PLAYED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY}
)
MACHINES = frozenset({Outcome.MACHINE, Outcome.FAX})
#: Ended by the other side or on the way to it, soon.
BUSY = frozenset({Outcome.BUSY, Outcome.REJECTED, Outcome.FAILED, Outcome.INVALID_NUMBER})
#: Fewer calls tell nothing; a campaign's first minutes have as many.
MIN_CALLS, MIN_PERSONS = 30, 5
#: Where no conversation tells how long machine detection takes.
AMD_S = 2.0
#: Most of each kind that are kept: drawing from more draws no better.
MOST = 2000


@dataclass(frozen=True, slots=True)
class History:
    """Ended calls by what answered them; the others rang in vain."""

    persons: Sequence[AttemptRecord]
    machines: Sequence[AttemptRecord]
    busy: Sequence[AttemptRecord]
    unanswered: Sequence[AttemptRecord]

    @classmethod
    def of(cls, records: Iterable[AttemptRecord]) -> History:
        """Calls that we ended ourselves, or whose fate is unknown, are left out."""
        every = list(records)
        return cls(
            [each for each in every if each.outcome in PERSONS and each.answered_at],
            [each for each in every if each.outcome in MACHINES],
            [each for each in every if each.outcome in BUSY],
            [each for each in every if each.outcome is Outcome.NO_ANSWER],
        )

    @property
    def n_calls(self) -> int:
        return sum(map(len, (self.persons, self.machines, self.busy, self.unanswered)))

    @property
    def n_without_a_person(self) -> int:
        return self.n_calls - len(self.persons)


def scenario_of(
    records: Iterable[AttemptRecord],
    settings: CampaignSettings,
    *,
    agents: int,
    hours: float,
    knowledge: Knowledge | None = None,
) -> Scenario:
    """Conversations and rings are drawn from those that were, the rest from their means.

    How long agents really wrap up is in no record: what the campaign's predictive pacing has
    learned tells; without `knowledge` it is taken to be as long as they may. Raises Invalid where
    too few calls have ended.
    """
    seen, dialing = History.of(records), settings.dialing
    if seen.n_calls < MIN_CALLS or len(seen.persons) < MIN_PERSONS:
        raise Invalid(
            f"Only {seen.n_calls} calls of this campaign have ended, {len(seen.persons)} of them"
            f" answered by a person: {MIN_CALLS} and {MIN_PERSONS} are the least to foretell from."
        )
    others, to_agent_s = max(1, seen.n_without_a_person), _to_agent_s(seen.persons)
    usual = Scenario()
    return Scenario(
        agents=agents,
        hours=hours,
        answer_rate=len(seen.persons) / seen.n_calls,
        machine_share=len(seen.machines) / others,
        busy_share=len(seen.busy) / others,
        talk_of=_talks(seen.persons),
        ring_of=_rings(seen.persons),
        wrap_up_of=_wrap_ups(knowledge),
        wrap_up_s=settings.wrap_up_s,
        wrap_up_cv=0.0,
        # What a record calls ringing begins with the order.
        set_up_s=(0.0, 0.0),
        machine_ring_s=_mean(_rings(seen.machines), 14.0),
        busy_s=_middle(_lengths(seen.busy), (2.0, 4.0)),
        ring_timeout_s=_mean(_lengths(seen.unanswered), float(dialing.ring_timeout_s)),
        machine_s=_mean(_since_answer(seen.machines), 2.5),
        hold_s=dialing.connect_deadline_s,
        amd_s=(to_agent_s or AMD_S) if dialing.amd == "on" else 0.0,
        pick_up_s=min(to_agent_s, dialing.connect_deadline_s) if dialing.amd == "off" else 0.0,
        preview_s=min(usual.preview_s, settings.preview.timer_s),
        message_s=_mean(_messages(seen.persons), usual.message_s),
        max_lines=dialing.max_channels,
        max_cps=dialing.max_cps,
    )


def _talks(persons: Iterable[AttemptRecord]) -> tuple[float, ...]:
    return _newest(each.talk_s for each in persons if each.talk_s)


def _messages(persons: Iterable[AttemptRecord]) -> tuple[float, ...]:
    return _since_answer(each for each in persons if each.outcome is Outcome.MESSAGE_PLAYED)


def _wrap_ups(knowledge: Knowledge | None) -> tuple[float, ...]:
    """As many of each second as were seen, once there are enough to draw from."""
    counts = knowledge.wrap_up.counts[0] if knowledge else {}
    if sum(counts.values()) < MIN_CALLS:
        return ()
    return tuple(second + 0.5 for second, n in sorted(counts.items()) for _ in range(round(n)))


def _rings(calls: Iterable[AttemptRecord]) -> tuple[float, ...]:
    return _newest(_s(each.started_at, each.answered_at) for each in calls if each.answered_at)


def _lengths(calls: Iterable[AttemptRecord]) -> tuple[float, ...]:
    return _newest(_s(each.started_at, each.ended_at) for each in calls)


def _since_answer(calls: Iterable[AttemptRecord]) -> tuple[float, ...]:
    return _newest(_s(each.answered_at, each.ended_at) for each in calls if each.answered_at)


def _to_agent_s(persons: Iterable[AttemptRecord]) -> float:
    """From the answer to the agent where nobody had to wait: the first quarter of all."""
    waits = sorted(_s(each.answered_at, each.bridged_at) for each in persons if each.bridged_at)
    return round(waits[len(waits) // 4], 3) if waits else 0.0


def _middle(values: Sequence[float], otherwise: tuple[float, float]) -> tuple[float, float]:
    ordered = sorted(values)
    if not ordered:
        return otherwise
    return ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return statistics.fmean(values) if values else otherwise


def _newest(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(values)[-MOST:]


def _s(start: datetime | None, end: datetime | None) -> float:
    return max(0.0, (end - start).total_seconds()) if start and end else 0.0
