"""Our pacing rules as plug-ins of the shared simulator, which knows nothing of this project.

    python ../shared/pacing/sim.py --policy bench.parts.sim_policy:SimPolicy --agents 20 --json

The end of a shift is not in that simulator's snapshot: an object made without arguments takes it
to be `DIALER_SIM_SHIFT_S` seconds after the start, four hours where that is not set, as the
simulator's own example does; 0 stands for a period without an end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from engine.core.pacing import Knowledge, Pacing, Predictive, Progressive, Seen, Snapshot
from engine.core.pacing.snapshot import Ages, Kind

SHIFT_S = 4 * 3600.0
#: Kinds of rows that the simulator writes.
RESOLVED, TALK, WRAP_UP = 1, 2, 3


class SimPolicy:
    """One rule; made anew for each shift, with the knowledge given."""

    def __init__(
        self,
        *,
        shift_s: float | None = None,
        max_abandon_rate: float = 0.03,
        hold_s: float = 2.0,
        knowledge: Knowledge | None = None,
    ) -> None:
        self.shift_s = _shift_s() if shift_s is None else shift_s
        self._max_abandon_rate, self._hold_s = max_abandon_rate, hold_s
        self.taught = knowledge
        self._before = (0, 0)
        self.reset()

    def go_on(self, earlier: SimPolicy, *, answered: int, abandoned: int) -> None:
        """As a campaign that is resumed: with what was learned, and with its totals so far."""
        self.taught = earlier.knowledge()
        self._before = (answered, abandoned)

    def knowledge(self) -> Knowledge | None:
        return self.rule.knowledge() if isinstance(self.rule, Predictive) else None

    def reset(self) -> None:
        self.rule: Pacing = Predictive(
            self._max_abandon_rate, hold_s=self._hold_s, knowledge=self.taught
        )
        self._logged: int | None = None

    def decide(self, sim: Any) -> int:
        return self.rule.decide(self.snapshot(sim))

    def snapshot(self, sim: Any) -> Snapshot:
        return Snapshot(
            idle=sim["idle"],
            held=sim["held"],
            ringing=len(sim["ring_ages"]),
            # People are not judged there: whoever is, is a machine.
            amd=0,
            answered=sim["answered"] + self._before[0],
            abandoned=sim["abandoned"] + self._before[1],
            room=sim["room"],
            now_s=float(sim["t"]),
            ringing_ages=_ages(sim["ring_ages"]),
            talk_ages=_ages(sim["talk_ages"]),
            wrap_up_ages=_ages(sim["wrap_ages"]),
            ends_in_s=max(0.0, self.shift_s - float(sim["t"])) if self.shift_s else None,
            seen=[*_seen(sim["events"].tolist()), *self._left(sim["logged"])],
        )

    def _left(self, logged: int) -> list[Seen]:
        before, self._logged = self._logged, logged
        return [Seen(Kind.LEFT)] * max(0, (before or logged) - logged)


class SimProgressive(SimPolicy):
    """One call per agent."""

    def reset(self) -> None:
        super().reset()
        self.rule = Progressive()


def _ages(seconds: Any) -> Ages:
    return Counter(seconds.astype(int).tolist())


def _seen(rows: Iterable[tuple[float, float, float, float]]) -> list[Seen]:
    seen = []
    for kind, a, b, _ in rows:
        if kind == RESOLVED:
            seen.append(Seen(Kind.NO_PERSON if a else Kind.PERSON, b))
        elif kind in (TALK, WRAP_UP):
            seen.append(Seen(Kind.TALK if kind == TALK else Kind.WRAP_UP, a))
    return seen


def _shift_s() -> float:
    return float(os.environ.get("DIALER_SIM_SHIFT_S", SHIFT_S))
