"""The last gate before a call leaves."""

from __future__ import annotations

import pytest

from engine.core.attempt import AttemptStage
from engine.core.campaign import CampaignStatus
from engine.core.errors import Fenced
from engine.ports import Fence


async def test_a_marked_attempt_is_counted_and_shown(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    assert "attempts" not in await rig.counts()
    assert await rig.mark(claim) == [True]
    (live,) = await rig.store.calls.live(rig.campaign_id)
    assert (live.stage, live.sent_at) == (AttemptStage.SENT, rig.now)
    assert (live.trunk, live.node, live.epoch) == ("carrier", "pbx1", rig.fence.epoch)
    assert (await rig.counts())["attempts"] == 1


async def test_nothing_is_marked_twice(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    assert await rig.mark(claim) == [False]
    assert (await rig.counts())["attempts"] == 1


async def test_not_after_the_lease(rig):
    await rig.add(2)
    (claim,) = await rig.claim()
    rig.pass_s(10)
    (other,) = await rig.claim()
    rig.pass_s(0.001)
    assert await rig.mark(claim, other) == [False, True]


@pytest.mark.parametrize("to", [CampaignStatus.PAUSED, CampaignStatus.STOPPED])
async def test_not_once_the_campaign_stands_still(rig, to):
    await rig.add(1)
    (claim,) = await rig.claim()
    await rig.move(CampaignStatus.ACTIVE, to)
    assert await rig.mark(claim) == [False]


async def test_a_fenced_engine_marks_nothing(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    newer = Fence(owner="engine-2", epoch=rig.fence.epoch + 1)
    await rig.store.campaigns.fence(rig.campaign_id, newer)
    with pytest.raises(Fenced):
        await rig.mark(claim)
    assert await rig.mark(claim, fence=newer) == [False], "claimed under another epoch"


async def test_a_withdrawn_contact_is_not_dialled_any_more(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    await rig.store.contacts.withdraw(rig.campaign_id, 1, "tester", rig.now)
    assert await rig.mark(claim) == [False]


async def test_one_that_was_given_back_is_gone(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    await rig.give_back(claim)
    assert await rig.mark(claim) == [False]


async def test_leases_that_pass_are_shown_and_can_be_extended(rig):
    await rig.add(2)
    first, second = await rig.dial(2)
    rig.pass_s(10.001)
    ids = [first.attempt_id, "1a00000000000000000000"]
    await rig.store.calls.extend(rig.campaign_id, ids, rig.now, 30)
    expired = await rig.store.calls.expired(rig.campaign_id, rig.now)
    assert [live.attempt_id for live in expired] == [second.attempt_id]
    both = [rig.campaign_id + 1, rig.campaign_id]
    assert await rig.store.calls.expired_of(both, rig.now) == {rig.campaign_id: expired}
    assert await rig.store.calls.expired_of([], rig.now) == {}
    assert len(await rig.store.calls.live(rig.campaign_id)) == 2
