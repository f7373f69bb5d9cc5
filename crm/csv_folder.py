"""Leads from files that are dropped into a folder, results appended to a file of it.

Write a file under another name (`.part`, or hidden) and rename it: a file that has the pattern's
name is taken to be whole. When it came is the instant of its last change or renaming, by the clock
of the file system, so that one that is copied with an old date is seen too.
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from crm.csv_records import guess_delimiter
from crm.cursor import Cursor
from crm.files import Files
from crm.mapping import LeadMapping, lead_of
from crm.port import CallResult, Connector, Health, Page, Receipt, Rejected, Transient
from crm.source_config import SourceConfig

N_SAMPLE: Final = 5
MAX_CELL_CHARS: Final = 65_536
RESULT_COLUMNS: Final = (
    "attempt_id", "rev", "external_id", "phone", "outcome", "disposition", "started_at",
    "answered_at", "ended_at", "talk_s", "agent_id", "campaign", "do_not_call",
)  # fmt: skip
_FORMULA = re.compile(r"^\s*[=+\-@\t\r](?!\d+(\.\d+)?$)")


class CsvConfig(SourceConfig):
    """`results`: name of a file in the folder that calls are appended to; none are without."""

    folder: str = Field(min_length=1, max_length=500)
    pattern: str = Field("*.csv", pattern=r"^[^/]{1,100}$")
    map: LeadMapping = LeadMapping(
        external_id="external_id || id || phone", withdrawn="withdrawn", do_not_call="do_not_call"
    )
    page_size: int = Field(500, ge=1, le=1000)
    results: str | None = Field(None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$")


@dataclass(frozen=True, slots=True)
class _Place:
    """So many rows of the file were read; `mark` is of the file's content as it was then."""

    name: str
    mark: str
    n_rows: int


@dataclass(slots=True)
class _Reader:
    """An open file at a place, so that the next page need not skip what was read."""

    place: _Place
    rows: Iterator[dict[str, Any]]


class CsvConnector(Connector):
    def __init__(self, config: CsvConfig, files: Files) -> None:
        self._config, self._files = config, files
        self._reader: _Reader | None = None

    @property
    def overlap_s(self) -> float:
        return self._config.overlap_s

    @property
    def page_size(self) -> int:
        return self._config.page_size

    @property
    def max_batch(self) -> int:
        return 100

    async def fetch(self, cursor: Cursor, limit: int) -> Page:
        page: Page = await self._run(self._page, cursor, limit)
        return page

    async def push(self, result: CallResult) -> Receipt:
        await self._run(self._append, [result])
        return Receipt()

    async def push_batch(self, results: Sequence[CallResult]) -> Sequence[Receipt | Rejected]:
        await self._run(self._append, results)
        return [Receipt() for _ in results]

    async def check(self) -> Health:
        page = await self.fetch(Cursor(None, None), N_SAMPLE)
        n = len(await self._run(self._found, None))
        return Health(ok=True, detail=f"{n} files match.", sample=page.leads)

    async def close(self) -> None:
        self._reader = None

    async def _run(self, work: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *arguments)
        except OSError as error:
            raise Transient(f"{type(error).__name__}: {error.strerror or error}") from error

    # -- reading, in a thread

    def _page(self, cursor: Cursor, limit: int) -> Page:
        """Rows of one file; then the next file by name, to the last that came since."""
        began = datetime.now(UTC) - timedelta(seconds=1)
        at = _Place(*json.loads(cursor.page)) if cursor.page else None
        path = self._next(cursor.since, at)
        if path is None:
            return Page(leads=(), next_page=None, server_at=began)
        reader = self._opened(path, at)
        rows = list(islice(reader.rows, limit))
        reader.place = _Place(path.name, reader.place.mark, reader.place.n_rows + len(rows))
        self._reader = reader if len(rows) == limit else None
        n_rows = reader.place.n_rows if len(rows) == limit else -1
        after = json.dumps([path.name, reader.place.mark, n_rows])
        return Page(leads=[lead_of(r, self._config.map) for r in rows], next_page=after,
                    server_at=began)  # fmt: skip

    def _next(self, since: datetime | None, at: _Place | None) -> Path | None:
        """The file of the place while it has rows (-1: it has none), else the one after it."""
        for path in self._found(since):
            if at is None or path.name > at.name or (path.name == at.name and at.n_rows >= 0):
                return path
        return None

    def _found(self, since: datetime | None) -> list[Path]:
        folder = self._files.checked(self._config.folder)
        if not folder.is_dir():
            raise Rejected(f"{self._config.folder} is no folder.")
        found = []
        for path in sorted(folder.glob(self._config.pattern)):
            is_ours = path.name.startswith(".") or path.name == self._config.results
            if not is_ours and path.is_file() and (since is None or _came_at(path) >= since):
                found.append(self._files.checked(path))
        return found

    def _opened(self, path: Path, at: _Place | None) -> _Reader:
        """At the place, or at the start where the file is not the same any more."""
        mark = _mark(path)
        if self._reader is not None and self._reader.place == at and at.mark == mark:
            return self._reader
        n_rows = at.n_rows if at and (at.name, at.mark) == (path.name, mark) else 0
        reader = _Reader(_Place(path.name, mark, n_rows), _readable(path))
        for _ in islice(reader.rows, n_rows):
            pass
        return reader

    # -- results, in a thread

    def _append(self, results: Sequence[CallResult]) -> None:
        """One write, so that a reader never sees half a line; a repetition is a second line."""
        if self._config.results is None:
            return
        path = self._files.checked(Path(self._config.folder) / self._config.results)
        is_new = not path.exists() or not path.stat().st_size
        lines: list[Sequence[str]] = [RESULT_COLUMNS] if is_new else []
        lines += [tuple(_cell(getattr(one, name)) for name in RESULT_COLUMNS) for one in results]
        with path.open("a", newline="", encoding="utf-8", buffering=1024 * 1024) as file:
            csv.writer(file).writerows(lines)


def _came_at(path: Path) -> datetime:
    stat = path.stat()
    return datetime.fromtimestamp(max(stat.st_mtime, stat.st_ctime), UTC)


def _mark(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """Cells by the names of the first line, in lower case; empty ones left out."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        first = file.readline(MAX_CELL_CHARS)
        file.seek(0)
        reader = csv.DictReader(file, delimiter=guess_delimiter(first), strict=True)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        for row in reader:
            yield {name: cell.strip() for name, cell in row.items() if name and cell}


def _readable(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from _rows(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected(f"{path.name} is not CSV in UTF-8: {error}") from error


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case bool():
            return "true" if value else "false"
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text
