"""Reads calling lists from CSV: which columns there are, and a contact from each row. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.contact_in import ANYWHERE, MAX_REGION_CHARS, country_of, parse_contact
from crm.latin import slug
from crm.phone_column import is_phone, phone_columns
from engine.core.contact import NewContact
from engine.core.errors import Invalid
from engine.core.settings import DestinationSettings
from engine.core.state_names import region_written

PHONE_NAMES = (
    "phone", "number", "telephone", "tel", "mobile", "cell", "msisdn", "phone_number",
    "phonenumber", "phone_no", "telephone_number", "mobile_number", "mobile_phone", "cell_phone",
    "contact_number", "home_phone", "work_phone", "phones", "numbers", "phone_numbers",
    "cellphone", "cell_number", "cellular", "mobilephone", "mobile_no", "tel_no", "landline",
    "contact_phone", "customer_phone", "business_phone", "main_phone", "primary_phone",
    # German, Dutch, Scandinavian, and whoever else says it so
    "telefon", "telefonnummer", "telefon_nummer", "telefonnr", "telefon_nr", "telnr", "tel_nr",
    "rufnummer", "rufnr", "handy", "handynummer", "handynr", "mobil", "mobilnummer", "mobiltelefon",
    "mobilfunknummer", "festnetz", "festnetznummer", "telefoon", "telefoonnummer", "mobiel", "gsm",
    # French, Spanish, Portuguese, Italian
    "numero_de_telephone", "numero_telephone", "portable", "telephone_portable",
    "telefono", "numero_de_telefono", "numero_telefono", "movil", "telefono_movil", "celular",
    "telefone", "numero_de_telefone", "telemovel", "cellulare", "numero_di_telefono",
    # Polish, Czech, Russian, Greek
    "numer_telefonu", "telefon_komorkowy", "komorka", "telefonni_cislo", "nomer_telefona",
    "tilefono", "kinito",
)  # fmt: skip
_OTHER_NAMES = {
    "name": ("name", "full_name", "fullname", "contact_name", "customer_name"),
    "timezone": ("timezone", "time_zone", "tz"),
    "priority": ("priority",),
    "external_id": ("external_id", "externalid"),
    "person_key": ("person_key", "person_id"),
    "region": ("region", "state"),
    "postal_code": (
        "postal_code", "postalcode", "post_code", "postcode", "zip", "zip_code", "zipcode",
        "zip_postal_code", "mailing_zip", "plz", "postleitzahl", "cp", "code_postal",
        "codigo_postal", "cep", "pincode",
    ),
    "source": ("source",),
    "url": ("url",),
}  # fmt: skip
_FIELD_OF = {name: "phone" for name in PHONE_NAMES} | {
    name: field for field, names in _OTHER_NAMES.items() for name in names
}
#: `phone_2`, `mobile3`: another phone of the same contact.
_NUMBERED_PHONE = re.compile(rf"(?:{'|'.join(PHONE_NAMES)})_?\d{{1,2}}")
VARIABLE = "variables."
PHONES = "phones."
#: A column that is left out.
IGNORED = "-"
FIELDS = ("phone", *_OTHER_NAMES)


class BadFile(Invalid):
    """The file cannot be read as a calling list."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What each column means: a field of a contact, or `variables.<name>`."""

    delimiter: str
    columns: tuple[str, ...]
    has_header: bool


def layout_of(first: Sequence[str], delimiter: str, default_country: str | None = None) -> Layout:
    """The layout that the file's first row shows, be it a header or a contact already.

    Raises BadFile where no column can be the phone number, or where several can.
    """
    slugs = list(map(slug, first))
    if any(map(_names_phone, slugs)) and not any(is_phone(cell, default_country) for cell in first):
        return Layout(delimiter, _by_header(slugs), has_header=True)
    places = phone_columns(first, default_country)
    if not places:
        raise BadFile(_no_phone(first))
    if len(places) > 1:
        raise BadFile(_several_phones(first, places))
    return Layout(delimiter, _by_position(first, places[0]), has_header=False)


def contact_of(
    row: Sequence[str],
    layout: Layout,
    default_country: str,
    open_to: DestinationSettings = ANYWHERE,
) -> NewContact:
    """The contact in this row. Raises Invalid with the reasons."""
    extra = [cell for cell in row[len(layout.columns) :] if cell]
    if extra:
        raise Invalid(f"has more cells than the first row, which has {len(layout.columns)}")
    fields: dict[str, str] = {}
    phones: list[str] = []
    variables: dict[str, str] = {}
    for column, cell in zip(layout.columns, row, strict=False):
        if not cell or column == IGNORED:
            continue
        if column.startswith(VARIABLE):
            variables[column.removeprefix(VARIABLE)] = cell
        elif column.startswith(PHONES):
            phones.append(cell)
        else:
            fields[column] = cell
    if "region" in fields and not _is_region(fields, phones, default_country):
        variables["region"] = fields.pop("region")  # tells people, and no rule
    more = {"variables": variables, **({"phones": phones} if phones else {})}
    return parse_contact(fields | more, default_country, open_to)


def _is_region(fields: Mapping[str, str], phones: Sequence[str], default_country: str) -> bool:
    """It names a state of the country that the number is in."""
    given = [fields["phone"], *phones] if "phone" in fields else phones
    name, country = fields["region"], country_of(given, default_country)
    return len(name) <= MAX_REGION_CHARS and region_written(name, country) is not None


def reason_of(error: Invalid) -> str:
    """All that is wrong with a row, on one line."""
    return "; ".join(f"{e.field} {e.message}" for e in error.errors) or error.message


def variables_of(first: Sequence[str]) -> tuple[str, ...]:
    """For each column the name that it has as a variable, by what the first row calls it."""
    columns: list[str] = []
    for index, cell in enumerate(first):
        columns.append(_free_variable(slug(cell) or f"column_{index + 1}", columns))
    return tuple(columns)


def _by_header(slugs: Sequence[str]) -> tuple[str, ...]:
    columns: list[str] = []
    for index, name in enumerate(slugs):
        field = _FIELD_OF.get(name)
        if (field == "phone" and field in columns) or _NUMBERED_PHONE.fullmatch(name):
            field = f"{PHONES}{index + 1}"
        if field is None or field in columns:
            field = _free_variable(name or f"column_{index + 1}", columns)
        columns.append(field)
    return tuple(columns)


def _by_position(first: Sequence[str], phone_at: int) -> tuple[str, ...]:
    """Without a header: the phone; of the other columns an address is the url, the first of the
    rest the name, and the next one the source."""
    columns = [f"{VARIABLE}column_{index + 1}" for index in range(len(first))]
    columns[phone_at] = "phone"
    others = [index for index in range(len(first)) if index != phone_at]
    urls = [index for index in others if first[index].startswith(("http://", "https://"))]
    names = iter(("name", "source"))
    for index in others:
        if urls and index == urls[0]:
            columns[index] = "url"
        elif index not in urls:
            columns[index] = next(names, columns[index])
    return tuple(columns)


def _free_variable(wanted: str, taken: Sequence[str]) -> str:
    name, n = f"{VARIABLE}{wanted[:60]}", 2
    while name in taken:
        name, n = f"{VARIABLE}{wanted[:60]}_{n}", n + 1
    return name


def _names_phone(name: str) -> bool:
    return name in PHONE_NAMES or _NUMBERED_PHONE.fullmatch(name) is not None


def _several_phones(first: Sequence[str], places: Sequence[int]) -> str:
    found = ", ".join(f"{place + 1} ({first[place][:40]!r})" for place in places)
    return (
        f"Several columns may be the phone number: {found}. Choose what each column is, or name "
        "the columns in the first row."
    )


def _no_phone(first: Sequence[str]) -> str:
    found = ", ".join(repr(cell[:40]) for cell in first[:20])
    return (
        f"No column with phone numbers was found. The first row has: {found}. "
        f"Needed is a column named phone (or {', '.join(PHONE_NAMES[1:6])}, …); others may be "
        f"named {', '.join(_OTHER_NAMES)}, and any more become variables."
    )
