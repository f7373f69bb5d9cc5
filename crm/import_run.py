"""One import from its staged upload into the campaign, resumable after every chunk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from crm.import_reader import Reader, Reading
from crm.imports import BadFile
from engine.core.errors import CampaignFinal, Conflict, NotFound
from engine.store import Import, ImportStatus, RedisStore

#: An upload that is not complete after so long has lost its sender.
UPLOAD_LIMIT_S = 3600
_GRACE_S = 60
log = structlog.get_logger(__name__)


async def run(store: RedisStore, import_id: str, may_go_on: Callable[[], bool]) -> str:
    """Bring the import to its end.

    Returns done, failed, gone (nothing to do), interrupted, or busy (another worker is faster).
    `may_go_on` is asked before each chunk. Raises StoreUnavailable; run it again then.
    """
    upload = next((u for u in await store.imports.unfinished() if u.import_id == import_id), None)
    if upload is None or upload.status is ImportStatus.UPLOADING:
        return "gone"
    try:
        return await _read_all(store, upload, may_go_on)
    except (BadFile, CampaignFinal, NotFound) as error:
        return await _end(store, import_id, ImportStatus.FAILED, error.message)
    except Conflict:
        return "busy"


async def _read_all(store: RedisStore, upload: Import, may_go_on: Callable[[], bool]) -> str:
    campaign = await store.campaigns.get(upload.campaign_id)
    reader = Reader(campaign.settings.list.default_country, upload.carry, upload.line or 1)
    n_chunks = max(1, upload.n_chunks)  # an empty file has none, and an error to find
    for position in range(upload.chunks_done, n_chunks):
        if not may_go_on():
            return "interrupted"
        chunk = await store.imports.next_chunk(upload.import_id, position)
        if chunk is None and upload.n_chunks:
            raise Conflict("Another worker took this part of the upload.")
        reading = reader.read(chunk or b"", is_last=position + 1 == n_chunks)
        await _save(store, upload, position, reader, reading)
    return await _end(store, upload.import_id, ImportStatus.DONE, "")


async def _save(
    store: RedisStore, upload: Import, position: int, reader: Reader, reading: Reading
) -> None:
    """A kill between the two steps does no harm: the token makes a repeated add count the same."""
    token = f"{upload.import_id}:{position}"
    ids = await store.contacts.add(upload.campaign_id, reading.contacts, _now(), token=token)
    n_duplicates = sum(id_ is None for id_ in ids)
    await store.imports.commit(
        upload.import_id,
        chunks_done=position + 1,
        carry=reader.carry,
        line=reader.line,
        created=len(ids) - n_duplicates,
        rejected=len(reading.rejected),
        duplicates=n_duplicates,
        rejected_rows=reading.rejected,
    )


async def _end(store: RedisStore, import_id: str, status: ImportStatus, error: str) -> str:
    await store.imports.finish(import_id, status, error, _now())
    log.info("import_ended", import_id=import_id, status=status.value)
    return status.value


async def waiting_imports(store: RedisStore) -> list[str]:
    """Imports that a worker should run. Uploads whose sender is lost are ended on the way."""
    latest = _now() - timedelta(seconds=UPLOAD_LIMIT_S + _GRACE_S)
    waiting = []
    for upload in await store.imports.unfinished():
        if upload.status is not ImportStatus.UPLOADING:
            waiting.append(upload.import_id)
        elif upload.created_at < latest:
            reason = "The upload ended before its end."
            await store.imports.abort(upload.import_id, reason, _now())
    return waiting


def _now() -> datetime:
    return datetime.now(UTC)
