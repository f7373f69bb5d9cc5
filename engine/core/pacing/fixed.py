"""Rules without foresight: one call per available agent, or a fixed number of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.core.pacing.explained import Explained
from engine.core.pacing.snapshot import Snapshot


class Progressive:
    """One call per available agent, less those in flight: nobody can be abandoned by design."""

    def decide(self, snapshot: Snapshot) -> int:
        return clip(snapshot.idle - snapshot.in_flight, snapshot.room)


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
        wanted = math.floor(self.dial_level * snapshot.idle) - snapshot.in_flight
        allowed = Progressive().decide(snapshot)
        for extra in range(max(0, allowed), max(0, wanted)):
            if not self._could_afford(snapshot, extra + 1):
                break
            allowed = extra + 1
        return clip(allowed, snapshot.room)

    def explain(self, snapshot: Snapshot, n: int) -> Explained:
        """Whether the next call beyond one for each agent could be afforded, once n have left."""
        next_one = max(n, snapshot.idle - snapshot.in_flight) + 1
        closed_by = self._closed_by(snapshot, next_one)
        if closed_by is None:
            return Explained("ratio")
        spent = any(each.abandoned for each in snapshot.tallies if each.name == closed_by)
        return Explained("limit_reached" if spent else "warming_up", period=closed_by)

    def _could_afford(self, snapshot: Snapshot, n: int) -> bool:
        return self._closed_by(snapshot, n) is None

    def _closed_by(self, snapshot: Snapshot, n: int) -> str | None:
        """The first period that could not bear n more calls."""
        beyond = max(0, snapshot.in_flight + n - snapshot.idle)
        # Held people may be among the answered already: only the others can still be added.
        new_answers = min(beyond, snapshot.ringing + snapshot.amd + n)
        worst = beyond + snapshot.at_risk_elsewhere
        for each in snapshot.tallies:
            if each.abandoned + worst > self.max_abandon_rate * (each.answered + new_answers):
                return each.name
        return None


def clip(n: int, room: int) -> int:
    return max(0, min(n, room))
