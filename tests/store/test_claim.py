"""Who is dialled next, by whom, and never twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from engine.core import ids
from engine.core.campaign import CampaignStatus
from engine.core.contact import ContactState
from engine.core.errors import Fenced
from engine.core.outcome import Outcome
from engine.ports import Fence

NEW_YORK, DENVER = "America/New_York", "America/Denver"


async def test_a_claim_names_the_contact_and_its_history(rig):
    await rig.add(1, name="Ann", external_id="x-1")
    (first,) = await rig.dial()
    await rig.settle(first, Outcome.BUSY, rig.in_s(0))
    (claim,) = await rig.claim()
    assert (claim.contact_id, claim.phone, claim.name) == (1, "+12025550000", "Ann")
    assert (claim.external_id, claim.hours_class, claim.number) == ("x-1", NEW_YORK, 2)
    assert (claim.history.n_attempts, claim.history.outcomes) == (1, {Outcome.BUSY: 1})
    contact = await rig.contact()
    assert (contact.state, contact.attempt_id) == (ContactState.IN_FLIGHT, claim.attempt_id)


async def test_long_names_come_back_whole(rig):
    name, external_id = "Ä" * 150, "x" * 65
    await rig.add(1, name=name, external_id=external_id)
    (claim,) = await rig.claim()
    assert (claim.name, claim.external_id) == (name, external_id)


async def test_lower_priority_numbers_first_then_the_order_of_arrival(rig):
    await rig.add(12)
    await rig.add(1, first=50, priority=900)
    await rig.add(2, first=60, priority=1, zone=DENVER)
    claims = await rig.claim(15)
    assert [claim.contact_id for claim in claims] == [14, 15, *range(1, 13), 13]


async def test_due_callbacks_come_first_then_redials_then_new_ones(rig):
    await rig.add(4, priority=1)
    later, redial, callback, _ = await rig.dial(4)
    await rig.settle(later, Outcome.BUSY, rig.in_s(2))
    await rig.settle(redial, Outcome.BUSY, rig.in_s(1))
    await rig.settle(callback, Outcome.ANSWERED, rig.callback_in_s(3))
    await rig.add(1, first=90, priority=1)
    rig.pass_s(3)
    assert [claim.contact_id for claim in await rig.claim(9)] == [3, 2, 1, 5]


async def test_nothing_is_claimed_before_it_is_due(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY, rig.in_s(5))
    due = rig.now + timedelta(seconds=5)
    assert await rig.store.calls.next_due_at(rig.campaign_id) == due
    rig.now = due - timedelta(milliseconds=1)
    assert await rig.claim() == []
    rig.now = due
    assert len(await rig.claim()) == 1


async def test_a_part_of_a_millisecond_is_not_too_early(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY, rig.in_s(0.0015))
    rig.now += timedelta(microseconds=1400)
    assert await rig.claim() == []


async def test_closed_classes_wait(rig):
    await rig.add(2, priority=1)
    await rig.add(2, first=10, zone=DENVER)
    assert sorted(await rig.store.calls.hours_classes(rig.campaign_id)) == [DENVER, NEW_YORK]
    assert [claim.contact_id for claim in await rig.claim(4, [DENVER])] == [3, 4]
    assert await rig.claim(4, []) == []
    assert await rig.claim(4, ["Europe/Berlin"]) == []
    assert await rig.store.calls.hours_classes(rig.campaign_id) == [NEW_YORK]


async def test_a_callback_of_a_closed_class_holds_nobody_up(rig):
    await rig.add(1)
    await rig.add(1, first=10, zone=DENVER)
    for claim in await rig.dial(2):
        await rig.settle(claim, Outcome.BUSY, rig.callback_in_s(0))
    assert [claim.contact_id for claim in await rig.claim(2, [DENVER])] == [2]


@pytest.mark.parametrize("to", [CampaignStatus.PAUSED, CampaignStatus.STOPPED])
async def test_only_an_active_campaign_gives_contacts(rig, to):
    await rig.add(1)
    await rig.move(CampaignStatus.ACTIVE, to)
    assert await rig.claim() == []


async def test_an_older_epoch_is_fenced(rig):
    await rig.add(1)
    newer = Fence(owner="engine-2", epoch=rig.fence.epoch + 1)
    await rig.store.campaigns.fence(rig.campaign_id, newer)
    with pytest.raises(Fenced):
        await rig.claim()
    with pytest.raises(Fenced):
        await rig.store.campaigns.fence(rig.campaign_id, rig.fence)
    assert len(await rig.claim(fence=newer)) == 1


async def test_two_engines_that_race_never_get_the_same_contact(rig):
    await rig.add(200)
    claims = await asyncio.gather(*(rig.claim(7) for _ in range(40)))
    got = [claim.contact_id for some in claims for claim in some]
    assert len(got) == 200 == len(set(got))
    assert len(await rig.store.calls.live(rig.campaign_id)) == 200


async def test_many_due_contacts_are_made_ready_a_part_at_a_time(rig):
    await rig.add(600)
    for claim in await rig.claim(600):
        await rig.give_back(claim, rig.in_s(1))
    rig.pass_s(1)
    assert len(await rig.claim(600)) == 500
    assert len(await rig.claim(600)) == 100


async def test_a_claim_tells_when_the_last_dial_was_in_vain(rig):
    """Not of one that somebody answered, and not where a callback was agreed on."""
    await rig.add(1)
    (claim,) = await rig.claim()
    assert claim.history.fruitless_at is None
    await rig.mark(claim)
    await rig.settle(claim, Outcome.NO_ANSWER, rig.in_s(0))
    at = ids.minted_at(claim.attempt_id)
    assert (await rig.contact()).fruitless_at == at
    (claim,) = await rig.dial()
    assert claim.history.fruitless_at == at
    await rig.settle(claim, Outcome.ANSWERED)
    await rig.finish(claim, "again", rig.in_s(0))
    (claim,) = await rig.dial()
    assert claim.history.fruitless_at is None
    await rig.settle(claim, Outcome.NO_ANSWER, rig.callback_in_s(0))
    (claim,) = await rig.dial()
    assert claim.history.fruitless_at is None
