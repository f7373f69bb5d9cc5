"""Uploads, staged in Redis in chunks so that the API and its workers share no disk."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from engine.core.errors import CampaignFinal, Conflict, NotFound
from engine.store import codec
from engine.store.changes import change
from engine.store.keys import Keys
from engine.store.link import Argument, Link
from engine.store.lists import list_json
from engine.store.scripts import invoke

REJECTED_AT_ONCE: Final = 500


class ImportStatus(StrEnum):
    UPLOADING = "uploading"  # shown as queued by the API
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    import_id: str
    campaign_id: int
    filename: str
    status: ImportStatus
    created_at: datetime
    #: When the last piece of the upload came.
    appended_at: datetime
    #: What the columns mean, where somebody chose it (`crm.columns`); empty: guessed.
    columns: str
    has_header: bool
    n_bytes: int
    bytes_done: int
    created: int
    rejected: int
    duplicates: int
    error: str
    #: Where a worker goes on: chunks there are and were taken, what was left of the last one,
    #: and the number of the last line that was taken.
    n_chunks: int
    chunks_done: int
    carry: bytes
    line: int
    #: The campaign's calling list that its contacts are in.
    list_id: int = 0


@dataclass(frozen=True, slots=True)
class RejectedRow:
    line: int
    row: Sequence[str]
    reason: str


class RedisImports:
    """An import's id begins with its campaign's, so that it tells where everything lies."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def create(
        self,
        campaign_id: int,
        *,
        filename: str,
        now: datetime,
        columns: str = "",
        has_header: bool = True,
    ) -> str:
        """Raises NotFound, CampaignFinal."""
        import_id = f"{campaign_id}i{secrets.token_hex(8)}"
        # Listed first: one that a kill leaves without data is passed over by `unfinished`.
        await self._link.call("SADD", self._keys.open_imports, import_id)
        at_ms = codec.to_ms(now)
        fields: list[Argument] = ["filename", filename, "created_at", at_ms, "appended_at", at_ms]
        if columns:
            fields += ["columns", columns, "header", "1" if has_header else ""]
        told = list_json("import", filename, import_id, now)
        base = [self._base(import_id)]
        begun = (await self._link.batch([invoke("import_begin", base, import_id, told, *fields)]))[
            0
        ]
        if begun < 0:
            await self._link.call("SREM", self._keys.open_imports, import_id)
            raise NotFound("There is no such campaign.") if begun == -1 else CampaignFinal
        return import_id

    async def append(self, import_id: str, chunk: bytes, now: datetime) -> None:
        """Raises Conflict when the upload has ended."""
        base, at_ms = [self._base(import_id)], codec.to_ms(now)
        appended = await self._link.batch([invoke("import_append", base, import_id, chunk, at_ms)])
        if appended[0] == -1:
            raise Conflict("This upload has ended.")

    async def seal(self, import_id: str, now: datetime) -> None:
        """The upload is complete. Raises Conflict when it had ended."""
        base = [self._base(import_id)]
        if not (await self._link.batch([invoke("import_seal", base, import_id)]))[0]:
            raise Conflict("This upload has ended.")

    async def abort(self, import_id: str, reason: str, now: datetime) -> None:
        await self.finish(import_id, ImportStatus.FAILED, reason, now)

    async def next_chunk(self, import_id: str, offset: int) -> bytes | None:
        """The chunk at `offset` (a number of chunks, such as `chunks_done`); None at the end."""
        chunk: bytes | None = await self._link.call_raw("GET", f"{self._key(import_id)}:c:{offset}")
        return chunk

    async def commit(
        self,
        import_id: str,
        *,
        chunks_done: int,
        carry: bytes,
        line: int,
        created: int,
        rejected: int,
        duplicates: int,
        rejected_rows: Sequence[RejectedRow] = (),
        bytes_done: int | None = None,
    ) -> None:
        """Counts are those since the last commit. Raises Conflict when another worker was faster.

        `bytes_done` is for an upload that is read as a whole, whose chunks stay to the end. Add the
        contacts with a token that names import and position, so that after a kill in
        between the repetition counts the same.
        """
        rows = [codec.to_json([row.line, list(row.row), row.reason]) for row in rejected_rows]
        arguments: list[Argument] = [
            import_id,
            chunks_done,
            carry,
            line,
            created,
            rejected,
            duplicates,
            "" if bytes_done is None else bytes_done,
            *rows,
        ]
        noted, _ = await self._link.batch([
            invoke("import_commit", [self._base(import_id)], *arguments),
            change(self._keys, "campaign", _campaign_of(import_id), {"what": "contacts"}),
        ])  # fmt: skip
        if not noted:
            raise Conflict("This part of the import was done before, or the import has ended.")

    async def get(self, campaign_id: int, import_id: str) -> Import:
        """Raises NotFound."""
        found = await self._find(import_id)
        if found is None or found.campaign_id != campaign_id:
            raise NotFound("There is no such import.")
        return found

    async def rejected(self, import_id: str) -> AsyncIterator[RejectedRow]:
        """In the order of the file."""
        key, start = f"{self._key(import_id)}:rejected", 0
        while rows := await self._link.call("LRANGE", key, start, start + REJECTED_AT_ONCE - 1):
            for text in rows:
                line, row, reason = codec.from_json(text)
                yield RejectedRow(line, row, reason)
            start += len(rows)

    async def note_crash(self, import_id: str) -> int:
        """A worker met an error that nobody expected; how many did so far."""
        return int(await self._link.call("HINCRBY", self._key(import_id), "crashes", 1))

    async def finish(self, import_id: str, status: str, error: str, now: datetime) -> None:
        """Once: a second time changes nothing."""
        await self._link.batch([
            invoke("import_finish", [self._base(import_id)], import_id, status, error),
            ("SREM", self._keys.open_imports, import_id),
            change(self._keys, "campaign", _campaign_of(import_id), {"what": "import"}),
        ])  # fmt: skip

    async def unfinished(self) -> Sequence[Import]:
        """Oldest first; those that are still being uploaded included."""
        ids = sorted(await self._link.call("SMEMBERS", self._keys.open_imports))
        found = [(import_id, await self._find(import_id)) for import_id in ids]
        running = [one for _, one in found if one is not None]
        return sorted(running, key=lambda one: (one.created_at, one.import_id))

    async def _find(self, import_id: str) -> Import | None:
        if not _is_id(import_id):
            return None
        flat = await self._link.call_raw("HGETALL", self._key(import_id))
        # A count of crashes may be all that is left of one whose campaign was deleted.
        return _import(import_id, flat) if b"filename" in flat else None

    def _base(self, import_id: str) -> str:
        return self._keys.campaign(_campaign_of(import_id))

    def _key(self, import_id: str) -> str:
        return f"{self._base(import_id)}i:{import_id}"


def _is_id(import_id: str) -> bool:
    head, i, tail = import_id.partition("i")
    return bool(i) and head.isdecimal() and head.isascii() and tail.isalnum() and tail.isascii()


def _campaign_of(import_id: str) -> int:
    if not _is_id(import_id):
        raise NotFound("There is no such import.")
    return int(import_id.partition("i")[0])


def _import(import_id: str, flat: Sequence[bytes]) -> Import:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    texts = {name.decode(): value.decode() for name, value in fields.items() if name != b"carry"}
    return Import(
        import_id=import_id,
        campaign_id=_campaign_of(import_id),
        filename=texts["filename"],
        status=ImportStatus(texts["status"]),
        created_at=codec.from_ms(texts["created_at"]),
        appended_at=codec.from_ms(texts.get("appended_at") or texts["created_at"]),
        columns=texts.get("columns", ""),
        has_header=bool(texts.get("header", "1")),
        carry=fields.get(b"carry", b""),
        error=texts.get("error", ""),
        **_numbers(texts),
    )


def _numbers(texts: Mapping[str, str]) -> dict[str, int]:
    names = {"n_bytes", "bytes_done", "created", "rejected", "duplicates", "chunks_done", "line"}
    return {name: int(texts.get(name, 0)) for name in names} | {
        "n_chunks": int(texts.get("chunks", 0)),
        "list_id": int(texts.get("list", 0)),
    }
