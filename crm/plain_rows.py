"""Rows that are as nearly all rows of lists are, read without the thorough validation.

That validation takes most of an import's time. The quick way takes a row only where the thorough
one finds nothing wrong, and makes the same contact of it; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crm.contact_in import MAX_POSTAL_CHARS
from crm.imports import IGNORED, VARIABLE, is_region, whole_region
from engine.core.contact import NewContact
from engine.core.destinations import refusal_of
from engine.core.hours import hours_class, hours_class_of_number
from engine.core.quick_phone import NumberFacts, quick_number
from engine.core.settings import DestinationSettings, is_zone

#: Well below what a contact may have: above it the thorough way counts.
MAX_CHARS: Final = 2000
MAX_CELL_CHARS: Final = 128
MAX_COLUMNS: Final = 40


class PlainRows:
    """Reads rows of one layout; `columns` as of `Layout`."""

    def __init__(
        self, columns: Sequence[str], default_country: str, open_to: DestinationSettings
    ) -> None:
        self._country, self._open_to = default_country, open_to
        self._n_columns = len(columns)
        self._is_plain = "phone" in columns and self._n_columns <= MAX_COLUMNS
        at = {column: i for i, column in enumerate(columns)}
        self._phone_at = at.pop("phone", 0)
        self._variables = [
            (name.removeprefix(VARIABLE), at.pop(name))
            for name in columns
            if name.startswith(VARIABLE)
        ]
        self._at = {name: i for name, i in at.items() if name != IGNORED}
        self._closed: dict[NumberFacts, bool] = {}

    def contact(self, row: Sequence[str]) -> NewContact | None:
        """The contact in this row of stripped cells; None: the thorough way is to judge it."""
        if not self._is_plain or not 0 < len(row) <= self._n_columns or not _is_plain(row):
            return None
        if len(row) < self._n_columns:
            row = [*row, *([""] * (self._n_columns - len(row)))]
        number = quick_number(row[self._phone_at], self._country)
        if number is None or self._is_closed(number[1]):
            return None
        fields = {name: row[i] for name, i in self._at.items() if row[i]}
        return self._made(*number, row, fields)

    def _made(
        self, phone: str, facts: NumberFacts, row: Sequence[str], fields: dict[str, str]
    ) -> NewContact | None:
        timezone, priority = fields.pop("timezone", None), fields.pop("priority", "500")
        region, code = fields.pop("region", None), fields.get("postal_code")
        url = fields.get("url", "https://")
        if fields.keys() - _TEXTS or not (_is_priority(priority) and url.startswith(_WEB)):
            return None
        if not (_is_zone(timezone) and _is_region(region) and _is_code(code)):
            return None
        region = whole_region(region, self._country) if region else None
        return NewContact(
            phone=phone,
            hours_class=hours_class(phone, timezone, region, (), code)
            if timezone
            else hours_class_of_number(phone, facts, region, code),
            timezone=timezone,
            region=region,
            priority=int(priority),
            variables={name: row[i] for name, i in self._variables if row[i]},
            name=fields.get("name", ""),
            external_id=fields.get("external_id"),
            person_key=fields.get("person_key"),
            source=fields.get("source"),
            url=fields.get("url"),
            postal_code=code,
        )

    def _is_closed(self, facts: NumberFacts) -> bool:
        found = self._closed.get(facts)
        if found is None:
            found = self._closed[facts] = refusal_of(facts, self._open_to) is not None
        return found


_TEXTS: Final = frozenset({"name", "external_id", "person_key", "source", "url", "postal_code"})
_WEB: Final = ("https://", "http://")


def _is_plain(row: Sequence[str]) -> bool:
    """Nothing that is too long for any field, and no control characters."""
    text = "".join(row)
    return text.isprintable() and len(text) <= MAX_CHARS and max(map(len, row)) <= MAX_CELL_CHARS


def _is_zone(text: str | None) -> bool:
    return text is None or is_zone(text)


def _is_region(text: str | None) -> bool:
    return text is None or is_region(text)


def _is_code(text: str | None) -> bool:
    return text is None or len(text) <= MAX_POSTAL_CHARS


def _is_priority(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= 1000
