"""What keeps good rows of a list out: a do-not-call list, or another active campaign's contact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crm.contact_in import ON_DNC
from crm.import_reader import Reading
from engine.core.campaign import Campaign, CampaignStatus
from engine.core.settings import ListSettings
from engine.store import RedisStore
from engine.store.dnc import scopes_of

#: Rows of one import that another campaign has, told with line and reason; all are counted.
MAX_TOLD = 10_000
ACTIVE = (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)


class Sieve:
    """For one campaign."""

    def __init__(self, store: RedisStore, campaign: Campaign) -> None:
        self._store, self._campaign = store, campaign
        self._scopes = scopes_of(campaign)

    async def sift(self, reading: Reading, now: datetime) -> None:
        """Moves rows from the contacts to the rejected ones and the duplicates."""
        await self._without_dnc(reading)
        phones = [contact.phone for contact in reading.contacts]
        held = await elsewhere(self._store, self._campaign, phones, now)
        if any(held):
            reasons = [None if holder is None else told(holder) for holder in held]
            reading.duplicates += reading.take_out(reasons)

    async def _without_dnc(self, reading: Reading) -> None:
        """A number on a list is not taken at all; it is asked again before each call."""
        if not reading.contacts or await self._store.dnc.is_empty(self._scopes):
            return
        asked = [(contact.phone, self._scopes) for contact in reading.contacts]
        listed = await self._store.dnc.listed(asked)
        if any(listed):
            reading.rejected += reading.take_out([f"phone {ON_DNC}" if x else None for x in listed])


def told(holder: int) -> str:
    return f"phone is in campaign {holder}, which is active"


async def elsewhere(
    store: RedisStore, campaign: Campaign, phones: Sequence[str], now: datetime
) -> Sequence[int | None]:
    """For each phone an active campaign that has it, where the settings ask; not this one.

    Two imports into two campaigns at the same instant may both take a number: it is called by one
    of them at a time anyway, and limits count the calls of both.
    """
    rules = campaign.settings.list
    if rules.duplicates != "active_campaigns" or not phones:
        return [None] * len(phones)
    others = await _active(store, campaign.id)
    return await store.contacts.holders(others, phones, _since(rules, now))


async def _active(store: RedisStore, campaign_id: int) -> list[int]:
    found = [each for each in await store.campaigns.open_ids() if each != campaign_id]
    statuses = await store.campaigns.statuses(found)
    return [each for each, status in zip(found, statuses, strict=True) if status in ACTIVE]


def _since(rules: ListSettings, now: datetime) -> datetime | None:
    days = rules.duplicates_within_days
    return None if days is None else now - timedelta(days=days)
