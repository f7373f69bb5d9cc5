"""Which classes recent calls are of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from engine.core.pacing.classes import Known
from engine.core.pacing.hazards import HEAVY


class Mix:
    """Which classes calls are of, the recent calls weighing more."""

    def __init__(self, window: float = 2.0) -> None:
        """`window`: how many calls are remembered, unless said otherwise with each."""
        self._window = window
        self._n: dict[Known, float] = {}
        self._weight = 1.0

    def add(self, of: Known, window: float | None = None) -> None:
        self._weight /= 1 - 1 / (window or self._window)
        self._n[of] = self._n.get(of, 0.0) + self._weight
        if self._weight > HEAVY:
            self._fade()

    def mean(self, value_of: Callable[[Known], float], otherwise: float = 1.0) -> float:
        """Mean of a value of each class; the value itself where all have the same."""
        values = {of: value_of(of) for of in self._n}
        different = set(values.values())
        if len(different) <= 1:
            return different.pop() if different else otherwise
        return sum(n * values[of] for of, n in self._n.items()) / sum(self._n.values())

    def parts(self) -> Mapping[Known, float]:
        """How many of each are remembered."""
        return {of: n / self._weight for of, n in self._n.items()}

    def load(self, parts: Iterable[tuple[Known, float]]) -> None:
        for of, n in parts:
            self._n[of] = self._n.get(of, 0.0) + n * self._weight

    def _fade(self) -> None:
        parts = self.parts()
        self._weight = 1.0
        self._n = {of: n for of, n in parts.items() if n > 1e-6}
