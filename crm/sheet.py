"""Reads a calling list from a spreadsheet (XLSX): the first sheet, as rows of texts."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

import openpyxl

from crm.imports import BadFile

MAGIC = b"PK\x03\x04"
#: A spreadsheet is read as a whole: so much of it packed, and unpacked.
MAX_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
#: As many as Excel has.
MAX_ROWS = 1_048_576
#: So many rows tell how wide the table is, and so wide it is at most.
ROWS_AHEAD, MAX_WIDTH = 1000, 100


@dataclass(slots=True)
class Size:
    """How many rows the file says it has, once its rows are read; wrong in some, 0 in others."""

    n_rows: int = 0

    def share_up_to(self, row: int) -> float:
        """Of the whole, as far as one can know; never all of it."""
        return min(0.99, row / self.n_rows) if self.n_rows else 0.0


def rows_of(
    data: bytes, size: Size | None = None, *, max_unpacked_bytes: int = MAX_UNPACKED_BYTES
) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells. Raises BadFile."""
    _refuse_bombs(data, max_unpacked_bytes)
    try:
        yield from _as_wide_as_seen(_rows(data, size or Size()))
    except BadFile:
        raise
    except Exception as error:  # whatever the parsers of openpyxl meet in a damaged file
        raise BadFile(f"The spreadsheet cannot be read: {error or type(error).__name__}") from error


def _rows(data: bytes, size: Size) -> Iterator[tuple[int, list[str]]]:
    """Those that are not empty, without empty cells at their end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles, which nobody needs here
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        size.n_rows = sheet.max_row or 0
        sheet.reset_dimensions()  # programs write wrong ones, and openpyxl stops where they end
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > MAX_ROWS:
                raise BadFile(f"The spreadsheet has more than {MAX_ROWS} rows.")
            if cells := _trimmed([_text(value) for value in row]):
                yield number, cells
    finally:
        book.close()


def _as_wide_as_seen(
    rows: Iterator[tuple[int, list[str]]],
) -> Iterator[tuple[int, list[str]]]:
    """The first row shows the columns; cells below it may stand beyond its end."""
    ahead = list(islice(rows, ROWS_AHEAD))
    width = min(MAX_WIDTH, max((len(cells) for _, cells in ahead), default=0))
    for number, cells in ahead[:1]:
        yield number, cells + [""] * (width - len(cells))
    yield from ahead[1:]
    yield from rows


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _refuse_bombs(data: bytes, max_unpacked_bytes: int) -> None:
    """Raises BadFile for what is no archive, or one that unpacks to more than is sane."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise BadFile("The spreadsheet is not complete.") from None
    if unpacked > max_unpacked_bytes:
        raise BadFile("The spreadsheet is too large: save it as CSV.")


def _text(value: object) -> str:
    """A number as people see it: 12025550100 and not 12025550100.0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return " ".join(str(value).split())
