"""The first rows of a calling list before it is sent: what each column would be taken for, and
what would become of the rows. Pure, but for unpacking a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from crm import sheet
from crm.columns import Choice, layout_for, problem_of, words_of
from crm.csv_records import LineTooLong, RecordCutter, cells
from crm.csv_start import delimiter_of, start_of
from crm.decoding import Decoder, UnknownEncoding
from crm.foreign import refuse_foreign
from crm.imports import (
    BadFile,
    Layout,
    contact_of,
    layout_of,
    reason_of,
    variables_of,
)
from crm.phone_column import is_phone
from engine.core.errors import Invalid
from engine.core.settings import CampaignSettings

#: So much of the beginning of a text is enough.
CSV_BYTES = 64 * 1024
#: A spreadsheet is read as a whole; larger ones are taken without a preview.
SHEET_BYTES = 8 * 1024 * 1024
MAX_UNPACKED_BYTES = 128 * 1024 * 1024
N_ROWS = 6
MAX_CELLS, MAX_CELL_CHARS = 100, 200
Rows = Sequence[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """`problem`: why the row would be rejected; empty for a good one."""

    line: int
    cells: Sequence[str]
    problem: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`columns`: words of `crm.columns`. `header`: the first row where it names the columns.
    `variables`: for each column the word that makes it a variable. `problem`: why no row at all
    could be read in this way.
    """

    columns: Sequence[str]
    has_header: bool
    header: Sequence[str]
    variables: Sequence[str]
    rows: Sequence[PreviewRow]
    problem: str


def preview_of(data: bytes, settings: CampaignSettings, choice: Choice | None) -> Preview:
    """`data`: the beginning of a text, or a whole spreadsheet. Raises BadFile."""
    refuse_foreign(data)
    country, is_sheet = settings.list.default_country, data.startswith(sheet.MAGIC)
    rows, delimiter = _sheet_rows(data) if is_sheet else _text_rows(data, choice, country)
    if not rows:
        raise BadFile("The file is empty.")
    choice = choice or _guessed(rows, delimiter, country)
    first, rest = rows[0][1], rows[1:]
    problem = problem_of(choice)
    layout = layout_for(first, delimiter, choice)
    shown = rest if choice.has_header else rows
    return Preview(
        columns=choice.words,
        has_header=choice.has_header,
        header=[cell[:MAX_CELL_CHARS] for cell in first] if choice.has_header else (),
        variables=variables_of(first if choice.has_header else [""] * len(first)),
        rows=[_row(*row, layout, settings, is_readable=not problem) for row in shown],
        problem=problem,
    )


def _guessed(rows: Rows, delimiter: str, default_country: str) -> Choice:
    """As the import guesses; with a header in unknown words, by what stands below it."""
    first = rows[0][1]
    try:
        layout = layout_of(first, delimiter, default_country)
        return Choice(words_of(layout), layout.has_header)
    except BadFile:
        words = list(variables_of(first))
    if any(is_phone(cell, default_country) for cell in first):
        return Choice(variables_of([""] * len(first)), has_header=False)
    below = [row for _, row in rows[1:]]
    hits = [
        sum(is_phone(row[i], default_country) for row in below if i < len(row))
        for i in range(len(words))
    ]
    if any(hits):
        words[hits.index(max(hits))] = "phone"
    return Choice(tuple(words), has_header=True)


def _row(
    line: int, row: list[str], layout: Layout, settings: CampaignSettings, *, is_readable: bool
) -> PreviewRow:
    problem = ""
    if is_readable:
        try:
            contact_of(row, layout, settings.list.default_country, settings.destinations)
        except Invalid as error:
            problem = reason_of(error)
    return PreviewRow(line, [cell[:MAX_CELL_CHARS] for cell in row], problem)


def _sheet_rows(data: bytes) -> tuple[Rows, str]:
    rows = sheet.rows_of(data, max_unpacked_bytes=MAX_UNPACKED_BYTES)
    return [(line, row[:MAX_CELLS]) for line, row in islice(rows, N_ROWS)], ","


def _text_rows(data: bytes, choice: Choice | None, default_country: str) -> tuple[Rows, str]:
    """The last record may be cut in the middle where there is more of the file."""
    is_whole = len(data) < CSV_BYTES
    try:
        text = Decoder().decode(data, is_last=is_whole)
    except UnknownEncoding:
        raise BadFile("The file is partly UTF-8 and partly not. Save it as CSV UTF-8.") from None
    start = start_of(text)
    body = text[start.n_chars :]
    try:
        said = start.delimiter
        delimiter = delimiter_of(body, said, choice, default_country, is_last=is_whole) or ","
        cutter = RecordCutter(delimiter, line=1 + start.n_lines)
        records = list(islice(cutter.feed(body, is_last=is_whole), N_ROWS))
    except LineTooLong as error:
        raise BadFile(f"Line {error.args[0]} is too long for a table of contacts.") from None
    whole = [record for record in records if not record.broken]
    rows = [(record.line, cells(record, delimiter)[:MAX_CELLS]) for record in whole]
    return [row for row in rows if any(row[1])], delimiter
