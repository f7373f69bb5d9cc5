"""A registry's file of numbers that must not be called, read in pieces of any size."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from datetime import datetime

from engine.core.phone import as_e164
from engine.store.dnc import RedisDnc

#: Numbers added at once; what a read of a large file holds in memory.
BATCH = 50_000
MAX_TOLD = 1000
MAX_CELL_CHARS = 64
_AREA, _LOCAL = re.compile(r"[2-9]\d{2}"), re.compile(r"\d{7}")


@dataclass(slots=True)
class DncFile:
    """Feed it bytes; the number is in the first cell of each line (comma, semicolon or tab).

    Or in the first two: the flat files of the US registry have area code, comma, seven digits.
    """

    dnc: RedisDnc
    default_country: str
    source: str
    actor: str
    scope: str = ""
    n_read: int = 0
    n_added: int = 0
    n_rejected: int = 0
    #: Place among the lines with a number, what stood there, and why it was refused.
    rejected: list[tuple[int, str | None, str]] = field(default_factory=list)
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8-sig")("replace")
    )
    _rest: str = ""
    _batch: list[str] = field(default_factory=list)

    async def feed(self, chunk: bytes, now: datetime, *, is_last: bool = False) -> None:
        lines = (self._rest + self._decoder.decode(chunk, is_last)).split("\n")
        # A line without end is no number: only its beginning is kept.
        self._rest = "" if is_last else lines.pop()[:MAX_CELL_CHARS]
        for line in lines:
            self._take(line)
            if len(self._batch) >= BATCH:
                await self._store(now)
        if is_last and self._batch:
            await self._store(now)

    def _take(self, line: str) -> None:
        cells = line.replace(";", ",").replace("\t", ",").split(",", 2)
        cell, *others = [each.strip(' "\r') for each in cells]
        if others and _AREA.fullmatch(cell) and _LOCAL.fullmatch(others[0]):
            cell += others[0]
        if not cell:
            return
        index = self.n_read + self.n_rejected
        try:
            self._batch.append(as_e164(cell[:MAX_CELL_CHARS], self.default_country))
            self.n_read += 1
        except ValueError as error:
            self.n_rejected += 1
            if len(self.rejected) < MAX_TOLD:
                shown = cell[:MAX_CELL_CHARS] if cell.isprintable() else None
                self.rejected.append((index, shown, str(error)))

    async def _store(self, now: datetime) -> None:
        batch, self._batch = self._batch, []
        self.n_added += await self.dnc.add_many(
            batch, source=self.source, actor=self.actor, now=now, scope=self.scope
        )
