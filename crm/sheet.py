"""Reads a calling list from a spreadsheet (XLSX): the first sheet, as rows of texts."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from crm.imports import BadFile

MAGIC = b"PK\x03\x04"
#: A spreadsheet is read as a whole: so much of it packed, and unpacked.
MAX_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024


def rows_of(
    data: bytes, *, max_unpacked_bytes: int = MAX_UNPACKED_BYTES
) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells. Raises BadFile."""
    _refuse_bombs(data, max_unpacked_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles, which nobody needs here
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise BadFile(f"The spreadsheet cannot be read: {error}") from None
    try:
        for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            cells = [_text(value) for value in row]
            if any(cells):
                yield number, cells
    finally:
        book.close()


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
