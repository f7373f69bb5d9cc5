"""How likely one more call is to find no agent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.core.pacing.outlook import N_STEPS

#: An answer can take the agent that a slower call would have had, so many steps later.
STEALS = 2
SQRT_2 = math.sqrt(2)
SQRT_2_PI = math.sqrt(2 * math.pi)
#: Beyond so many standard deviations the correction for skewness is left out.
FAR = 3.5


@dataclass(slots=True)
class Surplus:
    """Free agents less people who need one, at each instant of the grid: mean, variance and third
    central moment of a sum of independent yes-or-no events."""

    mean: list[float]
    variance: list[float]
    skew: list[float]

    def with_calls(self, n: int, new_call: Sequence[float]) -> Surplus:
        """The same with n more calls, each answered by the instants with these chances."""
        mean, variance, skew = [], [], []
        for m, v, k, a in zip(self.mean, self.variance, self.skew, new_call, strict=True):
            each = a * (1 - a)
            mean.append(m - n * a)
            variance.append(v + n * each)
            skew.append(k - n * each * (1 - 2 * a))
        return Surplus(mean, variance, skew)

    def short(self) -> list[float]:
        """At each instant the probability that one more answer finds nobody."""
        return [
            _at_most_zero(mean, variance, skew)
            for mean, variance, skew in zip(self.mean, self.variance, self.skew, strict=True)
        ]

    def marginal(self, weights: Sequence[float]) -> float:
        """Abandons that a call brings which is answered with these weights over the grid."""
        short = self.short()
        return sum(
            weight * max(short[k : k + 1 + STEALS]) for k, weight in enumerate(weights) if weight
        )

    def worst(self, sigmas: float) -> float:
        """People without an agent in all but the rarest cases."""
        return max(
            sigmas * math.sqrt(variance) - mean
            for mean, variance in zip(self.mean, self.variance, strict=True)
        )


def surplus_of(
    idle: float, releases: Sequence[float], share: float, answers: Sequence[Sequence[float]]
) -> Surplus:
    """`releases` and each of `answers`: sums of powers, as from `Rows.total`."""
    mean, variance, skew = [], [], []
    for k in range(N_STEPS):
        m, v, s = _moments(releases, k, share)
        for each in answers:
            am, av, ask = _moments(each, k, 1.0)
            m, v, s = m - am, v + av, s - ask
        mean.append(idle + m)
        variance.append(v)
        skew.append(s)
    return Surplus(mean, variance, skew)


def _moments(sums: Sequence[float], k: int, share: float) -> tuple[float, float, float]:
    one = share * sums[k]
    two = share * share * sums[N_STEPS + k]
    three = share**3 * sums[2 * N_STEPS + k]
    return one, max(0.0, one - two), one - 3 * two + 2 * three


def _at_most_zero(mean: float, variance: float, skew: float) -> float:
    """P(X <= 0) of an integer sum: normal, corrected for skewness (Volkova 1996)."""
    if variance < 1e-6:
        return 1.0 if mean < 0.5 else 0.0
    deviation = math.sqrt(variance)
    z = (0.5 - mean) / deviation
    chance = 0.5 * math.erfc(-z / SQRT_2)
    if -FAR < z < FAR:
        density = math.exp(-0.5 * z * z) / SQRT_2_PI
        chance += skew / (6 * variance * deviation) * (1 - z * z) * density
    return min(1.0, max(0.0, chance))
