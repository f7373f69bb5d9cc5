"""The limit of abandoned calls: how much risk is right now, and when there is none to take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.pacing.snapshot import Snapshot, Tally

#: Part of the answers that one call for each agent will still bring which is counted on: fewer
#: people may answer, and agents may leave. What chance can take is left out as well.
COUNTED_ON = 0.85
#: The rate aimed at, as part of the limit.
AIM = 0.98
#: Part of the reserve that the target leaves.
HELD_BACK = 0.5
#: The target may exceed the limit by this factor while there is credit.
BOOST = 1.6
#: The target looks so far ahead: answers, or seconds where those bring more answers.
HORIZON, HORIZON_S, MIN_HORIZON = 300.0, 1800.0, 40.0
#: Until there is a rate: an agent takes a call in so many seconds.
CYCLE_S, CYCLE_WEIGHT_S = 140.0, 600.0
#: Rare cases are counted up to so many standard deviations.
SIGMAS = 4.0
#: What is believed of the thumb before anything followed from it.
FIRST_CAUTION = 0.9
GAIN, MIN_CAUTION, MAX_CAUTION, MAX_RISK = 0.02, 0.25, 4.0, 0.3


class Forecast:
    """How many people will answer, from how many did: since the start and lately."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None
        self._last = (0.0, 0)
        self._lately, self._lately_s = 0.0, 0.0
        self.per_s = 0.0

    def see(self, now_s: float, answered: int, agents: int) -> None:
        if self._start is None:
            self._start = self._last = (now_s, answered)
        seconds = max(0.0, now_s - self._last[0])
        keep = math.exp(-seconds / HORIZON_S)
        self._lately = self._lately * keep + max(0, answered - self._last[1])
        self._lately_s = self._lately_s * keep + seconds
        self._last = (now_s, answered)
        believed = agents / CYCLE_S * CYCLE_WEIGHT_S
        elapsed = now_s - self._start[0] + CYCLE_WEIGHT_S
        always = (answered - self._start[1] + believed) / elapsed
        lately = (self._lately + believed) / (self._lately_s + CYCLE_WEIGHT_S)
        self.per_s = min(always, lately)

    def ahead(self, tally: Tally, share: float, one_each_per_s: float) -> Period:
        """`share`: part of the calls that people answer; `one_each_per_s`: answers per second
        if one call for each agent is all that is dialled from now on."""
        expected = _bound(tally, share, self.per_s)
        slowest = _bound(tally, share, min(self.per_s, one_each_per_s))
        return Period(tally, expected, max(0.0, COUNTED_ON * slowest - math.sqrt(slowest)))


@dataclass(frozen=True, slots=True)
class Period:
    """A tally, answers expected in the rest of its period, and those that are sure to come even
    if no risk is taken any more. Nothing is expected where nothing is known of the rest."""

    tally: Tally
    expected: float
    sure: float


def _bound(tally: Tally, share: float, per_s: float) -> float:
    bounds = []
    if tally.ends_in_s is not None:
        bounds.append(per_s * max(0.0, tally.ends_in_s))
    if tally.contacts_left is not None:
        bounds.append(share * max(0, tally.contacts_left))
    return min(bounds, default=0.0)


@dataclass(frozen=True, slots=True)
class Gate:
    """No call leaves beyond one per free agent unless its period can still end within the limit,
    even if what rings turns out as badly as it ever does."""

    max_rate: float

    def is_open(self, periods: Sequence[Period], worst: float) -> bool:
        """`worst`: people who may be abandoned by what is in flight, the calls that are asked for
        included."""
        return self.closed_by(periods, worst) is None

    def closed_by(self, periods: Sequence[Period], worst: float) -> str | None:
        """The first period that could not bear it, by name."""
        for each in periods:
            tally, limit = each.tally, self.max_rate * (each.tally.answered + each.sure)
            if tally.abandoned + worst > limit:
                return tally.name
        return None


class Governor:
    """Turns the credit of a period into the risk that one more call may carry.

    What follows from a risk is measured, and `caution` corrects it: a rule of thumb in the
    foretelling can then neither waste the limit nor break it.
    """

    def __init__(self, max_rate: float, caution: float = FIRST_CAUTION) -> None:
        self._max_rate = max_rate
        self.caution = caution
        self._target = 0.0
        self._seen: tuple[int, int] | None = None

    def see(self, snapshot: Snapshot) -> None:
        """What became of the target since the last decision."""
        before = self._seen or (snapshot.answered, snapshot.abandoned)
        self._seen = (snapshot.answered, snapshot.abandoned)
        answered, abandoned = (now - then for now, then in zip(self._seen, before, strict=True))
        if answered or abandoned:
            change = math.exp(GAIN * (self._target * answered - abandoned))
            self.caution = min(MAX_CAUTION, max(MIN_CAUTION, self.caution * change))

    def rest(self) -> None:
        """No risk is taken: nothing is to be learned from what follows."""
        self._target = 0.0

    def risk(self, periods: Sequence[Period], per_s: float, reserve: float) -> float:
        """The chance to be abandoned that one more call may carry.

        `reserve`: abandons that the gate will keep back at the end of the period.
        """
        aims = [self._aim(each.tally, each.expected, per_s, reserve) for each in periods]
        self._target = min(aims)
        return min(MAX_RISK, self.caution * self._target)

    def _aim(self, tally: Tally, expected: float, per_s: float, reserve: float) -> float:
        horizon = max(HORIZON, HORIZON_S * per_s)
        if tally.ends_in_s is not None or tally.contacts_left is not None:
            horizon = min(horizon, expected)
        aim = AIM * self._max_rate
        credit = aim * tally.answered - tally.abandoned - HELD_BACK * reserve
        rate = aim + credit / max(MIN_HORIZON, horizon)
        return min(BOOST * aim, max(0.0, rate))
