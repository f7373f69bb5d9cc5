"""Turns the bytes of an uploaded calling list into contacts, chunk by chunk.

The layout that the first row showed travels with the unread rest, so a resumption needs nothing
but the committed position.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

from crm.columns import Choice, layout_for
from crm.contact_in import ANYWHERE
from crm.csv_records import LineTooLong, Record, RecordCutter, cells
from crm.csv_start import delimiter_of, start_of
from crm.decoding import Decoder, UnknownEncoding
from crm.imports import BadFile, Layout, contact_of, reason_of
from crm.plain_rows import PlainRows
from engine.core.contact import NewContact
from engine.core.errors import Invalid
from engine.core.settings import CampaignSettings, DestinationSettings
from engine.store import RejectedRow

#: Of a refused row so much is kept for the report.
MAX_CELLS, MAX_CELL_CHARS = 50, 300
BROKEN = "has a quoted cell that is never closed, or is too long"


@dataclass(slots=True)
class Reading:
    """What was read of one chunk: contacts by the line they came from, and rows refused."""

    contacts: list[NewContact] = field(default_factory=list)
    #: Where each contact begins.
    lines: list[int] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    duplicates: list[RejectedRow] = field(default_factory=list)

    def add(self, other: Reading) -> None:
        self.contacts += other.contacts
        self.lines += other.lines
        self.rejected += other.rejected

    def take_out(self, reasons: Sequence[str | None]) -> list[RejectedRow]:
        """Contacts with a reason leave; they come back as rows of a report."""
        both = list(zip(self.contacts, self.lines, reasons, strict=True))
        self.contacts = [contact for contact, _, why in both if why is None]
        self.lines = [line for _, line, why in both if why is None]
        return [RejectedRow(line, [c.phone, c.name], why) for c, line, why in both if why]


class Reader:
    """Turns bytes into contacts. `carry` is its whole memory between two chunks."""

    def __init__(
        self,
        default_country: str,
        carry: bytes,
        line: int,
        open_to: DestinationSettings = ANYWHERE,
        choice: Choice | None = None,
    ) -> None:
        self._country, self._open_to, self._choice = default_country, open_to, choice
        self._layout: Layout | None = None
        self._plain: PlainRows | None = None
        self._decoder = Decoder()
        rest = ""
        if carry:
            memory = json.loads(carry)
            encoding, undecoded, is_ascii = memory["decoder"]
            self._decoder = Decoder(encoding, bytes.fromhex(undecoded), is_ascii)
            rest = memory["rest"]
            if memory["layout"]:
                delimiter, columns, has_header = memory["layout"]
                self._layout = Layout(delimiter, tuple(columns), has_header)
        delimiter = self._layout.delimiter if self._layout else ","
        self._cutter = RecordCutter(delimiter, rest, line)

    @property
    def line(self) -> int:
        return self._cutter.line

    @property
    def carry(self) -> bytes:
        layout = astuple(self._layout) if self._layout else None
        decoder = self._decoder
        state = (decoder.encoding, decoder.undecoded.hex(), decoder.is_ascii)
        memory = {"layout": layout, "rest": self._cutter.rest, "decoder": state}
        return json.dumps(memory).encode()

    def read(self, chunk: bytes, *, is_last: bool = False) -> Reading:
        """Raises BadFile when this is not a calling list at all."""
        text = self._decoded(chunk, is_last)
        try:
            return self._read(text, is_last)
        except LineTooLong as error:
            raise BadFile(f"Line {error.args[0]} is too long for a table of contacts.") from None

    def _read(self, text: str, is_last: bool) -> Reading:
        reading, is_start = Reading(), self._layout is None
        if is_start:
            text = self._with_layout(text, is_last)
        if self._layout is None:
            return reading
        records = self._cutter.feed(text, is_last=is_last)
        if is_start and self._layout.has_header:
            next(records)
        for record in records:
            self._take(record, self._layout, reading)
        return reading

    def _decoded(self, chunk: bytes, is_last: bool) -> str:
        try:
            return self._decoder.decode(chunk, is_last=is_last)
        except UnknownEncoding:
            raise BadFile(
                f"The file is partly UTF-8 and partly not (after line {self.line}). "
                "Save it as CSV UTF-8."
            ) from None

    def _with_layout(self, text: str, is_last: bool) -> str:
        """Find the layout once the first row is whole; returns what is still to be cut."""
        text, self._cutter.rest = self._cutter.rest + text, ""
        start = start_of(text)
        body = text[start.n_chars :]
        delimiter = delimiter_of(
            body, start.delimiter, self._choice, self._country, is_last=is_last
        )
        if delimiter is None:
            if is_last:
                raise BadFile("The file is empty.")
            self._cutter.rest = text
            return ""
        first = next(RecordCutter(delimiter).feed(body, is_last=is_last))
        if first.broken:
            raise BadFile(f"The first row {BROKEN}.")
        self._layout = layout_for(cells(first, delimiter), delimiter, self._choice, self._country)
        self._cutter.delimiter = delimiter
        self._cutter.line += start.n_lines
        return body

    def _take(self, record: Record, layout: Layout, reading: Reading) -> None:
        if record.broken:
            reading.rejected.append(_rejected(record, [record.text], BROKEN))
            return
        row = cells(record, layout.delimiter)
        try:
            plain = self._plain or self._plain_of(layout)
            contact = plain.contact(row) or contact_of(row, layout, self._country, self._open_to)
            reading.contacts.append(contact)
            reading.lines.append(record.line)
        except Invalid as error:
            if any(row):  # else it is as good as blank
                reading.rejected.append(_rejected(record, row, reason_of(error)))

    def _plain_of(self, layout: Layout) -> PlainRows:
        self._plain = PlainRows(layout.columns, self._country, self._open_to)
        return self._plain


class SheetReader:
    """Turns rows of a spreadsheet into contacts; the first one shows the layout."""

    def __init__(self, settings: CampaignSettings, choice: Choice | None = None) -> None:
        self._choice = choice
        self._country, self._open_to = settings.list.default_country, settings.destinations
        self._layout: Layout | None = None

    @property
    def has_layout(self) -> bool:
        return self._layout is not None

    def read(self, rows: Sequence[tuple[int, list[str]]], *, after: int) -> Reading:
        """Rows up to `after` were taken before. Raises BadFile for what is no calling list."""
        reading = Reading()
        for number, row in rows:
            if self._layout is None:
                self._layout = layout_for(row, ",", self._choice, self._country)
                if self._layout.has_header:
                    continue
            if number > after:
                self._take(number, row, self._layout, reading)
        return reading

    def _take(self, number: int, row: list[str], layout: Layout, reading: Reading) -> None:
        try:
            reading.contacts.append(contact_of(row, layout, self._country, self._open_to))
            reading.lines.append(number)
        except Invalid as error:
            reading.rejected.append(_rejected(Record(number, ""), row, reason_of(error)))


def _rejected(record: Record, row: Sequence[str], reason: str) -> RejectedRow:
    return RejectedRow(record.line, [cell[:MAX_CELL_CHARS] for cell in row[:MAX_CELLS]], reason)
