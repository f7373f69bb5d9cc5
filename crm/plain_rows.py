"""Rows that are as nearly all rows of lists are, read without the thorough validation.

That validation takes most of an import's time. The quick way takes a row only where the thorough
one finds nothing wrong, and makes the same contact of it; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from crm.contact_in import MAX_POSTAL_CHARS
from crm.imports import IGNORED, VARIABLE
from engine.core.contact import DEFAULT_PRIORITY, NewContact
from engine.core.destinations import refusal_of
from engine.core.hours import hours_class, hours_class_of_number
from engine.core.quick_phone import NumberFacts, quick_number
from engine.core.settings import DestinationSettings, is_zone
from engine.core.state_names import region_written

#: Well below what a contact may have: above it the thorough way counts.
MAX_CHARS: Final = 2000
MAX_CELL_CHARS: Final = 128
MAX_COLUMNS: Final = 40


class _At(NamedTuple):
    """The cell that each field of a contact stands in; the last one, which is empty, for none."""

    phone: int = -1
    name: int = -1
    timezone: int = -1
    priority: int = -1
    external_id: int = -1
    person_key: int = -1
    source: int = -1
    url: int = -1
    region: int = -1
    postal_code: int = -1


class PlainRows:
    """Reads rows of one layout; `columns` as of `Layout`."""

    def __init__(
        self, columns: Sequence[str], default_country: str, open_to: DestinationSettings
    ) -> None:
        self._country, self._open_to = default_country, open_to
        self._n_columns = len(columns)
        self._variables = [
            (name.removeprefix(VARIABLE), i)
            for i, name in enumerate(columns)
            if name.startswith(VARIABLE)
        ]
        self._at = _At(**{name: i for i, name in enumerate(columns) if name in _At._fields})
        #: Further phones, and what only the thorough way knows: plain where these are empty.
        self._not_plain = [
            i
            for i, name in enumerate(columns)
            if name not in _At._fields and name != IGNORED and not name.startswith(VARIABLE)
        ]
        self._is_plain = "phone" in columns and self._n_columns <= MAX_COLUMNS
        self._closed: dict[NumberFacts, bool] = {}

    def contact(self, row: Sequence[str]) -> NewContact | None:
        """The contact in this row of stripped cells; None: the thorough way is to judge it."""
        n_missing = self._n_columns - len(row)
        if not self._is_plain or not row or n_missing < 0 or not _is_plain(row):
            return None
        cells = [*row, *[""] * (n_missing + 1)]
        if any([cells[i] for i in self._not_plain]):
            return None
        number = quick_number(cells[self._at.phone], self._country)
        if number is None or self._is_closed(number[1]):
            return None
        return self._made(*number, cells)

    def _made(self, phone: str, facts: NumberFacts, cells: Sequence[str]) -> NewContact | None:
        at = self._at
        zone, region, code = cells[at.timezone], cells[at.region], cells[at.postal_code]
        priority, url = cells[at.priority], cells[at.url]
        if (priority and not _is_priority(priority)) or (url and not url.startswith(_WEB)):
            return None
        state = region_written(region, facts.country) if region else None
        if (zone and not is_zone(zone)) or (region and state is None):
            return None
        if len(code) > MAX_POSTAL_CHARS:
            return None
        return NewContact(
            phone=phone,
            hours_class=hours_class(phone, zone, state, (), code)
            if zone
            else hours_class_of_number(phone, facts, state, code),
            name=cells[at.name],
            timezone=zone or None,
            priority=int(priority) if priority else DEFAULT_PRIORITY,
            external_id=cells[at.external_id] or None,
            source=cells[at.source] or None,
            url=url or None,
            variables={name: cells[i] for name, i in self._variables if cells[i]},
            person_key=cells[at.person_key] or None,
            region=state,
            postal_code=code or None,
        )

    def _is_closed(self, facts: NumberFacts) -> bool:
        found = self._closed.get(facts)
        if found is None:
            found = self._closed[facts] = refusal_of(facts, self._open_to) is not None
        return found


_WEB: Final = ("https://", "http://")


def _is_plain(row: Sequence[str]) -> bool:
    """Nothing that is too long for any field, and no control characters."""
    text = "".join(row)
    return text.isprintable() and len(text) <= MAX_CHARS and max(map(len, row)) <= MAX_CELL_CHARS


def _is_priority(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= 1000
