"""How often people answer calls of each class, compared with one another.

What is remembered: calls and answers of each class, for as many lists as are told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.core.pacing.classes import CallClass

#: Calls remembered of each class, or those of so many seconds where that is more.
WINDOW, WINDOW_S = 2000.0, 900.0
#: So many lists are told apart, the most dialled ones; the others are one.
N_LISTS, OTHER_LISTS = 6, -1
#: Lists that were not dialled lately lose their place: what is left of their calls each time.
FADES = 0.98


@dataclass(slots=True)
class Cell:
    """Calls of one class, and those of them that people answered."""

    calls: float = 0.0
    persons: float = 0.0

    def add(self, window: float, *, is_person: bool) -> None:
        keep = 1 - 1 / window
        self.calls = self.calls * keep + 1
        self.persons = self.persons * keep + is_person

    def join(self, other: Cell) -> None:
        self.calls += other.calls
        self.persons += other.persons


Cells = Mapping[CallClass, Cell]


@dataclass(slots=True)
class Shares:
    cells: dict[CallClass, Cell] = field(default_factory=dict)
    #: Calls by list, lately.
    _dialled: dict[int, float] = field(default_factory=dict)
    _apart: frozenset[int] = frozenset({OTHER_LISTS})

    def add(self, of: CallClass, per_s: float, *, is_person: bool) -> None:
        """`per_s`: calls that end in a second."""
        self._count(of.list_id, 1)
        cell = self.cells.setdefault(self.known(of), Cell())
        cell.add(max(WINDOW, WINDOW_S * per_s), is_person=is_person)

    def known(self, of: CallClass) -> CallClass:
        """As it is told apart; a new list is, while there is a place for it."""
        if len(self._apart) <= N_LISTS:
            self._apart |= {of.list_id}
        return of if of.list_id in self._apart else of._replace(list_id=OTHER_LISTS)

    def load(self, cells: Cells) -> None:
        for of, cell in cells.items():
            self._count(of.list_id, cell.calls)
            self.cells.setdefault(self.known(of), Cell()).join(cell)

    def choose_lists(self) -> None:
        """The most dialled lately; one that loses its place joins the others."""
        if len(self._dialled) <= N_LISTS:
            return
        faded = sorted(((n * FADES, each) for each, n in self._dialled.items()), reverse=True)
        chosen = frozenset({each for _, each in faded[:N_LISTS]} | {OTHER_LISTS})
        lost, self._apart = self._apart - chosen, chosen
        self._dialled = {each: n for n, each in faded if n >= 1}
        self._pool([of for of in self.cells if of.list_id in lost])

    def _count(self, list_id: int, calls: float) -> None:
        if list_id != OTHER_LISTS:
            self._dialled[list_id] = self._dialled.get(list_id, 0.0) + calls

    def _pool(self, lost: Iterable[CallClass]) -> None:
        for of in lost:
            cell = self.cells.pop(of)
            self.cells.setdefault(of._replace(list_id=OTHER_LISTS), Cell()).join(cell)
