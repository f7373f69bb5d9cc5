"""A contact's texts in one: fields t, t1, t2, … of its hash, at most 64 bytes each.

Every field of a hash costs the server twice, once in memory and once in the append-only file; an
import of texts that have a field each takes a quarter longer. The text is a line for each: the
name of the field and its value as JSON, in which no line ends. Who the contact is stands first (nm
name, x external id, pk person), and an empty line ends that part, so that a claim reads no
further. The others: so source, u url, rg region, pc postal code, v variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from json.encoder import encode_basestring as quoted
from typing import Any, Final

from engine.core.contact import NewContact
from engine.store import codec

FIELD: Final = "t"
_LINE: Final = re.compile(r"([a-z]+)(.+)")
_END_OF_HEAD: Final = "\n\n"


def fields_of(contact: NewContact) -> dict[str, str]:
    """Fields and values; none for a contact without any text."""
    text = _text_of(contact)
    return codec.split(FIELD, text) if text else {}


def texts_in(fields: Mapping[str, str]) -> dict[str, Any]:
    """By name; those that the contact does not have are left out."""
    return {line[1]: codec.from_json(line[2]) for line in _lines_in(fields)}


def variables_line_in(fields: Mapping[str, str]) -> str:
    """As it stands there; empty without variables."""
    return next((line[0] for line in _lines_in(fields) if line[1] == "v"), "")


def _lines_in(fields: Mapping[str, str]) -> list[re.Match[str]]:
    lines = (codec.join(FIELD, fields) or "").split("\n")
    found = [_LINE.fullmatch(line) for line in lines if line]
    return [line for line in found if line]


def name_line(name: str) -> str:
    """Of an edit; empty takes the name away."""
    return f"nm{quoted(name)}" if name else ""


def variables_line(variables: Mapping[str, str]) -> str:
    """Of an edit; empty takes all of them away."""
    return f"v{codec.texts_to_json(variables)}" if variables else ""


def _text_of(contact: NewContact) -> str:
    head = [name_line(contact.name)] if contact.name else []
    if contact.external_id:
        head.append(f"x{quoted(contact.external_id)}")
    if contact.person_key:
        head.append(f"pk{quoted(contact.person_key)}")
    rest = [
        f"{field}{quoted(text)}"
        for field, text in (
            ("so", contact.source),
            ("u", contact.url),
            ("rg", contact.region),
            ("pc", contact.postal_code),
        )
        if text
    ]
    if contact.variables:
        rest.append(variables_line(contact.variables))
    return "\n".join(head) + (_END_OF_HEAD + "\n".join(rest) if rest else "")
