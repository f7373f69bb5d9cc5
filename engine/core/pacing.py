"""How many calls to place now: pure rules over a snapshot.

The snapshot has the shape that a pacing simulator can fill as well, so the same object decides in
the engine and in a simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from engine.core.settings import PacingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the pacing rule sees of one campaign at one instant."""

    #: Agents who could take a call now.
    idle: int
    #: Answered people who wait for an agent.
    held: int
    #: Calls placed and not answered yet, claimed ones included.
    ringing: int
    #: Answered calls that are being judged by answering machine detection.
    amd: int
    #: Totals of the campaign so far: answered by a person, and of these abandoned.
    answered: int
    abandoned: int
    #: Calls that trunk channels and calls per second still allow.
    room: int


class Pacing(Protocol):
    def decide(self, snapshot: Snapshot) -> int:
        """Calls to place now, 0 or more, never more than `snapshot.room`."""
        ...


class Progressive:
    """One call per available agent, less those in flight: nobody can be abandoned by design."""

    def decide(self, snapshot: Snapshot) -> int:
        return _clip(snapshot.idle - _in_flight(snapshot), snapshot.room)


@dataclass(frozen=True, slots=True)
class Power:
    """`dial_level` calls per available agent, one while the abandon rate is at its limit.

    The gate asks what happens when people answer every call in flight and only the idle agents
    serve them: the rate must be within the limit even then. Fewer answers leave fewer people
    unserved, and those who are served are not even counted in its favour.
    """

    dial_level: float
    max_abandon_rate: float

    def decide(self, snapshot: Snapshot) -> int:
        wanted = math.floor(self.dial_level * snapshot.idle) - _in_flight(snapshot)
        allowed = Progressive().decide(snapshot)
        for extra in range(max(0, allowed), max(0, wanted)):
            if not self._could_afford(snapshot, extra + 1):
                break
            allowed = extra + 1
        return _clip(allowed, snapshot.room)

    def _could_afford(self, snapshot: Snapshot, n: int) -> bool:
        beyond = max(0, _in_flight(snapshot) + n - snapshot.idle)
        # Held people may be among the answered already: only the others can still be added.
        new_answers = min(beyond, snapshot.ringing + snapshot.amd + n)
        worst = snapshot.abandoned + beyond
        return worst <= self.max_abandon_rate * (snapshot.answered + new_answers)


def pacing_of(settings: PacingSettings) -> Pacing:
    """The rule that a campaign's settings name."""
    if settings.mode == "power":
        return Power(settings.dial_level, settings.max_abandon_rate)
    return Progressive()


def _in_flight(snapshot: Snapshot) -> int:
    return snapshot.ringing + snapshot.amd + snapshot.held


def _clip(n: int, room: int) -> int:
    return max(0, min(n, room))
