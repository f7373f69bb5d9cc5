"""A shift in which agents see each contact before it is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain

from engine.core.simulation.calling import Contact
from engine.core.simulation.scenario import gamma
from engine.core.simulation.shift import Agent, Shift


@dataclass(slots=True)
class PreviewedShift(Shift):
    """An agent looks at a contact, passes on it or has it called, and is kept for that call.

    A call needs a line when it is made, not when its contact is shown.
    """

    #: By a number that names nothing else.
    offers: dict[int, tuple[Agent, Contact]] = field(default_factory=dict)
    #: By their calls.
    reserved: dict[int, Agent] = field(default_factory=dict)
    #: They want a call for which there is no line yet.
    without_line: list[tuple[Agent, Contact]] = field(default_factory=list)

    def _act(self, n: int) -> None:
        self._call_for_waiting()
        for _ in range(n):
            contact = self.calling.next(self.now)
            if contact is None or not self.idle:
                return
            self._offer(self.idle.pop(0), contact)

    def _offer(self, agent: Agent, contact: Contact) -> None:
        self._end_idling(agent)
        offer, scenario = next(self._ids), self.scenario
        self.offers[offer] = agent, contact
        look_s = gamma(self.dice, scenario.preview_s, scenario.preview_cv)
        skips = self.dice.random() < scenario.skip_share
        self._at(self.now + look_s, lambda: self._decided(offer, skips=skips))

    def _decided(self, offer: int, *, skips: bool) -> None:
        """Nothing to decide any more where the offer was taken back meanwhile."""
        found = self.offers.pop(offer, None)
        if found is None:
            return
        agent, contact = found
        agent.idle_since = self.now
        if skips:
            self.result.n_skipped += 1
            self.calling.skipped(contact, self.now)
            self._free(agent)
        else:
            self.without_line.append(found)
            self._call_for_waiting()

    def _call_for_waiting(self) -> None:
        while self.without_line and self._room():
            agent, contact = self.without_line.pop(0)
            self.tokens -= 1
            self.reserved[self._place(contact)] = agent

    # ------------------------------------------------------------------------------- ends

    def _reached(self, call: int) -> None:
        self._talk(self.reserved.pop(call))

    def _unserved(self, call: int) -> None:
        agent = self.reserved.pop(call)
        self._end_idling(agent)
        if agent.wants_pause_s is None:
            self._free(agent)
        else:
            self._pause(agent, agent.wants_pause_s)

    def _want_pause(self, agent: Agent, pause_s: float) -> None:
        """A pause takes an offer back; a call that was made is waited for."""
        for offer, (each, contact) in self.offers.items():
            if each is agent:
                del self.offers[offer]
                self.calling.put_back(contact, self.now)
                self._pause(agent, pause_s)
                return
        for found in self.without_line:
            if found[0] is agent:
                self.without_line.remove(found)
                self.calling.put_back(found[1], self.now)
                self._end_idling(agent)
                self._pause(agent, pause_s)
                return
        Shift._want_pause(self, agent, pause_s)

    # ------------------------------------------------------------------------------- time

    def _advance(self, at: float) -> None:
        seconds, n_looking = at - self.now, len(self.offers)
        self.result.preview_s += seconds * n_looking
        n_here = n_looking + len(self.reserved) + len(self.without_line)
        self.result.logged_s += seconds * n_here
        Shift._advance(self, at)

    def _unoccupied(self) -> Iterable[Agent]:
        return chain(self.idle, self.reserved.values(), (agent for agent, _ in self.without_line))
