"""How likely one more call is to find no agent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: An answer can take the agent that a slower call would have had, so many steps later.
STEALS = 2
SQRT_2 = math.sqrt(2)
SQRT_2_PI = math.sqrt(2 * math.pi)
#: Beyond so many standard deviations the correction for skewness is left out.
FAR = 3.5


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of independent events have happened by each instant of the grid: mean, variance
    and third central moment."""

    mean: list[float]
    variance: list[float]
    skew: list[float]


def counted(sums: Sequence[float], share: float = 1.0) -> Counted:
    """From the sums of the events' chances, of their squares and of their cubes.

    `share`: only this part of the events happens here.
    """
    n = len(sums) // 3
    ones, twos, threes = sums[:n], sums[n : 2 * n], sums[2 * n :]
    if share != 1:
        ones = [share * each for each in ones]
        twos = [share**2 * each for each in twos]
        threes = [share**3 * each for each in threes]
    return Counted(
        list(ones),
        [one - two for one, two in zip(ones, twos, strict=True)],
        [o - 3 * w + 2 * h for o, w, h in zip(ones, twos, threes, strict=True)],
    )


def one_of(chances: Sequence[float]) -> Counted:
    """A single event."""
    return counted([*chances, *[c**2 for c in chances], *[c**3 for c in chances]])


class Surplus:
    """Free agents less people who need one, at each instant of the grid."""

    __slots__ = ("_mean", "_skew", "_variance")

    def __init__(self, mean: list[float], variance: list[float], skew: list[float]) -> None:
        self._mean, self._variance, self._skew = mean, variance, skew

    @classmethod
    def of(cls, idle: float, freed: Counted, answered: Counted) -> Surplus:
        return cls(
            [idle + f - a for f, a in zip(freed.mean, answered.mean, strict=True)],
            [f + a for f, a in zip(freed.variance, answered.variance, strict=True)],
            [f - a for f, a in zip(freed.skew, answered.skew, strict=True)],
        )

    def less(self, n: int, each: Counted) -> Surplus:
        """With n more events of a kind that takes an agent each."""
        return Surplus(
            [m - n * e for m, e in zip(self._mean, each.mean, strict=True)],
            [v + n * e for v, e in zip(self._variance, each.variance, strict=True)],
            [s - n * e for s, e in zip(self._skew, each.skew, strict=True)],
        )

    def marginal(self, weights: Sequence[float]) -> float:
        """Abandons that one more call brings, which is answered with these weights over the grid
        when it is answered."""
        moments = zip(self._mean, self._variance, self._skew, strict=True)
        short = [_at_most_zero(*each) for each in moments]
        return sum(
            [weight * max(short[k : k + 1 + STEALS]) for k, weight in enumerate(weights) if weight]
        )

    def worst(self, sigmas: float) -> float:
        """People without an agent in all but the rarest cases.

        Answers come in bursts: their distribution leans to the bad side, and far out that is
        worth more than a standard deviation (Cornish and Fisher 1938).
        """
        lean = (sigmas * sigmas - 1) / 6
        return max(
            sigmas * math.sqrt(v) - m + lean * max(0.0, -s / v) if v > 1e-6 else -m
            for m, v, s in zip(self._mean, self._variance, self._skew, strict=True)
        )


def _at_most_zero(mean: float, variance: float, skew: float) -> float:
    """P(X <= 0) of an integer sum: normal, corrected for skewness (Volkova 1996)."""
    if variance < 1e-6:
        return 1.0 if mean < 0.5 else 0.0
    deviation = math.sqrt(variance)
    z = (0.5 - mean) / deviation
    chance = 0.5 * math.erfc(-z / SQRT_2)
    if -FAR < z < FAR:
        square = z * z
        density = math.exp(-0.5 * square) / SQRT_2_PI
        chance += skew / (6 * variance * deviation) * (1 - square) * density
        if chance < 0:
            return 0.0
    return chance
