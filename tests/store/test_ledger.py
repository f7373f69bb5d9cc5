"""The ledger's counters against the records that they follow from."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from engine.core.ledger import Counts, answered_by
from engine.core.ledger_periods import Ledger, ledger_of
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.core.settings import CampaignSettings

OUTCOMES = [*Outcome, Outcome.ANSWERED, Outcome.ANSWERED, Outcome.ABANDONED]
REACHED = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.MACHINE, Outcome.HUNG_UP_EARLY)


def ended(rig, claim, outcome, dice):
    """A settlement with instants as a real call has them."""
    placed = rig.now - timedelta(seconds=30)
    answers = outcome in REACHED or (outcome is Outcome.UNKNOWN and dice.random() < 0.5)
    answered_at = placed + timedelta(seconds=9) if answers else None
    wait_s = dice.choice([0.3, 1.9, 2.3, 4])
    joined = answered_at and answered_at + timedelta(seconds=wait_s)
    settlement = rig.ended(claim, outcome)
    record = replace(
        settlement.record,
        started_at=placed,
        answered_at=answered_at,
        bridged_at=joined if outcome is Outcome.ANSWERED else None,
        ended_at=joined if outcome is Outcome.HUNG_UP_EARLY else rig.now,
        abandoned=outcome is Outcome.ABANDONED,
        answered_by=answered_by(outcome, None),
    )
    return replace(settlement, record=record)


async def settle(rig, claim, outcome, dice):
    return await rig.store.calls.settle(
        rig.campaign_id, [ended(rig, claim, outcome, dice)], rig.now
    )


def same(found: Ledger, made: Ledger, now: datetime) -> None:
    assert found.so_far == made.so_far
    assert found.last_24_h(now) == made.last_24_h(now)
    assert found.last_30_days(now) == made.last_30_days(now)
    assert found.all_blocks(now) == made.all_blocks(now)


@pytest.mark.parametrize("seed", range(4))
async def test_counters_equal_what_the_records_say(rig, seed):
    """Calls of weeks, settled, settled twice, revised and disposed of."""
    dice = random.Random(seed)
    await rig.add(120)
    first_at, doubtful, bridged = rig.now, [], []
    for _ in range(120):
        (claim,) = await rig.dial()
        rig.pass_s(40)
        outcome = dice.choice(OUTCOMES)
        assert await settle(rig, claim, outcome, dice) == [True]
        if outcome is Outcome.UNKNOWN:
            doubtful.append(claim)
        if outcome is Outcome.ANSWERED:
            bridged.append(claim)
        if dice.random() < 0.2:
            await settle(rig, claim, Outcome.ABANDONED, dice)
        rig.pass_s(dice.choice([20, 3600, 86_400]))
    for claim in doubtful[::2]:
        await settle(rig, claim, dice.choice(REACHED), dice)
    for claim in bridged[::2]:
        calls, machine = rig.store.calls, dice.random() < 0.5
        finish = (rig.campaign_id, claim.attempt_id, "x", Done("disposition"), rig.now)
        assert await calls.finish(*finish, is_machine=machine)
    found = await rig.store.ledgers.read(rig.campaign_id, rig.now)
    assert found.first_at == first_at
    assert found.so_far.n_abandoned and found.so_far.n_machines_met
    same(found, ledger_of(await rig.records(), first_at), rig.now)


async def test_an_answer_of_unknown_fate_counts_as_abandoned_until_it_is_known(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    unknown = rig.ended(claim, Outcome.UNKNOWN, rig.in_s(60))
    unknown = replace(unknown, record=replace(unknown.record, answered_at=rig.now))
    await rig.store.calls.settle(rig.campaign_id, [unknown], rig.now)
    found = await rig.store.ledgers.read(rig.campaign_id, rig.now)
    assert found.so_far == Counts(n_people=1, n_abandoned=1)
    await rig.settle(claim, Outcome.MACHINE, Done("x"))
    found = await rig.store.ledgers.read(rig.campaign_id, rig.now)
    assert found.so_far == Counts(n_machines=1)


async def test_the_first_call_begins_the_blocks_although_nobody_answers(rig):
    await rig.add(2)
    assert (await rig.store.ledgers.read(rig.campaign_id, rig.now)).first_at is None
    await rig.dial()
    first_at = rig.now
    rig.pass_s(60)
    await rig.dial()
    found = await rig.store.ledgers.read(rig.campaign_id, rig.now)
    assert (found.first_at, found.so_far) == (first_at, Counts())


async def test_old_buckets_go_and_totals_stay(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ABANDONED, Done("x"))
    rig.pass_s(40 * 86_400)
    for _ in range(2):
        found = await rig.store.ledgers.read(rig.campaign_id, rig.now)
        assert found.so_far == found.all_blocks(rig.now)[0].counts
        assert found.so_far.n_abandoned == 1
        assert found.last_30_days(rig.now) == found.last_24_h(rig.now) == Counts()
    assert (found.hours, found.minutes) == ({}, {})


async def test_groups_have_the_members_that_settings_name(store, rig):
    def named(group):
        return CampaignSettings.model_validate({"pacing": {"drop_rate_group": group}})

    first = await store.campaigns.create("B", named("north"), [], "t", rig.now)
    second = await store.campaigns.create("C", named("north"), [], "t", rig.now)
    assert await store.ledgers.members("north") == [first.id, second.id]
    edit = {"settings": named("south"), "actor": "t", "now": rig.now}
    await store.campaigns.update(second.id, **edit)
    await store.campaigns.update(rig.campaign_id, **edit)
    assert await store.ledgers.members("north") == [first.id]
    assert await store.ledgers.members("south") == [rig.campaign_id, second.id]
    assert await store.ledgers.members("east") == []
