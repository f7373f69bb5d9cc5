"""`dialer export`: a campaign's records and figures as an archive, without the HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from admin_api.export import Export
from cli.engine import open_store
from cli.settings import Settings


async def export_campaign(settings: Settings, campaign_id: int, to: Path) -> dict[str, object]:
    """Writes the archive; a file that is there is replaced once the new one is whole.

    Raises NotFound, and OSError where the file cannot be written.
    """
    part, n_bytes = to.with_name(f"{to.name}.part"), 0
    async with open_store(settings) as store:
        campaign = await store.campaigns.get(campaign_id)
        with part.open("wb") as file:
            async for chunk in Export(store, campaign, datetime.now(UTC)).chunks():
                n_bytes += file.write(chunk)
    part.replace(to)
    return {"campaign_id": campaign_id, "file": str(to), "bytes": n_bytes}
