"""`dialer import`: a calling list from a file, without the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cli.engine import open_store
from cli.settings import Settings
from crm.import_run import run
from engine.store import Import, ImportStatus, RedisStore

CHUNK_BYTES = 64 * 1024
#: A worker that took the import is looked at so often.
POLL_S = 0.5
ENDED = (ImportStatus.DONE, ImportStatus.FAILED)


async def import_file(settings: Settings, campaign_id: int, file: Path) -> dict[str, object]:
    """Status and counts of the import. Raises NotFound for an unknown campaign."""
    async with open_store(settings) as store:
        await store.campaigns.get(campaign_id)
        import_id = await _stage(store, campaign_id, file)
        while True:
            await run(store, import_id, lambda: True)
            result = await store.imports.get(campaign_id, import_id)
            if result.status in ENDED:
                return _shown(result)
            await asyncio.sleep(POLL_S)


async def _stage(store: RedisStore, campaign_id: int, file: Path) -> str:
    now = datetime.now(UTC)
    import_id = await store.imports.create(campaign_id, filename=file.name, now=now)
    try:
        for chunk in _chunks(file):
            await store.imports.append(import_id, chunk, datetime.now(UTC))
    except OSError as error:
        await store.imports.abort(import_id, f"could not read the file: {error}", now)
        raise ValueError(f"{file}: {error.strerror}") from None
    await store.imports.seal(import_id, datetime.now(UTC))
    return import_id


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _shown(result: Import) -> dict[str, object]:
    shown: dict[str, object] = {
        "import_id": result.import_id,
        "status": result.status.value,
        "created": result.created,
        "rejected": result.rejected,
        "duplicates": result.duplicates,
    }
    return {**shown, "error": result.error} if result.error else shown
