"""Leads that were deleted in the CRM: no window of changes tells of them, so they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from crm.port import Connector
from engine.core.campaign import Campaign
from engine.core.contact import COMPLETE, Contact
from engine.store import Poll, Pull, RedisStore

#: So often, and for each contact of a large campaign so much later: 14 hours for a million.
EVERY_S: Final = 3600.0
PER_CONTACT_S: Final = 0.05
AT_ONCE: Final = 100
log = structlog.get_logger(__name__)


async def look_for_deleted(
    store: RedisStore,
    poll: Poll,
    campaign: Campaign,
    connector: Connector,
    may_go_on: Callable[[], bool],
) -> str:
    """Withdraws contacts whose lead is gone. Returns done, stale or interrupted, as a poll does.

    Raises CrmError. It counts as done only at its end, so that a killed one begins again.
    """
    connector_id, now = campaign.settings.list.connector_id or "", _now()
    every_s = max(EVERY_S, campaign.n_contacts * PER_CONTACT_S)
    checked_at = await store.polls.checked_at(campaign.id)
    if checked_at is not None and now - checked_at < timedelta(seconds=every_s):
        return "done"
    if checked_at is None and not campaign.n_contacts:
        await store.polls.note_checked(campaign.id, now)
        return "done"
    after: int | None = 0
    while after is not None:
        if not may_go_on():
            return "interrupted"
        if not await store.polls.keep_up(poll, _now()):
            return "stale"
        contacts, after = await store.contacts.list(campaign.id, after=after, limit=AT_ONCE)
        ids = _ours(contacts, connector_id)
        found = await connector.existing(ids) if ids else frozenset()
        if found is None:
            break
        gone = [one for one in ids if one not in found]
        if gone:
            pull = Pull(campaign.id, connector_id, 0, "")
            n = await store.polls.withdraw(pull, gone, f"connector {connector_id}", _now())
            log.info("leads_deleted", campaign_id=campaign.id, n=n)
    await store.polls.note_checked(campaign.id, now)
    return "done"


def _ours(contacts: Sequence[Contact], connector_id: str) -> list[str]:
    """External ids of those that came by the connection and can still be called."""
    source = f"crm:{connector_id}"
    return [
        one.external_id for one in contacts
        if one.external_id and one.source == source and one.state not in COMPLETE
    ]  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)
