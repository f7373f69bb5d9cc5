"""By how much one class of calls is answered more often than others.

The share of a class is a product: of its calling list's part, its attempt's and its hour's, fitted
so that each list, attempt and hour gets as many answers as it was seen to get (minimum bias: Bailey
and Simon 1960). Only comparisons are used: how often people answer at all right now is learned
elsewhere, and faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from engine.core.pacing.classes import Known
from engine.core.pacing.mix import Mix
from engine.core.pacing.shares import Cells

#: A difference is believed by half once it was seen with so many calls.
BELIEVED = 100.0
#: Calls that keep a part without answers from being nothing.
FEW = 5.0
N_SWEEPS = 8
LIST, ATTEMPT, HOUR = range(3)
#: Another hour changes no more than this: a fault of the carrier may have been learned as the
#: hour's, and whoever did not answer then may answer now.
LEAST, MOST = math.log(0.5), math.log(3.0)


@dataclass(frozen=True, slots=True)
class Part:
    """Logarithm of how often a list, attempt or hour is answered, its error, and its calls."""

    log: float
    error: float
    calls: float

    def beyond(self, other: float) -> float:
        """By how much it differs from another one, beyond what chance does."""
        apart = self.log - other
        sure = math.copysign(max(0.0, abs(apart) - self.error), apart)
        return sure * self.calls / (self.calls + BELIEVED)


#: By list, by attempt, by hour. Empty where there is but one: it is compared with nothing.
Parts = Sequence[Mapping[int, Part]]
NO_PARTS: Parts = ({}, {}, {})


@dataclass(slots=True)
class Ratios:
    """How often calls of a class are answered, compared with a mix of calls."""

    parts: Parts
    mix: Mix
    _found: dict[Known, float] = field(default_factory=dict)
    _centre: tuple[float, ...] = ()
    _mean: float = 1.0

    def __post_init__(self) -> None:
        self._centre = tuple(
            self.mix.mean(partial(self._log, kind=kind), 0.0) for kind in (LIST, ATTEMPT, HOUR)
        )
        self._mean = self.mix.mean(self._ratio)

    def of(self, call: Known) -> float:
        """1 for what is answered as often as the calls of the mix are on average."""
        found = self._found.get(call)
        if found is None:
            found = self._found[call] = self._ratio(call) / self._mean
        return found

    def standing(self) -> float:
        """How often the mix is answered for its lists and attempts, compared with everything that
        is remembered: what the hour does is left out."""
        return self.mix.mean(lambda of: math.exp(self._apart(of, (0.0, 0.0))))

    def _ratio(self, call: Known) -> float:
        hour = self._apart(call, self._centre) - self._apart(call, self._centre[:HOUR])
        return math.exp(self._apart(call, self._centre[:HOUR]) + min(MOST, max(LEAST, hour)))

    def _apart(self, call: Known, centre: Sequence[float]) -> float:
        if call is None:
            return 0.0
        found = 0.0
        for parts, level, at in zip(self.parts, call, centre, strict=False):
            part = parts.get(level)
            if part is not None:
                found += part.beyond(at)
        return found

    def _log(self, call: Known, kind: int) -> float:
        part = self.parts[kind].get(call[kind]) if call is not None else None
        return part.log if part is not None else 0.0


def fitted(cells: Cells) -> Parts:
    calls = sum(cell.calls for cell in cells.values())
    persons = sum(cell.persons for cell in cells.values())
    if len(cells) < 2 or persons <= 0:
        return NO_PARTS
    share = persons / calls
    found: list[dict[int, Part]] = [
        {level: Part(0.0, 0.0, 0.0) for level in {of[kind] for of in cells}}
        for kind in (LIST, ATTEMPT, HOUR)
    ]
    several = [kind for kind in (LIST, ATTEMPT, HOUR) if len(found[kind]) > 1]
    for _ in range(N_SWEEPS):
        for kind in several:
            found[kind] = _swept(cells, share, found, kind)
    return [parts if kind in several else {} for kind, parts in enumerate(found)]


def _swept(cells: Cells, share: float, found: Parts, kind: int) -> dict[int, Part]:
    """The parts of one kind, the others being as they are."""
    sums = {level: [0.0, 0.0, 0.0] for level in found[kind]}
    one, other = [each for each in (LIST, ATTEMPT, HOUR) if each != kind]
    ratio = [{level: math.exp(part.log) for level, part in parts.items()} for parts in found]
    for of, cell in cells.items():
        row = sums[of[kind]]
        row[0] += cell.calls
        row[1] += cell.persons
        row[2] += share * cell.calls * ratio[one][of[one]] * ratio[other][of[other]]
    few = FEW * share
    return {
        level: Part(
            math.log((persons + few) / (expected + few)),
            math.sqrt(max(0.0, 1 - persons / calls) / (persons + few)) if calls else 0.0,
            calls,
        )
        for level, (calls, persons, expected) in sums.items()
    }
