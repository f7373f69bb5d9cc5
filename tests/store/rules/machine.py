"""The steps in any order, as hypothesis draws them or a seeded walk does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.core.outcome import Outcome

from .books import Side, Step
from .drain import drain
from .engine import Engine
from .world import ROWS

ENDS = [Outcome.NO_ANSWER] * 4 + [
    Outcome.BUSY, Outcome.BUSY, Outcome.ANSWERED, Outcome.ANSWERED, Outcome.INVALID_NUMBER,
    Outcome.INVALID_NUMBER, Outcome.REJECTED, Outcome.UNKNOWN, Outcome.FAILED, Outcome.ABANDONED,
]  # fmt: skip
LATE = [Outcome.BUSY, Outcome.REJECTED, Outcome.NO_ANSWER, Outcome.INVALID_NUMBER]
CODES = ["done", "again", "again", "free", "other", "later", "at", "mine", "never", None, "past"]
HOUR = 3600
#: What each argument of a step may be.
DRAWN: dict[str, list[Any]] = {
    "side": [0, 0, 1],
    "pick": list(range(61)),
    "n": list(range(1, ROWS + 1)),
    "dies": ["", "", "", "", "claimed", "reserved", "sent"],
    "outcome": ENDS,
    "late": LATE,
    "fault": [False, True],
    "releases": [True, True, False],
    "after_s": list(range(61)),
    "code": CODES,
    "hours": list(range(1, 101)),
    "cap": list(range(1, 6)),
    "hard": list(range(1, 8)),
    "active": [True, True, False],
    "prefix": [False, False, True],
    "scope": [0, 1, 2],
    "again": [False, True],
    "killed": [False, False, True],
    "seconds": [1, 10, 30, 60, 240, 299, 300, 599, 600, 900, HOUR, 3 * HOUR, 18 * HOUR],
    "back_s": [1, 60, 300],
}


def drawn(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.sampled_from(DRAWN[name]) for name in names}


class RulesMachine(RuleBasedStateMachine):
    """Picks campaigns, steps and calls by number; `Engine` does and judges."""

    url = ""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.world: Engine = self.run(Engine.begin(self.url))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.run(drain(self.world))
                self.everything_has_a_reason()
            finally:
                self.run(self.world.store.close())
                self.runner.close()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(step)

    def _steps(self, *, reserved: bool) -> list[tuple[Side, Step]]:
        sides = self.world.sides
        return [(side, s) for side in sides for s in side.steps if s.reserved == reserved]

    def _has(self, outcome: Outcome) -> bool:
        return any(dial.outcome is outcome for dial in self.world.books.calls)

    # ----------------------------------------------------------------------------- engines

    @rule(**drawn("side", "n"))
    def claim(self, side: int, n: int) -> None:
        self.run(self.world.claim(self.world.sides[side], n))

    @rule(**drawn("side", "n", "dies"))
    def place(self, side: int, n: int, dies: str) -> None:
        self.run(self.world.place(self.world.sides[side], n, dies))

    @rule(**drawn("side", "n", "outcome"))
    def place_and_end(self, side: int, n: int, outcome: Outcome) -> None:
        self.run(self.world.place(self.world.sides[side], n, ""))
        self.world.now += timedelta(seconds=20)
        for dial in self.world.books.live():
            self.run(self.world.end(dial, outcome))

    @precondition(lambda self: self._steps(reserved=False))
    @rule(**drawn("pick"))
    def reserve(self, pick: int) -> None:
        waiting = self._steps(reserved=False)
        self.run(self.world.reserve(*waiting[pick % len(waiting)]))

    @precondition(lambda self: self._steps(reserved=True))
    @rule(**drawn("pick"))
    def send(self, pick: int) -> None:
        waiting = self._steps(reserved=True)
        self.run(self.world.send(*waiting[pick % len(waiting)]))

    @precondition(lambda self: self.world.books.live())
    @rule(**drawn("pick", "outcome", "fault", "releases", "after_s"))
    def end(self, pick: int, outcome: Outcome, fault: bool, releases: bool, after_s: int) -> None:
        live = self.world.books.live()
        self.world.now += timedelta(seconds=after_s)
        fault = fault and outcome is Outcome.FAILED
        ending = self.world.end(live[pick % len(live)], outcome, fault=fault, releases=releases)
        self.run(ending)

    @precondition(lambda self: self._has(Outcome.ANSWERED))
    @rule(**drawn("pick", "code", "hours"))
    def dispose(self, pick: int, code: str | None, hours: int) -> None:
        had = [d for d in self.world.books.calls if d.outcome is Outcome.ANSWERED]
        self.run(self.world.dispose(had[-1 - pick % min(3, len(had))], code, hours))

    @precondition(lambda self: self._has(Outcome.UNKNOWN))
    @rule(**drawn("pick", "late"))
    def become_known(self, pick: int, late: Outcome) -> None:
        had = [d for d in self.world.books.calls if d.outcome is Outcome.UNKNOWN]
        self.run(self.world.late(had[pick % len(had)], late))

    @rule(**drawn("side"))
    def crash(self, side: int) -> None:
        self.run(self.world.crash(self.world.sides[side]))

    @rule(**drawn("side"))
    def reap(self, side: int) -> None:
        self.run(self.world.reap(self.world.sides[side]))

    @rule(**drawn("side"))
    def complete(self, side: int) -> None:
        self.run(self.world.complete(self.world.sides[side]))

    # ------------------------------------------------------------------------------ people

    @rule(**drawn("side", "cap", "hard"))
    def edit_caps(self, side: int, cap: int, hard: int) -> None:
        if not self.world.sides[side].done:
            self.run(self.world.edit_caps(self.world.sides[side], cap, hard))

    @rule(**drawn("side", "pick"))
    def withdraw(self, side: int, pick: int) -> None:
        this = self.world.sides[side]
        if pick % 9 == 0:
            self.run(self.world.withdraw(this, 1 + pick % len(this.contacts)))

    @rule(**drawn("side", "pick", "active"))
    def set_active(self, side: int, pick: int, active: bool) -> None:
        this = self.world.sides[side]
        self.run(self.world.set_active(this, 1 + pick % len(this.contacts), active=active))

    @rule(**drawn("pick", "prefix", "scope"))
    def forbid(self, pick: int, prefix: bool, scope: int) -> None:
        what = self._phone(pick)[: 11 if prefix else None]
        self.run(self.world.forbid(what, self._scope(scope), prefix=prefix))

    @rule(**drawn("pick", "prefix", "scope"))
    def free(self, pick: int, prefix: bool, scope: int) -> None:
        what = self._phone(pick)[: 11 if prefix else None]
        self.run(self.world.free(what, self._scope(scope), prefix=prefix))

    @rule(**drawn("side"))
    def pause_or_play(self, side: int) -> None:
        if not self.world.sides[side].done:
            self.run(self.world.pause_or_play(self.world.sides[side]))

    @rule(**drawn("side", "n", "again"))
    def upload(self, side: int, n: int, again: bool) -> None:
        if not self.world.sides[side].done:
            self.run(self.world.upload(self.world.sides[side], n, again=again))

    @precondition(lambda self: any(side.imports for side in self.world.sides))
    @rule(**drawn("killed"))
    def read_list(self, killed: bool) -> None:
        side = next(side for side in self.world.sides if side.imports)
        self.run(self.world.read_list(side, dies=killed))

    @rule(**drawn("seconds"))
    def wait(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(**drawn("back_s"))
    def jump_back(self, back_s: int) -> None:
        self.world.now -= timedelta(seconds=back_s)

    @precondition(lambda self: self.world.now.hour < 15)
    @rule()
    def morning(self) -> None:
        self.world.now = self.world.now.replace(hour=16, minute=0)

    @invariant()
    def everything_has_a_reason(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.judge())

    def _phone(self, pick: int) -> str:
        contacts = [each for side in self.world.sides for each in side.contacts.values()]
        phones = [phone for each in contacts for phone in (each.phone, *each.phones)]
        return phones[pick % len(phones)]

    def _scope(self, scope: int) -> str:
        """The list for all campaigns, or that of one."""
        return f"c{self.world.sides[scope - 1].id}" if scope else ""
