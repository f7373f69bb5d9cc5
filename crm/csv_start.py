"""How a calling list in CSV begins: what stands before its first row, and what separates cells."""

from __future__ import annotations

import re
from typing import NamedTuple

from crm.columns import Choice, layout_for
from crm.csv_records import (
    DELIMITERS,
    RecordCutter,
    cells,
    delimiters_of,
    first_line,
    with_line_feeds,
)
from crm.imports import BadFile

#: The line feed after a carriage return may not have come yet.
_END = r"(?:\r\n|\n|\r(?!\Z))"
_EMPTY_LINES = rf"(?:[ \t,;]*{_END})*"
_START = re.compile(
    rf"\ufeff?{_EMPTY_LINES}(?:\"?sep=(?P<delimiter>[^\w\"\r\n])\"?[ \t]*{_END}{_EMPTY_LINES})?"
)


class Start(NamedTuple):
    """What comes before the first row: characters, lines, and the separator that Excel is told in
    a line `sep=;`."""

    n_chars: int
    n_lines: int
    delimiter: str | None


def start_of(text: str) -> Start:
    """`text`: from the file's first character on."""
    found = _START.match(text)
    assert found is not None, "an empty start is one too"
    return Start(found.end(), with_line_feeds(found[0]).count("\n"), found["delimiter"])


def delimiter_of(
    text: str,
    said: str | None,
    choice: Choice | None,
    default_country: str,
    *,
    is_last: bool,
) -> str | None:
    """What separates the cells of the first row, with which `text` begins; None while that row is
    not whole.

    The most frequent one by which the row is a header or a contact.
    """
    candidates = [said] if said else _candidates(first_line(text))
    for delimiter in candidates:
        record = next(RecordCutter(delimiter).feed(text, is_last=is_last), None)
        if record is None:
            return None
        row = [] if record.broken else cells(record, delimiter)
        if _fits(row, delimiter, choice, default_country):
            return delimiter
    return candidates[0]


def _candidates(line: str) -> list[str]:
    """All: a cell in quotes may go on in the next line, and the separator come only there."""
    return list(dict.fromkeys((*delimiters_of(line), *DELIMITERS)))


def _fits(row: list[str], delimiter: str, choice: Choice | None, default_country: str) -> bool:
    if choice is not None:
        return len(row) == len(choice.words)
    try:
        layout_for(row, delimiter, None, default_country)
    except BadFile:
        return False
    return True
