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
    #: The same, by place in the scenario's `mixed_lists`.
    n_of_list: list[int] = field(init=False)
    _due: list[tuple[float, int, Contact]] = field(default_factory=list)
    _ids: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.n_of_list = [0] * len(self.scenario.mixed_lists)

    def next(self, now_s: float) -> Contact | None:
        """None: nobody can be called now."""
        if self._due and self._due[0][0] <= now_s:
            return heapq.heappop(self._due)[2]
        if self.n_called == self.scenario.contacts:
            return None
        self.n_called += 1
        return Contact(self._next_list(now_s))

    def _next_list(self, now_s: float) -> int:
        """Of lists side by side the one that is furthest behind its weight."""
        mixed, n = self.scenario.mixed_lists, self.n_of_list
        if not mixed:
            return self.scenario.list_at(now_s)
        found = min(range(len(mixed)), key=lambda each: (n[each] + 1) / mixed[each][1])
        n[found] += 1
        return found

    def unreached(self, contact: Contact, now_s: float) -> None:
        """Called again later, if that was not the last attempt."""
        if contact.number < len(self.scenario.attempt_rates):
            self._again(
                Contact(contact.list_id, contact.number + 1), now_s + self.scenario.redial_s
            )

    def skipped(self, contact: Contact, now_s: float) -> None:
        """Offered again later; it was not dialled."""
        self._again(contact, now_s + self.scenario.redial_s)

    def put_back(self, contact: Contact, now_s: float) -> None:
        """The next one."""
        self._again(contact, now_s)

    def _again(self, contact: Contact, at_s: float) -> None:
        heapq.heappush(self._due, (at_s, next(self._ids), contact))

    @property
    def contacts_left(self) -> int | None:
        """None: there is no end of them."""
        if self.scenario.contacts is None:
            return None
        return self.scenario.contacts - self.n_called + len(self._due)
