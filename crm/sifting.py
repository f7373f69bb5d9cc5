"""What keeps good rows of a list out: a do-not-call list, or another active campaign's contact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from crm.contact_in import ON_DNC, with_phones
from crm.import_reader import Reading
from engine.core.campaign import Campaign, CampaignStatus
from engine.core.contact import NewContact
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
        held = await elsewhere(self._store, self._campaign, reading.contacts, now)
        if any(held):
            reasons = [None if holder is None else told(holder) for holder in held]
            reading.duplicates += reading.take_out(reasons)

    async def _without_dnc(self, reading: Reading) -> None:
        if not reading.contacts or await self._store.dnc.is_empty(self._scopes):
            return
        kept = await without_listed(self._store, self._campaign, reading.contacts)
        reasons = [f"phone {ON_DNC}" if contact is None else None for contact in kept]
        pairs = zip(kept, reading.contacts, strict=True)
        reading.contacts = [contact or before for contact, before in pairs]
        if any(reasons):
            reading.rejected += reading.take_out(reasons)


async def without_listed(
    store: RedisStore, campaign: Campaign, contacts: Sequence[NewContact]
) -> Sequence[NewContact | None]:
    """Each contact without its numbers on a do-not-call list, None where no other is left.

    They are not taken at all, and are asked again before each call.
    """
    scopes = scopes_of(campaign)
    phones = [_phones(contact) for contact in contacts]
    asked = [(phone, scopes) for some in phones for phone in some]
    listed = iter(await store.dnc.listed(asked))
    free = [[phone for phone in some if not next(listed)] for some in phones]
    return [
        contact if len(left) == len(some) else with_phones(contact, left) if left else None
        for contact, some, left in zip(contacts, phones, free, strict=True)
    ]


def told(holder: int) -> str:
    return f"phone is in campaign {holder}, which is active"


async def elsewhere(
    store: RedisStore, campaign: Campaign, contacts: Sequence[NewContact], now: datetime
) -> Sequence[int | None]:
    """For each contact an active campaign that has one of its phones, where the settings ask; not
    this one.

    Two imports into two campaigns at the same instant may both take a number: it is called by one
    of them at a time anyway, and limits count the calls of both.
    """
    rules = campaign.settings.list
    if rules.duplicates != "active_campaigns" or not contacts:
        return [None] * len(contacts)
    phones = [_phones(contact) for contact in contacts]
    others = await _active(store, campaign.id)
    asked = [phone for some in phones for phone in some]
    holders = iter(await store.contacts.holders(others, asked, _since(rules, now)))
    of_each = [[next(holders) for _ in some] for some in phones]
    return [next((holder for holder in some if holder is not None), None) for some in of_each]


def _phones(contact: NewContact) -> tuple[str, ...]:
    return (contact.phone, *contact.phones)


async def _active(store: RedisStore, campaign_id: int) -> list[int]:
    found = [each for each in await store.campaigns.open_ids() if each != campaign_id]
    statuses = await store.campaigns.statuses(found)
    return [each for each, status in zip(found, statuses, strict=True) if status in ACTIVE]


def _since(rules: ListSettings, now: datetime) -> datetime | None:
    days = rules.duplicates_within_days
    return None if days is None else now - timedelta(days=days)
