"""CSV that a spreadsheet may open: cells that look like formulas are made text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

MEDIA_TYPE = "text/csv"
#: What spreadsheets take for the start of a formula (OWASP, CSV injection).
_FORMULA = re.compile(r"^\s*[=+\-@\t\r]")
#: A plain number or phone number computes nothing, and must stay readable for the next import.
_PLAIN_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?$")


def safe_cell(value: object) -> str:
    """The value as text, with an apostrophe before what a spreadsheet would compute."""
    text = _text(value)
    if _FORMULA.match(text) and not _PLAIN_NUMBER.match(text):
        return f"'{text}"
    return text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV text (RFC 4180 line ends)."""
    out = io.StringIO()
    csv.writer(out).writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list() | tuple():
            return " ".join(map(str, value))
    return str(value)
