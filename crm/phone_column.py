"""Which cell of a list's first row is a phone number, where no header says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from engine.core.phone import as_e164

MIN_DIGITS = 7
#: As people write numbers: a quote from a spreadsheet, `tel:`, dashes of any kind.
_PHONE = re.compile(r"'?(?:tel[.:]*)?\s*(\+?[()\d\s./\u2010-\u2015\u2212-]+)", re.IGNORECASE)
#: Dates, amounts and network addresses.
_SOMETHING_ELSE = re.compile(
    r"\d{4}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2\d{4}"
    r"|\d+\.(?!00?$)\d{1,2}|\d{1,3}(?:\.\d{1,3}){3}"
)
_COMPACT_DATE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


def looks_like_phone(cell: str) -> bool:
    """By its shape alone."""
    found = _PHONE.fullmatch(cell)
    return (
        found is not None
        and sum(char.isdigit() for char in found[1]) >= MIN_DIGITS
        and not _SOMETHING_ELSE.fullmatch(cell)
    )


def is_phone(cell: str, default_country: str | None) -> bool:
    """A number in use, or one that is meant to be one: no name of a column, in any case."""
    return looks_like_phone(cell) and (_has_plus(cell) or _is_in_use(cell, default_country))


def phone_columns(first: Sequence[str], default_country: str | None) -> list[int]:
    """Places that may as well as each other be the phone; usually one.

    Ids look like numbers too: what is written with its country comes first, then what is in use.
    """
    found = [i for i, cell in enumerate(first) if looks_like_phone(cell)]
    tests: tuple[Callable[[str], bool], ...] = (
        lambda cell: _is_international(cell, default_country),
        lambda cell: _is_in_use(cell, default_country),
        lambda cell: not _COMPACT_DATE.fullmatch(cell),
    )
    for passes in tests:
        found = [i for i in found if passes(first[i])] or found
    return found


def _is_international(cell: str, default_country: str | None) -> bool:
    return _has_plus(cell) or (cell.startswith("00") and _is_in_use(cell, default_country))


def _has_plus(cell: str) -> bool:
    found = _PHONE.fullmatch(cell)
    return found is not None and found[1].startswith("+")


def _is_in_use(cell: str, default_country: str | None) -> bool:
    try:
        return bool(as_e164(cell, default_country))
    except ValueError:
        return False
