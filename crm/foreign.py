"""Files that are no calling list, by their first bytes."""

from __future__ import annotations

from typing import Final

from crm.imports import BadFile

_SAVE: Final = "save it as XLSX or as CSV"
_KINDS: Final = {
    b"\x1f\x8b": "The file is compressed (gzip): unpack it first.",
    b"\xd0\xcf\x11\xe0": f"The file is an old Excel file (XLS): {_SAVE}.",
    b"%PDF": f"The file is a PDF: open the table that it was made of, and {_SAVE}.",
}


def refuse_foreign(data: bytes) -> None:
    """Raises BadFile."""
    for beginning, message in _KINDS.items():
        if data.startswith(beginning):
            raise BadFile(message)
