"""A shift without agents: whoever answers hears a message."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.pacing import Kind
from engine.core.simulation.shift import Agent, Shift


@dataclass(slots=True)
class UnattendedShift(Shift):
    """Lines and calls per second are all that bounds it."""

    n_playing: int = 0

    def _team(self) -> list[Agent]:
        return []

    def _lines(self) -> int:
        return Shift._lines(self) + self.n_playing

    def _reached(self, _call: int) -> None:
        scenario = self.scenario
        if scenario.patience_s:
            listens_s = self.dice.expovariate(1 / scenario.patience_s)
            if listens_s < scenario.message_s:
                self._play(listens_s, "n_hung_up")
                return
        self._play(scenario.message_s, "n_messages")

    def _machine_answers(self, call: int) -> None:
        """Without machine detection nobody can tell, and the machine hears it all."""
        if self.scenario.amd_s:
            Shift._machine_answers(self, call)
            return
        self._resolved(self.ringing.pop(call), Kind.PERSON)
        self._play(self.scenario.message_s, None)

    def _play(self, seconds: float, counter: str | None) -> None:
        self.n_playing += 1
        self._at(self.now + seconds, lambda: self._played(counter))

    def _played(self, counter: str | None) -> None:
        self.n_playing -= 1
        if counter:
            setattr(self.result, counter, getattr(self.result, counter) + 1)
