"""Numbers that another active campaign has, left out where the settings ask for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.import_run import run
from crm.sifting import elsewhere
from engine.core.campaign import Campaign, CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.settings import CampaignSettings, ListSettings
from engine.store import Import, RedisStore

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
PHONES = ["+12025550100", "+12025550101"]
CONTACTS = [NewContact(phone=phone, hours_class="America/New_York") for phone in PHONES]
ASKS = CampaignSettings(list=ListSettings(duplicates="active_campaigns"))


async def campaign(
    store: RedisStore, settings: CampaignSettings = ASKS, *phones: str, active: bool = True
) -> Campaign:
    made = await store.campaigns.create("A", settings, [], "test", NOW)
    for i, phone in enumerate(phones):
        contact = NewContact(phone=phone, hours_class="America/New_York")
        await store.contacts.add(made.id, [contact], NOW + timedelta(days=i))
    if active:
        step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
        return await store.campaigns.move(made.id, step, "test", NOW)
    return made


async def read(store: RedisStore, into: Campaign, text: str) -> Import:
    import_id = await store.imports.create(into.id, filename="a.csv", now=NOW)
    await store.imports.append(import_id, text.encode(), NOW)
    await store.imports.seal(import_id, NOW)
    assert await run(store, import_id, lambda: True) == "done"
    return await store.imports.get(into.id, import_id)


async def test_an_import_leaves_out_what_another_active_campaign_has(store):
    other = await campaign(store, CampaignSettings(), PHONES[0])
    mine = await campaign(store, ASKS)
    text = f"phone,name\n{PHONES[0]},Ann\n{PHONES[1]},Bea\n{PHONES[1]},Bea again\n12,Cy\n"
    done = await read(store, mine, text)
    assert (done.created, done.rejected, done.duplicates) == (1, 1, 2)
    rows = [row async for row in store.imports.rejected(done.import_id)]
    assert [(row.line, row.reason) for row in rows if row.line != 5] == [
        (2, f"phone is in campaign {other.id}, which is active")
    ]
    again = await read(store, mine, text)
    assert (again.created, again.rejected, again.duplicates) == (0, 1, 3)


async def test_without_the_setting_only_this_campaign_counts(store):
    await campaign(store, CampaignSettings(), *PHONES)
    mine = await campaign(store, CampaignSettings())
    done = await read(store, mine, f"phone\n{PHONES[0]}\n")
    assert (done.created, done.duplicates) == (1, 0)


async def test_only_active_campaigns_count_and_not_oneself(store):
    await campaign(store, CampaignSettings(), PHONES[0], active=False)
    mine = await campaign(store, ASKS, PHONES[1])
    assert await elsewhere(store, mine, CONTACTS, NOW) == [None, None]


@pytest.mark.parametrize(
    ("days", "after_days", "held"),
    [(None, 400, [True, True]), (3, 2, [True, True]), (3, 3.5, [False, True]), (3, 5, [False] * 2)],
)
async def test_numbers_of_others_count_for_so_many_days(store, days, after_days, held):
    other = await campaign(store, CampaignSettings(), *PHONES)
    rules = ListSettings(duplicates="active_campaigns", duplicates_within_days=days)
    mine = await campaign(store, CampaignSettings(list=rules))
    found = await elsewhere(store, mine, CONTACTS, NOW + timedelta(days=after_days))
    assert found == [other.id if each else None for each in held]


async def test_another_phone_of_a_contact_is_asked_for_too(store):
    other = await campaign(store, CampaignSettings(), PHONES[1])
    mine = await campaign(store, ASKS)
    both = NewContact(phone=PHONES[0], phones=(PHONES[1],), hours_class="America/New_York")
    assert await elsewhere(store, mine, [CONTACTS[0], both], NOW) == [None, other.id]


async def test_a_contact_loses_the_phones_on_a_list_and_is_refused_without_any(store):
    mine = await campaign(store, CampaignSettings())
    for phone in ("+12125550101", "+12125550102"):
        await store.dnc.add(phone, source="x", actor="t", now=NOW)
    done = await read(
        store,
        mine,
        "phone1,phone2\n+12125550101,+13055550100\n+12125550101,+12125550102\n"
        "+13055550101,+12125550102\n",
    )
    assert (done.created, done.rejected) == (2, 1)
    rows = [row async for row in store.imports.rejected(done.import_id)]
    assert [(row.line, row.reason) for row in rows] == [(3, "phone is on a do-not-call list")]
    contacts, _ = await store.contacts.list(mine.id)
    assert [(c.phone, c.other_phones) for c in contacts] == [
        ("+13055550100", ()),
        ("+13055550101", ()),
    ]
    assert {c.hours_class for c in contacts} == {"America/New_York;US-FL"}
