"""Campaigns as administrators see them, and their status."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.errors import CampaignFinal, Invalid, InvalidTransition, NotFound, VersionConflict
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.core.settings import CampaignSettings, ListSettings
from engine.store import RedisStore

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
DRAFT, ACTIVE, PAUSED = CampaignStatus.DRAFT, CampaignStatus.ACTIVE, CampaignStatus.PAUSED
STOPPED, COMPLETED = CampaignStatus.STOPPED, CampaignStatus.COMPLETED
LIVE = CampaignSettings(list=ListSettings(method="api", live=True))


async def make(store, name="A", settings=None, agent_ids=(), at=NOW):
    settings = settings or CampaignSettings()
    return await store.campaigns.create(name, settings, agent_ids, "tester", at)


async def move(store, campaign_id, *statuses):
    for from_, to in itertools.pairwise(statuses):
        step = Transition(from_, to, "manual" if to is PAUSED else "")
        await store.campaigns.move(campaign_id, step, "tester", NOW)


async def names(store, **query):
    found, cursor = [], None
    while True:
        page = await store.campaigns.list(limit=2, cursor=cursor, **query)
        found += [campaign.name for campaign in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_a_new_campaign_is_a_draft(store):
    campaign = await make(store, "Ünï", LIVE)
    assert (campaign.name, campaign.status, campaign.version) == ("Ünï", DRAFT, 1)
    assert (campaign.settings, campaign.live, campaign.created_at) == (LIVE, True, NOW)
    assert await store.campaigns.get(campaign.id) == campaign
    with pytest.raises(NotFound):
        await store.campaigns.get(campaign.id + 1)


async def test_lists_sort_filter_and_page(store):
    for i, name in enumerate(["beta", "Alpha", "gamma", "alpha"]):
        await make(store, name, LIVE if i == 2 else None, at=NOW + timedelta(seconds=i))
    await move(store, 1, DRAFT, ACTIVE)
    await move(store, 2, DRAFT, ACTIVE, STOPPED)
    assert await names(store) == ["alpha", "gamma", "Alpha", "beta"]
    assert await names(store, sort="created_at") == ["beta", "Alpha", "gamma", "alpha"]
    assert await names(store, sort="name") == ["Alpha", "alpha", "beta", "gamma"]
    assert await names(store, sort="status") == ["gamma", "alpha", "beta", "Alpha"]
    assert await names(store, name="ALPH") == ["alpha", "Alpha"]
    assert await names(store, live=True) == ["gamma"]
    assert await names(store, status=["active", "stopped"]) == ["Alpha", "beta"]


@pytest.mark.parametrize("cursor", ["", "%%", "bm9wZQ", "WyJuYW1lIiwgMSwgMV0", "ü"])
async def test_a_bad_cursor_is_named(store, cursor):
    with pytest.raises(Invalid) as caught:
        await store.campaigns.list(cursor=cursor)
    assert caught.value.errors[0].field == "cursor"


async def test_an_unknown_sort_is_named(store):
    with pytest.raises(Invalid) as caught:
        await store.campaigns.list(sort="size")
    assert caught.value.errors[0].field == "sort"


async def test_edits_move_the_version(store):
    campaign = await make(store)
    update, who = store.campaigns.update, {"actor": "tester", "now": NOW}
    edited = await update(campaign.id, name="B", settings=LIVE, version=1, **who)
    assert (edited.name, edited.live, edited.version) == ("B", True, 2)
    with pytest.raises(VersionConflict):
        await update(campaign.id, name="C", version=1, **who)
    with pytest.raises(NotFound):
        await update(99, name="C", **who)


async def test_a_final_campaign_cannot_be_edited_or_filled(store):
    campaign = await make(store)
    await move(store, campaign.id, DRAFT, ACTIVE, STOPPED)
    with pytest.raises(CampaignFinal):
        await store.campaigns.update(campaign.id, name="B", actor="tester", now=NOW)
    with pytest.raises(CampaignFinal):
        contact = NewContact(phone="+12025550100", hours_class="")
        await store.contacts.add(campaign.id, [contact], NOW)
    with pytest.raises(CampaignFinal):
        await store.imports.create(campaign.id, filename="a.csv", now=NOW)


async def test_a_move_is_made_once_and_written_down(store):
    campaign = await make(store)
    answers = await asyncio.gather(
        *(move(store, campaign.id, DRAFT, ACTIVE) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(answer, InvalidTransition) for answer in answers) == 4
    await move(store, campaign.id, ACTIVE, PAUSED)
    paused = await store.campaigns.get(campaign.id)
    assert (paused.status, paused.status_reason, paused.version) == (PAUSED, "manual", 1)
    page = await store.audit.list(campaign_id=campaign.id)
    assert [entry.action for entry in page.items] == ["status", "status", "create"]
    newest = page.items[0]
    assert (newest.actor, newest.subject) == ("tester", f"campaign:{campaign.id}")
    assert newest.detail == {"from": "active", "to": "paused", "reason": "manual"}


async def test_open_campaigns_are_those_with_something_to_do(rig):
    await rig.add(1)
    store = rig.store
    draft = await make(store)
    (claim,) = await rig.dial()
    await rig.move(ACTIVE, STOPPED)
    assert await store.campaigns.open_ids() == [rig.campaign_id], "a call still lives"
    await rig.settle(claim, Outcome.ANSWERED)
    assert await store.campaigns.open_ids() == [rig.campaign_id], "a wrap-up must end"
    await rig.finish(claim, None, Done("answered"))
    assert await store.campaigns.open_ids() == []
    await move(store, draft.id, DRAFT, ACTIVE, PAUSED)
    assert await store.campaigns.open_ids() == [draft.id]


async def test_it_completes_when_nothing_is_left(rig):
    complete = rig.store.campaigns.complete_if_exhausted
    await rig.add(1)
    assert not await complete(rig.campaign_id, rig.now)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED)
    assert not await complete(rig.campaign_id, rig.now), "in wrap-up"
    import_id = await rig.store.imports.create(rig.campaign_id, filename="", now=rig.now)
    await rig.finish(claim, None, Done("answered"))
    assert not await complete(rig.campaign_id, rig.now), "an import runs"
    await rig.store.imports.abort(import_id, "cut off", rig.now)
    assert await complete(rig.campaign_id, rig.now)
    assert not await complete(rig.campaign_id, rig.now)
    campaign = await rig.store.campaigns.get(rig.campaign_id)
    assert (campaign.status, campaign.progress) == (COMPLETED, 100.0)


async def test_live_and_paused_campaigns_do_not_complete(rig):
    await rig.store.campaigns.update(rig.campaign_id, settings=LIVE, actor="tester", now=NOW)
    assert not await rig.store.campaigns.complete_if_exhausted(rig.campaign_id, rig.now)
    await rig.store.campaigns.update(
        rig.campaign_id, settings=CampaignSettings(), actor="tester", now=NOW
    )
    await rig.move(ACTIVE, PAUSED, "manual")
    assert not await rig.store.campaigns.complete_if_exhausted(rig.campaign_id, rig.now)


async def test_only_a_draft_can_be_deleted_and_leaves_nothing(store):
    campaign, other = await make(store), await make(store)
    contacts = [NewContact(phone=f"+1202555{i:04}", hours_class="") for i in range(20)]
    await store.contacts.add(campaign.id, contacts, NOW)
    await store.campaigns.delete(campaign.id, "tester", NOW)
    with pytest.raises(NotFound):
        await store.campaigns.delete(campaign.id, "tester", NOW)
    await move(store, other.id, DRAFT, ACTIVE)
    with pytest.raises(InvalidTransition):
        await store.campaigns.delete(other.id, "tester", NOW)
    assert [each.id for each in (await store.campaigns.list()).items] == [other.id]
    left = await store._link.call("KEYS", f"*{{c:{campaign.id}}}*")
    prefix = store._keys.prefix
    assert [key for key in left if key.startswith(prefix)] == []


async def test_live_figures_and_queues(store):
    campaign = await make(store)
    assert await store.campaigns.live_figures(campaign.id) is None
    await store.campaigns.publish_live(campaign.id, {"calls": {"ringing": 2}})
    assert await store.campaigns.live_figures(campaign.id) == {"calls": {"ringing": 2}}
    await store.campaigns.assign_queue(campaign.id, "dialer-1")
    assert (await store.campaigns.get(campaign.id)).queue == "dialer-1"
    assert await store.campaigns.pool_queues_in_use() == {"dialer-1": campaign.id}
    await move(store, campaign.id, DRAFT, ACTIVE, STOPPED)
    assert await store.campaigns.pool_queues_in_use() == {}


async def test_a_list_knows_every_change_of_another_process(store, valkey_url):
    """What a list sorts and filters by is kept for a moment."""
    other = await RedisStore.connect(valkey_url, prefix=store._keys.prefix)
    try:
        made = await make(store, "A")
        assert await names(other) == ["A"]
        second = await make(store, "B")
        assert await names(other, sort="name") == ["A", "B"]
        await store.campaigns.update(made.id, name="C", actor="t", now=NOW)
        assert await names(other, sort="name") == ["B", "C"]
        await move(store, made.id, DRAFT, ACTIVE, STOPPED)
        assert await names(other, status=[STOPPED]) == ["C"]
        await store.campaigns.delete(second.id, "t", NOW)
        assert await names(other) == ["C"]
    finally:
        await other.close()


async def test_live_figures_of_many_are_read_at_once(store):
    ids = [(await make(store)).id for _ in range(3)]
    await store.campaigns.publish_live(ids[0], {"idle_reasons": ["no_agents"]})
    assert await store.campaigns.live_figures_of(ids) == {ids[0]: {"idle_reasons": ["no_agents"]}}
    assert await store.campaigns.live_figures_of([]) == {}
    await store.campaigns.publish_live_of({each: {"calls": {"ringing": each}} for each in ids[1:]})
    read = await store.campaigns.live_figures_of(ids)
    assert [read[each] for each in ids[1:]] == [{"calls": {"ringing": each}} for each in ids[1:]]
