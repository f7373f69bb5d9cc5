"""What a simulated shift brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(slots=True, kw_only=True)
class Result:
    """Sums over a shift; shifts can be added. Agents' times in seconds, pauses left out."""

    logged_s: float = 0.0
    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    idle_s: float = 0.0
    n_placed: int = 0
    #: Answered by a person.
    n_answered: int = 0
    n_connected: int = 0
    #: A person answered, and no agent came in time.
    n_abandoned: int = 0
    #: A person hung up before that time was over.
    n_hung_up: int = 0
    #: People whom machine detection took for a machine: a regulator counts them as abandoned.
    n_misjudged: int = 0

    def __add__(self, other: Result) -> Result:
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Result(**sums)

    @property
    def utilisation(self) -> float:
        return _ratio(self.talk_s + self.wrap_up_s, self.logged_s)

    @property
    def abandon_rate(self) -> float:
        return _ratio(self.n_abandoned, self.n_answered)

    def figures(self) -> dict[str, float | int]:
        """As people read them: utilisation and rate in percent."""
        return {
            "utilisation": round(100 * self.utilisation, 2),
            "abandon_rate": round(100 * self.abandon_rate, 2),
            "talk_min_per_h": round(60 * _ratio(self.talk_s, self.logged_s), 2),
            "calls_per_agent_h": round(3600 * _ratio(self.n_connected, self.logged_s), 2),
            "idle_s": round(_ratio(self.idle_s, self.n_connected), 2),
            "placed": self.n_placed,
            "answered": self.n_answered,
            "connected": self.n_connected,
            "abandoned": self.n_abandoned,
            "hung_up": self.n_hung_up,
            "misjudged": self.n_misjudged,
        }


def total(results: Iterable[Result]) -> Result:
    return sum(results, Result())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
