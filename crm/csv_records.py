"""Cuts a stream of CSV text into records, so that a file of any size needs bounded memory.

A record may span lines where a quoted cell does. As with Python's csv module, a quote opens a
cell only at the cell's start; a quote elsewhere is an ordinary character.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

#: A quote that nobody closes would swallow the rest of the file: after so much it is an error.
MAX_RECORD_CHARS = 65_536
MAX_RECORD_LINES = 100
DELIMITERS = (",", ";", "\t")
#: A cell in quotes, to its end or the line's.
_QUOTED = re.compile(r'(?:^|(?<=[,;\t]))"(?:[^"]|"")*(?:"|$)')
#: What old programs and disks write behind the end of a text.
_PADDING = "\x00\x1a"
_LINE_END = re.compile(r"\s*\n+\s*")


class LineTooLong(Exception):
    """A line is so long that this is not a table. `args[0]` is its number."""


class Record(NamedTuple):
    """One row as it stands in the file. `line` is where it starts, 1 for the first line."""

    line: int
    text: str
    #: An opening quote is never closed, or the row is too long: not readable.
    broken: bool = False


@dataclass(slots=True)
class RecordCutter:
    """Feed it text, take whole records; `rest` and `line` are all that a resumption needs."""

    delimiter: str
    rest: str = ""
    #: Number of the line that `rest` starts with.
    line: int = 1

    def feed(self, text: str, *, is_last: bool = False) -> Iterator[Record]:
        """Whole records, blank ones left out. With `is_last` the rest is a record too."""
        text, held = self.rest + text, ""
        if is_last:
            text = text.rstrip(_PADDING)
        if text.endswith("\r") and not is_last:  # the line feed after it may come yet
            text, held = text[:-1], "\r"
        lines = with_line_feeds(text).split("\n")
        self.rest = ""
        tail = "" if is_last else lines.pop()
        start = 0
        while start < len(lines):
            line = lines[start]
            if '"' not in line and len(line) <= MAX_RECORD_CHARS:  # as nearly all are
                if line.strip():
                    yield Record(self.line, line)
                self.line, start = self.line + 1, start + 1
                continue
            end = self._end_of_record(lines, start, is_last)
            if end is None:
                break
            yield from self._record(lines, start, end)
            self.line += max(1, end - start)
            start = max(start + 1, end)
        if len(tail) > MAX_RECORD_CHARS:
            tail = tail.rstrip(_PADDING)
            if tail:
                raise LineTooLong(self.line)
        self.rest = "" if is_last else "\n".join([*lines[start:], tail]) + held

    def _record(self, lines: list[str], start: int, end: int) -> Iterator[Record]:
        text = "\n".join(lines[start : max(start + 1, end)])
        if text.strip():
            yield Record(self.line, text, broken=end == start)

    def _end_of_record(self, lines: list[str], start: int, is_last: bool) -> int | None:
        """Index after the record's last line; `start` where it is broken; None: more is needed."""
        inside, size = False, 0
        for index in range(start, len(lines)):
            line = lines[index]
            size += len(line)
            if size > MAX_RECORD_CHARS or index - start >= MAX_RECORD_LINES:
                return start
            if inside or '"' in line:
                inside = _ends_inside_quotes(line, self.delimiter, inside)
            if not inside:
                return index + 1
        return start if is_last else None


def with_line_feeds(text: str) -> str:
    """Lines may end as on Windows, and as on a Mac of old, which Excel still offers."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def first_line(text: str) -> str:
    return with_line_feeds(text).lstrip("\n").partition("\n")[0]


def cells(record: Record, delimiter: str) -> list[str]:
    """The record's cells, without white space around them, a line end inside as one space."""
    if '"' not in record.text:  # as nearly all are
        return [cell.strip() for cell in record.text.split(delimiter)]
    row = next(csv.reader(io.StringIO(record.text, newline=""), delimiter=delimiter))
    return [_LINE_END.sub(" ", cell.strip()) for cell in row]


def guess_delimiter(first_line: str) -> str:
    """The separator that the first line has most of; a comma where it has none."""
    return delimiters_of(first_line)[0]


def delimiters_of(first_line: str) -> list[str]:
    """Those that stand outside quotes, the most frequent one first; a comma where none does."""
    bare = _QUOTED.sub("", first_line)
    found = [delimiter for delimiter in DELIMITERS if delimiter in bare]
    return sorted(found, key=bare.count, reverse=True) or [DELIMITERS[0]]


def _ends_inside_quotes(line: str, delimiter: str, inside: bool) -> bool:
    at_start, index = not inside, 0
    while index < len(line):
        char = line[index]
        if inside:
            if char == '"':
                if line[index + 1 : index + 2] == '"':
                    index += 1
                else:
                    inside = False
        elif char == '"' and at_start:
            inside = True
        at_start = not inside and char == delimiter
        index += 1
    return inside
