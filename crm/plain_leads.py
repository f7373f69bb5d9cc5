"""Leads as nearly all are, made contacts without the thorough validation, as rows of lists are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.contact_in import country_of, parse_contact
from crm.imports import VARIABLE
from crm.plain_rows import PlainRows
from engine.core.contact import NewContact
from engine.core.settings import DestinationSettings
from engine.core.state_names import region_named


class LeadReader:
    """Makes contacts of one campaign's leads; `source` is what they are marked with."""

    def __init__(self, source: str, default_country: str, open_to: DestinationSettings) -> None:
        self._source, self._country, self._open_to = source, default_country, open_to
        #: By the columns that a lead has: most leads of a CRM have the same.
        self._readers: dict[tuple[str, ...], PlainRows] = {}

    def contact(self, external_id: str, values: Mapping[str, Any]) -> NewContact:
        """Raises Invalid; its errors name the fields."""
        own = {"external_id": external_id, "source": self._source}
        if "region" in values:
            values = _with_known_region(values, self._country)
        return self._plain(own, values) or parse_contact(
            {**values, **own}, self._country, self._open_to
        )

    def _plain(self, own: Mapping[str, str], values: Mapping[str, Any]) -> NewContact | None:
        """None: the thorough way is to judge it."""
        flat = _flat(values)
        if flat is None:
            return None
        cells = {**flat, **own}
        columns = tuple(cells)
        reader = self._readers.get(columns)
        if reader is None:
            reader = PlainRows(columns, self._country, self._open_to)
            self._readers[columns] = reader
        return reader.contact([text.strip() for text in cells.values()])


def _with_known_region(values: Mapping[str, Any], default_country: str) -> Mapping[str, Any]:
    """A state that nobody knows is left out: what people type into an address must cost no call."""
    others = {name: value for name, value in values.items() if name != "region"}
    phones = values.get("phones") or [values.get("phone")]
    country = country_of([str(phone) for phone in phones], default_country)
    region = region_named(str(values["region"]), country)
    return {**others, "region": region} if region else others


def _flat(values: Mapping[str, Any]) -> dict[str, str] | None:
    """Texts by their column; None where one is not that simple."""
    flat = dict(values)
    variables = flat.pop("variables", None) or {}
    phones = flat.pop("phones", None)
    if phones is not None:
        if len(phones) != 1 or "phone" in flat:
            return None
        flat["phone"] = phones[0]
    flat |= {f"{VARIABLE}{name}": text for name, text in variables.items()}
    return flat if all(isinstance(text, str) for text in flat.values()) else None
