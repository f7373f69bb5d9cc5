"""Whom a simulated campaign calls next: due redials first, then new contacts, list by list."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count

from engine.core.simulation.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Contact:
    list_id: int = 0
    #: 1 for the first dial.
    number: int = 1


@dataclass(slots=True)
class Calling:
    scenario: Scenario
    #: New contacts that were called.
    n_called: int = 0
    _due: list[tuple[float, int, Contact]] = field(default_factory=list)
    _ids: count[int] = field(default_factory=count)

    def next(self, now_s: float) -> Contact | None:
        """None: nobody can be called now."""
        if self._due and self._due[0][0] <= now_s:
            return heapq.heappop(self._due)[2]
        if self.n_called == self.scenario.contacts:
            return None
        self.n_called += 1
        return Contact(self.scenario.list_at(now_s))

    def unreached(self, contact: Contact, now_s: float) -> None:
        """Called again later, if that was not the last attempt."""
        if contact.number < len(self.scenario.attempt_rates):
            again = Contact(contact.list_id, contact.number + 1)
            heapq.heappush(self._due, (now_s + self.scenario.redial_s, next(self._ids), again))

    @property
    def contacts_left(self) -> int | None:
        """None: there is no end of them."""
        if self.scenario.contacts is None:
            return None
        return self.scenario.contacts - self.n_called + len(self._due)
