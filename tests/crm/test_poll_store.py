"""Plan of polls, and leads that become contacts, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import ContactState, NewContact
from engine.core.errors import CampaignFinal, Fenced
from engine.core.settings import CampaignSettings
from engine.ports import Fence
from engine.store import RedisStore, Stored

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
NEW_YORK, DENVER = "America/New_York", "America/Denver"


def lead(n: int, phone: str | None = None, zone: str = NEW_YORK, **more: object) -> NewContact:
    phone = phone or f"+1202555{n:04}"
    return NewContact(phone=phone, hours_class=zone, external_id=str(n), **more)  # type: ignore[arg-type]


@pytest.fixture
async def campaign_id(store: RedisStore) -> int:
    listing = {"method": "crm", "connector_id": "1", "live": True}
    settings = CampaignSettings.model_validate({"list": listing})
    return (await store.campaigns.create("A", settings, [], "test", NOW)).id


async def counts(store: RedisStore, campaign_id: int) -> dict[str, int]:
    found = await store.calls.counts(campaign_id)
    return {name: n for name, n in found.items() if n}


# ---------------------------------------------------------------------------------- upsert


async def test_a_lead_is_one_contact_however_often_it_is_read(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    leads = [lead(n) for n in range(600)]
    first = await store.polls.upsert(pull, leads, NOW)
    assert [stored for stored, _ in first] == [Stored.ADDED] * 600
    again = await store.polls.upsert(pull, leads, NOW)
    assert {stored for stored, _ in again} == {Stored.SAME}
    assert [id_ for _, id_ in again] == [id_ for _, id_ in first]
    assert await counts(store, campaign_id) == {"contacts": 600, "ready": 600}


async def test_a_lead_keeps_its_other_phones(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    a, b, c, theirs = (f"+1202555020{i}" for i in range(4))
    await store.polls.upsert(pull, [lead(9, theirs)], NOW)
    (stored, contact_id), *_ = await store.polls.upsert(pull, [lead(1, a, phones=(b, theirs))], NOW)
    contact = await store.contacts.get(campaign_id, contact_id)
    assert (stored, contact.phone, contact.other_phones) == (Stored.ADDED, a, (b,))
    await store.polls.upsert(pull, [lead(1, a, phones=(c, b))], NOW)
    assert (await store.contacts.get(campaign_id, contact_id)).other_phones == (c, b)
    await store.polls.upsert(pull, [lead(1, b)], NOW)
    contact = await store.contacts.get(campaign_id, contact_id)
    assert (contact.phone, contact.other_phones) == (b, ())
    (again, _), *_ = await store.polls.upsert(pull, [lead(2, a)], NOW)
    assert again is Stored.DUPLICATE  # the old number stays its contact's


async def test_a_changed_lead_changes_its_contact_and_where_it_waits(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    long = {"variables": {"note": "x" * 200}, "name": "Ann " * 30}
    (_, contact_id), *_ = await store.polls.upsert(pull, [lead(1, **long), lead(2)], NOW)
    changed = lead(1, "+13035550100", DENVER, name="Bea", priority=7)
    assert await store.polls.upsert(pull, [changed], NOW) == [(Stored.CHANGED, contact_id)]
    contact = await store.contacts.get(campaign_id, contact_id)
    assert (contact.phone, contact.name, contact.priority) == ("+13035550100", "Bea", 7)
    assert (contact.variables, contact.external_id) == ({}, "1")
    assert set(await store.calls.hours_classes(campaign_id)) == {NEW_YORK, DENVER}
    move = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign_id, move, "test", NOW)
    fence = Fence(owner="e", epoch=1)
    await store.campaigns.fence(campaign_id, fence)
    ids = [f"{campaign_id}a{n:020}" for n in range(3)]
    claims = await store.calls.claim(campaign_id, fence, ids, [NEW_YORK, DENVER], NOW, 10)
    assert [claim.phone for claim in claims] == ["+13035550100", "+12025550002"]


async def test_a_lead_without_its_postal_code_loses_it(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    for code in ("10001", None):
        ((stored, contact_id),) = await store.polls.upsert(pull, [lead(1, postal_code=code)], NOW)
        assert (await store.contacts.get(campaign_id, contact_id)).postal_code == code
    assert stored is Stored.CHANGED


async def test_a_number_of_another_contact_is_left_alone(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    await store.polls.upsert(pull, [lead(1), lead(2)], NOW)
    found = await store.polls.upsert(pull, [lead(3, "+12025550001"), lead(2, "+12025550001")], NOW)
    assert [stored for stored, _ in found] == [Stored.DUPLICATE, Stored.DUPLICATE]
    assert (await store.contacts.get(campaign_id, 2)).phone == "+12025550002"
    assert (await counts(store, campaign_id))["contacts"] == 2


async def test_a_withdrawn_lead_is_not_dialled_and_does_not_come_back(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    await store.polls.upsert(pull, [lead(1), lead(2)], NOW)
    assert await store.polls.withdraw(pull, ["1", "77"], "crm", NOW) == 1
    assert await store.polls.withdraw(pull, ["1", "77"], "crm", NOW) == 0
    await store.polls.upsert(pull, [lead(1)], NOW)
    contact = await store.contacts.get(campaign_id, 1)
    assert contact.state is ContactState.WITHDRAWN
    assert await counts(store, campaign_id) == {
        "contacts": 2, "ready": 1, "withdrawn": 1, "complete": 1,
    }  # fmt: skip


async def test_who_began_before_stores_nothing_more(store, campaign_id):
    old = await store.polls.begin_pull(campaign_id, "1", NOW)
    new = await store.polls.begin_pull(campaign_id, "1", NOW)
    with pytest.raises(Fenced):
        await store.polls.upsert(old, [lead(1)], NOW)
    with pytest.raises(Fenced):
        await store.polls.commit(old, "p", is_whole=True, counts={})
    await store.polls.commit(new, "p", is_whole=False, counts={"added": 2})
    await store.polls.commit(new, "q", is_whole=False, counts={"added": 1})
    assert (await store.polls.begin_pull(campaign_id, "1", NOW)).position == "q"
    status = await store.polls.status(campaign_id)
    assert status.counts == {"added": 3}
    assert (await store.polls.begin_pull(campaign_id, "2", NOW)).position == ""


async def test_a_final_campaign_takes_no_leads(store, campaign_id):
    pull = await store.polls.begin_pull(campaign_id, "1", NOW)
    for from_, to in (("draft", "active"), ("active", "stopped")):
        move = Transition(CampaignStatus(from_), CampaignStatus(to), "")
        await store.campaigns.move(campaign_id, move, "test", NOW)
    with pytest.raises(CampaignFinal):
        await store.polls.upsert(pull, [lead(1)], NOW)


async def test_a_crm_list_is_complete_only_when_it_was_read_to_its_end(store):
    listing = {"method": "crm", "connector_id": "5"}
    settings = CampaignSettings.model_validate({"list": listing})
    campaign = await store.campaigns.create("A", settings, [], "test", NOW)
    move = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign.id, move, "test", NOW)
    assert not await store.campaigns.complete_if_exhausted(campaign.id, NOW)
    pull = await store.polls.begin_pull(campaign.id, "5", NOW)
    await store.polls.commit(pull, "p", is_whole=False, counts={})
    assert not await store.campaigns.complete_if_exhausted(campaign.id, NOW)
    await store.polls.commit(pull, "p", is_whole=True, counts={})
    assert await store.campaigns.complete_if_exhausted(campaign.id, NOW)


# ------------------------------------------------------------------------------------ plan


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def test_a_new_source_is_polled_at_once_and_then_by_its_interval(store):
    await store.polls.plan({7: 60}, NOW)
    (poll,) = await store.polls.pop(NOW)
    assert (poll.campaign_id, poll.number) == (7, 1)
    assert await store.polls.pop(after(1)) == []
    assert await store.polls.begin(poll, after(1))
    assert not await store.polls.begin(poll, after(1)), "the same job twice"
    assert await store.polls.done(poll, after(3), None) == after(60)
    assert await store.polls.pop(after(59.9)) == []
    assert len(await store.polls.pop(after(60))) == 1


async def test_a_poll_whose_worker_was_lost_comes_back_within_a_minute(store):
    await store.polls.plan({7: 5}, NOW)
    (first,) = await store.polls.pop(NOW)
    assert await store.polls.begin(first, NOW)
    assert await store.polls.keep_up(first, after(30))
    assert await store.polls.pop(after(70)) == []
    (second,) = await store.polls.pop(after(80))
    assert (second.slot_ms, second.number) == (first.slot_ms, 2)
    assert not await store.polls.keep_up(first, after(81))
    assert await store.polls.done(first, after(81), None) is None
    assert await store.polls.begin(second, after(81))
    assert await store.polls.done(second, after(82), None) == after(82)


async def test_a_change_of_interval_acts_at_once(store):
    await store.polls.plan({7: 3600}, NOW)
    (poll,) = await store.polls.pop(NOW)
    await store.polls.begin(poll, NOW)
    await store.polls.done(poll, after(1), None)
    await store.polls.plan({7: 10}, after(5))
    assert await store.polls.pop(after(9)) == []
    assert len(await store.polls.pop(after(10))) == 1


async def test_what_is_not_wanted_any_more_is_not_polled(store):
    await store.polls.plan({7: 5, 8: 5}, NOW)
    await store.polls.plan({8: 5}, NOW)
    assert [poll.campaign_id for poll in await store.polls.pop(NOW)] == [8]
    assert await store.polls.now([7], NOW) == 0


async def test_poll_now_also_while_one_runs(store):
    await store.polls.plan({7: 3600}, NOW)
    (poll,) = await store.polls.pop(NOW)
    await store.polls.begin(poll, NOW)
    assert await store.polls.now([7], after(1)) == 1
    assert await store.polls.pop(after(1)) == []
    assert await store.polls.done(poll, after(2), None) == after(2)
    (poll,) = await store.polls.pop(after(2))
    await store.polls.begin(poll, after(2))
    assert await store.polls.done(poll, after(3), after(300)) == after(300)
    assert await store.polls.now([7], after(4)) == 1
    assert len(await store.polls.pop(after(4))) == 1


async def test_one_leads(store):
    fence = await store.polls.lead("a", NOW, 5)
    assert fence and await store.polls.lead("b", after(1), 5) is None
    assert await store.polls.lead("b", after(6), 5)


# ------------------------------------------------------------------------------------ pace


async def test_one_pace_for_all_workers(store):
    waits = [await store.connectors.wait_s("3", 10, 2, NOW) for _ in range(4)]
    assert waits == [0, 0, 0.1, 0.1]
    assert await store.connectors.wait_s("3", 10, 2, after(0.1)) == 0
    await store.connectors.rest("3", 30, after(1))
    assert await store.connectors.wait_s("3", 10, 2, after(2)) == 29
    assert await store.connectors.wait_s("3", 10, 2, after(31)) == 0
