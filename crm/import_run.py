"""One import from its staged upload into the campaign, resumable after every chunk."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from redis.exceptions import RedisError

from crm import sheet
from crm.columns import choice_of
from crm.foreign import refuse_foreign
from crm.import_reader import Reader, Reading, SheetReader
from crm.imports import BadFile
from crm.sifting import MAX_TOLD, Sieve
from engine.core.campaign import Campaign
from engine.core.errors import CampaignFinal, Conflict, NotFound, StoreUnavailable
from engine.store import Import, ImportStatus, RedisStore

#: An upload may take so long in all, and be silent for so long; after that nobody sends any more.
UPLOAD_LIMIT_S = 3600
UPLOAD_SILENT_S = 300
UPLOAD_CUT = "The upload ended before its end; nothing of it was added."
#: An import that raised an unexpected error so often is not tried again.
MAX_CRASHES = 3
#: Rows of a spreadsheet between two commits.
ROWS_AT_ONCE = 500
#: Chunks of an upload that are saved together: one at a time the server waits between two of them.
CHUNKS_AT_ONCE = 4
#: Parts that are read and not saved yet, each of so many chunks.
MAX_UNSAVED = 2
#: Read at once of an upload, before others get their turn: some ms.
SLICE_BYTES = 8192
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where an import is done: chunks, the next line, and what a reader carries on.
    `bytes_done`: of what is read as a whole."""

    chunks_done: int
    line: int
    carry: bytes
    bytes_done: int | None = None


async def run(store: RedisStore, import_id: str, may_go_on: Callable[[], bool]) -> str:
    """Bring the import to its end.

    Returns done, failed, gone (nothing to do), interrupted, or busy (another worker is faster).
    `may_go_on` is asked before each chunk. Raises StoreUnavailable, and what nobody expected in
    all but the last of MAX_CRASHES tries; run it again then.
    """
    upload = next((u for u in await store.imports.unfinished() if u.import_id == import_id), None)
    if upload is None or upload.status is ImportStatus.UPLOADING:
        return "gone"
    try:
        with _rare_collections():
            return await _read_all(store, upload, may_go_on)
    except (BadFile, CampaignFinal, NotFound) as error:
        return await _end(store, import_id, ImportStatus.FAILED, error.message)
    except Conflict:
        return "busy"
    except (StoreUnavailable, RedisError):
        raise
    except Exception as error:
        return await _crashed(store, import_id, error)


async def _crashed(store: RedisStore, import_id: str, error: Exception) -> str:
    """Its campaign does not complete while an import runs: one that always crashes must end."""
    if await store.imports.note_crash(import_id) < MAX_CRASHES:
        raise error
    log.error("import_crashed", import_id=import_id, error=type(error).__name__, exc_info=error)
    message = f"The import failed {MAX_CRASHES} times ({type(error).__name__}); see the log."
    return await _end(store, import_id, ImportStatus.FAILED, message)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Rows make no cycles; looking for them every 700 objects takes a twentieth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def _read_all(store: RedisStore, upload: Import, may_go_on: Callable[[], bool]) -> str:
    campaign = await store.campaigns.get(upload.campaign_id)
    if not upload.chunks_done:
        first = await store.imports.next_chunk(upload.import_id, 0)
        refuse_foreign(first or b"")
        if first is not None and first.startswith(sheet.MAGIC):
            return await _read_sheet(store, upload, campaign, may_go_on)
    country, open_to = campaign.settings.list.default_country, campaign.rules.destinations
    choice = choice_of(upload.columns, has_header=upload.has_header)
    reader = Reader(country, upload.carry, upload.line or 1, open_to, choice)
    n_chunks = max(1, upload.n_chunks)  # an empty file has none, and an error to find
    async with _Saving(store, upload, campaign) as saving, aclosing(_chunks(store, upload)) as all_:
        part = Reading()
        async for position, chunk in all_:
            if not may_go_on():
                await saving.done()
                return "interrupted"
            n_read = position + 1
            part.add(await _read_chunk(reader, chunk, is_last=n_read == n_chunks))
            if n_read == n_chunks or n_read % CHUNKS_AT_ONCE == 0:
                await saving.begin(part, Position(n_read, reader.line, reader.carry))
                part = Reading()
        await saving.done()
    return await _end(store, upload.import_id, ImportStatus.DONE, "")


async def _chunks(store: RedisStore, upload: Import) -> AsyncGenerator[tuple[int, bytes]]:
    """Those that are not done yet, each fetched while the one before is read."""

    def fetched(position: int) -> asyncio.Task[bytes | None]:
        return asyncio.create_task(store.imports.next_chunk(upload.import_id, position))

    if not upload.n_chunks:
        yield 0, b""
        return
    ahead = fetched(upload.chunks_done)
    try:
        for position in range(upload.chunks_done, upload.n_chunks):
            chunk = await ahead
            if chunk is None:
                raise Conflict("Another worker took this part of the upload.")
            if position + 1 < upload.n_chunks:
                ahead = fetched(position + 1)
            yield position, chunk
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)


async def _read_chunk(reader: Reader, chunk: bytes, *, is_last: bool) -> Reading:
    """In slices, so that the part before is saved meanwhile."""
    whole = Reading()
    for start in range(0, max(1, len(chunk)), SLICE_BYTES):
        end = start + SLICE_BYTES
        part = reader.read(chunk[start:end], is_last=is_last and end >= len(chunk))
        whole.add(part)
        await asyncio.sleep(0)
    return whole


class _Saving:
    """Saves parts in their order. While one is added to the campaign the next ones are read and
    made ready, so that neither the server nor this process waits for the other."""

    def __init__(self, store: RedisStore, upload: Import, campaign: Campaign) -> None:
        self._store, self._upload = store, upload
        self._sieve = Sieve(store, campaign)
        self._n_told = upload.duplicates
        self._adding: asyncio.Task[Sequence[int | None]] | None = None
        self._saving: deque[asyncio.Task[None]] = deque()

    async def __aenter__(self) -> _Saving:
        return self

    async def __aexit__(self, *_: object) -> None:
        """A part that is being saved when the next one cannot be read is saved, not torn."""
        await asyncio.gather(*self._saving, return_exceptions=True)

    async def begin(self, reading: Reading, position: Position) -> None:
        """Raises what a part before raised."""
        while len(self._saving) >= MAX_UNSAVED:
            await self._saving[0]
            self._saving.popleft()
        before = self._saving[-1] if self._saving else None
        self._adding = asyncio.create_task(self._add(reading, position, self._adding))
        self._saving.append(
            asyncio.create_task(self._commit(reading, position, self._adding, before))
        )

    async def done(self) -> None:
        for task in self._saving:
            await task

    async def _add(
        self,
        reading: Reading,
        position: Position,
        before: asyncio.Task[Sequence[int | None]] | None,
    ) -> Sequence[int | None]:
        """A kill before the commit does no harm: with its token a repeated add counts the same."""
        upload, contacts, now = self._upload, self._store.contacts, _now()
        token = f"{upload.import_id}:{position.chunks_done}:{position.line}"
        await self._sieve.sift(reading, now)
        commands = contacts.ready(
            upload.campaign_id, reading.contacts, now, token=token, list_id=upload.list_id
        )
        if before is not None:
            await before
        return await contacts.add_ready(upload.campaign_id, commands)

    async def _commit(
        self,
        reading: Reading,
        position: Position,
        adding: asyncio.Task[Sequence[int | None]],
        before: asyncio.Task[None] | None,
    ) -> None:
        ids = await adding
        if before is not None:
            await before
        n_here = sum(id_ is None for id_ in ids)
        told = reading.duplicates[: max(0, MAX_TOLD - self._n_told)]
        self._n_told += len(told)
        await self._store.imports.commit(
            self._upload.import_id,
            chunks_done=position.chunks_done,
            carry=position.carry,
            line=position.line,
            created=len(ids) - n_here,
            rejected=len(reading.rejected),
            duplicates=n_here + len(reading.duplicates),
            rejected_rows=[*reading.rejected, *told],
            bytes_done=position.bytes_done,
        )


async def _read_sheet(
    store: RedisStore, upload: Import, campaign: Campaign, may_go_on: Callable[[], bool]
) -> str:
    """A spreadsheet is read as a whole each time; rows up to the committed one are passed over."""
    size = sheet.Size()
    rows = sheet.rows_of(await _whole(store, upload), size)
    choice = choice_of(upload.columns, has_header=upload.has_header)
    reader = SheetReader(campaign.rules, choice)
    async with _Saving(store, upload, campaign) as saving:
        while some := list(islice(rows, ROWS_AT_ONCE)):
            reading = reader.read(some, after=upload.line)
            if some[-1][0] <= upload.line:
                continue
            if not may_go_on():
                await saving.done()
                return "interrupted"
            line = some[-1][0]
            n_bytes = int(upload.n_bytes * size.share_up_to(line))
            await saving.begin(reading, Position(0, line, b"", n_bytes))
        await saving.done()
    if not reader.has_layout:
        raise BadFile("The spreadsheet is empty.")
    return await _end(store, upload.import_id, ImportStatus.DONE, "")


async def _whole(store: RedisStore, upload: Import) -> bytes:
    if upload.n_bytes > sheet.MAX_BYTES:
        raise BadFile("The spreadsheet is too large: save it as CSV.")
    parts = [await store.imports.next_chunk(upload.import_id, i) for i in range(upload.n_chunks)]
    return b"".join(part for part in parts if part is not None)


async def _end(store: RedisStore, import_id: str, status: ImportStatus, error: str) -> str:
    await store.imports.finish(import_id, status, error, _now())
    log.info("import_ended", import_id=import_id, status=status.value)
    return status.value


async def waiting_imports(store: RedisStore) -> list[str]:
    """Imports that a worker should run. Uploads whose sender is lost are ended on the way."""
    latest = _now() - timedelta(seconds=UPLOAD_SILENT_S)
    waiting = []
    for upload in await store.imports.unfinished():
        if upload.status is not ImportStatus.UPLOADING:
            waiting.append(upload.import_id)
        elif upload.appended_at < latest:
            await store.imports.abort(upload.import_id, UPLOAD_CUT, _now())
    return waiting


def _now() -> datetime:
    return datetime.now(UTC)
