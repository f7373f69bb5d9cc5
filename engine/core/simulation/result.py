"""What a simulated shift brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

Figures = Mapping[str, float | int | None]
#: What there is only with agents.
OF_AGENTS = ("utilisation", "talk_min_per_h", "calls_per_agent_h", "idle_s", "preview_min_per_h")


@dataclass(slots=True, kw_only=True)
class Result:
    """Sums over a shift; shifts can be added. Agents' times in seconds, pauses left out."""

    #: The shift's own length.
    lasted_s: float = 0.0
    logged_s: float = 0.0
    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    idle_s: float = 0.0
    #: Agents looked at contacts that were offered to them.
    preview_s: float = 0.0
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
    #: Offers that agents passed on.
    n_skipped: int = 0
    #: Messages without agents that a person heard to the end.
    n_messages: int = 0

    def __add__(self, other: Result) -> Result:
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Result(**sums)

    @property
    def utilisation(self) -> float:
        return _ratio(self.talk_s + self.wrap_up_s, self.logged_s)

    @property
    def abandon_rate(self) -> float:
        return _ratio(self.n_abandoned, self.n_answered)

    def figures(self) -> Figures:
        """As people read them: utilisation and rate in percent; None: nobody was there to have it.

        `messages_per_h` is of shifts without agents, the other ones' minutes are of an agent's
        hour.
        """
        per_agent = self._of_agents() if self.logged_s else dict.fromkeys(OF_AGENTS)
        hours = self.lasted_s / 3600
        return {
            **per_agent,
            "abandon_rate": round(100 * self.abandon_rate, 2),
            "messages_per_h": None if self.logged_s else round(_ratio(self.n_messages, hours), 1),
            "placed": self.n_placed,
            "answered": self.n_answered,
            "connected": self.n_connected,
            "abandoned": self.n_abandoned,
            "hung_up": self.n_hung_up,
            "misjudged": self.n_misjudged,
            "skipped": self.n_skipped,
            "messages": self.n_messages,
        }

    def _of_agents(self) -> Figures:
        values = (
            100 * self.utilisation,
            60 * _ratio(self.talk_s, self.logged_s),
            3600 * _ratio(self.n_connected, self.logged_s),
            _ratio(self.idle_s, self.n_connected),
            60 * _ratio(self.preview_s, self.logged_s),
        )
        return {name: round(value, 2) for name, value in zip(OF_AGENTS, values, strict=True)}


def total(results: Iterable[Result]) -> Result:
    return sum(results, Result())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
