"""How long something lasts, learned from what ended and from what has not ended yet.

A hazard is the chance to end within the next second for what has lasted so far. What is still
going on counts as exposure: else only the short ones would be known at the start of a shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.core.pacing.snapshot import Ages

#: Weights grow instead of the old ones being decayed; they are scaled down beyond this.
HEAVY = 1e12


@dataclass(frozen=True, slots=True)
class Kept:
    """Durations as a plain value: observations by cause and bin, and the sum of all seconds."""

    counts: tuple[Mapping[int, float], ...]
    total_s: float


class Ended:
    """Durations by bins of `width_s` and by cause, the recent ones weighing more.

    The last bin is open.
    """

    def __init__(self, n_bins: int, *, width_s: int = 1, n_causes: int = 1) -> None:
        self.n_bins, self.width_s = n_bins, width_s
        self.counts = [[0.0] * n_bins for _ in range(n_causes)]
        self.n = 0.0
        self.total_s = 0.0
        self._weight = 1.0

    def add(self, seconds: float, window: float, cause: int = 0) -> None:
        """`window`: how many observations are remembered."""
        self._weight /= 1 - 1 / window
        if self._weight > HEAVY:
            self._scale(1 / self._weight)
        self.counts[cause][min(self.n_bins - 1, int(seconds) // self.width_s)] += self._weight
        self.n += self._weight
        self.total_s += self._weight * seconds

    @property
    def weight(self) -> float:
        """Observations remembered, each by what is left of it."""
        return self.n / self._weight

    @property
    def mean_s(self) -> float:
        return self.total_s / self.n if self.n else 0.0

    def normalised(self) -> list[list[float]]:
        """Counts by cause and bin, in observations."""
        return [[count / self._weight for count in counts] for counts in self.counts]

    def kept(self) -> Kept:
        counts = self.normalised()
        return Kept(
            tuple({b: round(n, 4) for b, n in enumerate(each) if n > 1e-4} for each in counts),
            round(self.total_s / self._weight, 3),
        )

    def load(self, kept: Kept) -> None:
        """Start from what was known before; what is not of this shape is left out."""
        for mine, given in zip(self.counts, kept.counts, strict=False):
            for at, count in given.items():
                mine[max(0, min(self.n_bins - 1, at))] += count
        self.n = sum(map(sum, self.counts))
        self.total_s = kept.total_s

    def _scale(self, factor: float) -> None:
        self.counts = [[count * factor for count in counts] for counts in self.counts]
        self.n *= factor
        self.total_s *= factor
        self._weight *= factor


def exposure(
    counts: Iterable[Sequence[float]], alive: Ages, n_bins: int, width_s: int = 1
) -> list[float]:
    """How many lived through each bin, or ended in it.

    Of those alive the bin they are in is not over, so it is not counted.
    """
    at = [0.0] * (n_bins + 1)
    for each in counts:
        for index, count in enumerate(each):
            at[index] += count
    for age, n in alive.items():
        if age >= width_s:
            at[min(n_bins, age // width_s) - 1] += n
    for index in range(n_bins - 1, -1, -1):
        at[index] += at[index + 1]
    return at[:n_bins]


def edges(n_bins: int, *widths: tuple[int, int]) -> list[int]:
    """Borders of bins: `(until, width)` in turns, the last one up to `n_bins`."""
    borders, at = [0], 0
    for until, width in widths:
        while at < min(until, n_bins):
            at = min(at + width, n_bins)
            borders.append(at)
    return borders


def hazards(ended: Ended, alive: Ages, borders: Sequence[int], prior_s: float) -> list[float]:
    """The hazard of each bin, pulled to that of the mean where little is known.

    Between two `borders` it is the same.
    """
    (counts,) = ended.normalised()
    exposed = exposure([counts], alive, ended.n_bins, ended.width_s)
    lasts_s = mean_s(ended, alive, prior_s)
    found: list[float] = []
    for start, end in pairwise(borders):
        believed = PULL * (end - start)
        deaths = sum(counts[start:end]) + believed * ended.width_s / lasts_s
        found += [min(1.0, deaths / (sum(exposed[start:end]) + believed))] * (end - start)
    return found


#: Weight of the mean hazard in each bin, in observations.
PULL = 8.0
#: Weight of the mean that is believed before anything was seen.
PRIOR_N = 10.0


def mean_s(ended: Ended, alive: Ages, prior_s: float) -> float:
    """Seconds that it lasts, as far as is known: what has not ended counts so far as it is."""
    seconds = ended.mean_s * ended.weight + sum(age * n for age, n in alive.items())
    return max(0.5, (seconds + PRIOR_N * prior_s) / (ended.weight + PRIOR_N))
