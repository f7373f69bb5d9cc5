"""Engines, links and the PBX die at any instant; nobody is lost and nobody is called twice."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from engine.core import ids
from engine.core.campaign import Command
from engine.core.contact import NewContact
from engine.core.outcome import Outcome
from engine.core.settings import LimitSettings
from engine.ports import DialOrder, Wanted

LEASE_S = 0.6
#: Less than a pause of which nothing is known is respected for.
SOON_S = 3.0


@pytest.mark.parametrize("seed", range(2))
async def test_killed_engines_are_followed_by_others(stage, numbers, seed):
    """Each engine lives for a random time; the last one finishes the campaign."""
    rng = random.Random(seed)
    stage.pbx.talk_s = 0.3
    called = numbers(s00=10, s01=4, s02=1, s07=2, s15=1)
    campaign_id = await stage.campaign(called, await stage.hire(5), delay_s=1)
    for number in range(4):
        running = stage.start(f"engine-{number}", lease_s=LEASE_S)
        await asyncio.sleep(rng.uniform(0.02, 1.5))
        await running.crash()
    stage.start("engine-last", lease_s=LEASE_S)
    await stage.completed(campaign_id)
    for attempt in await stage.check(campaign_id):
        assert attempt.outcome is not Outcome.UNKNOWN, "the PBX kept every record"


async def test_conversations_survive_the_engine(stage, numbers):
    stage.pbx.talk_s = 1.5
    campaign_id = await stage.campaign(numbers(s00=3), await stage.hire(3))
    running = stage.start(lease_s=LEASE_S)
    await stage.until(lambda: sum(bool(c.connected_at) for c in stage.pbx.channels.values()) == 3)
    await running.crash()
    stage.start("engine-2", lease_s=LEASE_S)
    await stage.completed(campaign_id)
    for attempt in await stage.check(campaign_id):
        assert attempt.outcome is Outcome.ANSWERED
        assert attempt.talk_s and attempt.talk_s > 1.4


async def test_the_standby_takes_over(stage, second_store, numbers):
    stage.pbx.talk_s = 0.3
    campaign_id = await stage.campaign(numbers(s00=20, s01=5), await stage.hire(5))
    leader = stage.start("leader")
    await stage.placed(5)
    standby = stage.start("standby", store=second_store)
    await leader.crash()
    crashed_at = datetime.now(UTC)
    await stage.until(lambda: stage.pbx.n_left_after(crashed_at) > 0)
    assert standby.engine.world.fence is not None
    await stage.completed(campaign_id)
    await stage.check(campaign_id)


async def test_a_standby_sends_nothing_while_another_leads(stage, second_store, numbers):
    stage.pbx.talk_s = 0.3
    campaign_id = await stage.campaign(numbers(s00=12), await stage.hire(4))
    stage.start("leader", lease_s=LEASE_S)
    await stage.placed(1)
    standby = stage.start("standby", store=second_store, lease_s=LEASE_S)
    standby.telephony.originate = None  # would raise
    await stage.completed(campaign_id)
    await stage.check(campaign_id)
    assert standby.engine.world.fence is None
    assert not standby.engine.world.resync.is_set(), "it would look ten times a second"


async def test_who_leads_again_knows_nothing_of_before(stage, far_store, network, numbers):
    """A process that slept while another led starts from what Redis and Asterisk show."""
    stage.pbx.talk_s = 0.4
    campaign_id = await stage.campaign(numbers(s00=30, s01=3), await stage.hire(4))
    sleeper = stage.start("sleeper", store=far_store, lease_s=LEASE_S)
    await stage.placed(4)
    # It hears nothing and reaches nobody.
    network.cut()
    sleeper.telephony.up = False
    other = stage.start("other", lease_s=LEASE_S)
    n_before = len(stage.pbx.placed)
    await stage.placed(n_before + 5)
    await other.crash()
    await stage.until(lambda: not stage.pbx.channels)
    network.heal()
    sleeper.telephony.up = True
    await stage.completed(campaign_id)
    await stage.check(campaign_id)
    await stage.until(lambda: len(sleeper.engine.world.calls) == 0)


async def test_a_cut_link_and_orders_that_are_lost(stage, numbers):
    stage.pbx.talk_s = 0.3
    campaign_id = await stage.campaign(numbers(s00=14, s01=4), await stage.hire(4))
    running = stage.start(lease_s=LEASE_S)
    link = running.telephony
    await stage.placed(4)
    link.lose_responses = True
    await stage.placed(8)
    link.lose_responses = False
    link.cut()
    cut_at = datetime.now(UTC)
    await asyncio.sleep(0.6)
    assert stage.pbx.n_left_after(cut_at) == 0
    link.lose_orders = True
    link.restore()
    await stage.until(lambda: any(c.check_at for c in running.engine.world.calls))
    link.lose_orders = False
    await stage.completed(campaign_id)
    for attempt in await stage.check(campaign_id):
        assert attempt.outcome is not Outcome.UNKNOWN


async def test_agents_whose_calls_ended_unheard_are_soon_free(stage, numbers):
    """Neither the ones that we know to talk nor the ones that only Asterisk knows of."""
    stage.pbx.talk_s = 0.6
    campaign_id = await stage.campaign(numbers(s00=12), await stage.hire(4))
    running = stage.start(lease_s=LEASE_S)
    channels = stage.pbx.channels
    await stage.until(lambda: sum(bool(c.connected_at) for c in channels.values()) >= 2)
    running.telephony.cut()
    await stage.until(lambda: not channels)
    n_before = len(stage.pbx.placed)
    running.telephony.restore()
    await stage.until(lambda: len(stage.pbx.placed) >= n_before + 4, SOON_S)
    await running.crash()
    await stage.until(lambda: not channels)
    n_before = len(stage.pbx.placed)
    stage.start("engine-2", lease_s=LEASE_S)
    await stage.until(lambda: len(stage.pbx.placed) >= n_before + 4, SOON_S)
    await stage.completed(campaign_id)
    await stage.check(campaign_id)


async def test_an_order_that_arrives_after_the_link_is_back(stage, numbers):
    """A network that stalls may deliver late what was written before; it is waited for."""
    [phone] = numbers(s00=1)
    campaign_id = await stage.campaign([phone], await stage.hire(1))
    running = stage.start(lease_s=LEASE_S)
    link = running.telephony
    stalled, place = [], stage.pbx.place
    stage.pbx.place = stalled.append
    await stage.until(lambda: stalled)
    link.cut()
    stage.pbx.place = place
    await asyncio.sleep(1.2)
    link.restore()
    await stage.until(lambda: running.engine.world.is_synced)
    await asyncio.sleep(0.3)
    place(stalled[0])
    await stage.completed(campaign_id)
    [attempt] = await stage.check(campaign_id)
    assert attempt.outcome is Outcome.ANSWERED
    assert len(stage.pbx.placed) == 1


async def test_a_rebooted_pbx_leaves_unknown_fates(stage, numbers):
    stage.pbx.talk_s = 0.6
    campaign_id = await stage.campaign(numbers(s00=10), await stage.hire(5))
    stage.start(lease_s=LEASE_S)
    await stage.until(lambda: sum(bool(c.connected_at) for c in stage.pbx.channels.values()) == 5)
    lost = set(stage.pbx.channels)
    stage.pbx.reboot()
    await stage.completed(campaign_id)
    attempts = {each.attempt_id: each for each in await stage.check(campaign_id)}
    others = {attempts[each].outcome for each in attempts.keys() - lost}
    assert others == {Outcome.ANSWERED}, "the agents were called back to the line"
    # They were seen with an agent: that much is known, and nobody is called again for it.
    assert {attempts[each].outcome for each in lost} <= {Outcome.ANSWERED, Outcome.UNKNOWN}
    assert len(attempts) == 10


async def test_ringing_calls_of_a_rebooted_pbx_are_unknown(stage, numbers):
    stage.pbx.patience_s = 30
    campaign_id = await stage.campaign(numbers(s02=3), await stage.hire(3))
    stage.start(lease_s=LEASE_S)
    await stage.placed(3)
    stage.pbx.reboot()
    stage.pbx.patience_s = 1
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    assert {each.outcome for each in attempts if each.number == 1} == {Outcome.UNKNOWN}
    assert {each.outcome for each in attempts if each.number > 1} == {Outcome.NO_ANSWER}


async def test_a_pbx_that_reboots_while_no_engine_runs(stage, numbers):
    stage.pbx.patience_s = 30
    campaign_id = await stage.campaign(numbers(s02=2), await stage.hire(2))
    running = stage.start(lease_s=LEASE_S)
    await stage.placed(2)
    await running.crash()
    stage.pbx.reboot()
    stage.pbx.patience_s = 1
    stage.start("engine-2", lease_s=LEASE_S)
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    assert {each.outcome for each in attempts if each.number == 1} == {Outcome.UNKNOWN}


async def test_records_of_another_redis_are_nobodys(stage, numbers):
    """Asterisk may keep records from before Redis was set up anew; numbers of contacts repeat."""
    foreign, ours = "+13125550101", numbers(s01=1)
    campaign_id = await stage.campaign([foreign], await stage.hire(1))
    running = stage.start(lease_s=LEASE_S)
    await stage.until(lambda: stage.pbx.kept_records)
    await running.crash()
    record = next(iter(stage.pbx.kept_records.values()))
    stranger = f"{campaign_id + 1}a{'0' * 20}"
    stage.pbx.kept_records[stranger] = record
    other_id = await stage.campaign(ours, [agent.id for agent in stage.agents])
    stage.start("engine-2", lease_s=LEASE_S)
    await stage.completed(other_id)
    assert {a.phone for a in await stage.attempts(other_id)} == set(ours)
    await stage.until(lambda: stranger not in stage.pbx.kept_records)


async def test_calls_that_only_asterisk_remembers(stage, numbers):
    """Redis lost a second and the engine died: the calls themselves say whom they were for."""
    stage.pbx.talk_s = 1.5
    campaign_id = await stage.campaign(numbers(s00=2, s01=2), await stage.hire(4), play=False)
    agent_ids = [agent.id for agent in stage.agents]
    contacts = await stage.contacts(campaign_id)
    running = stage.start(lease_s=LEASE_S)
    await running.crash()
    for number, contact in enumerate(contacts):
        stage.pbx.place(an_order(campaign_id, contact, number))
    await stage.tell(campaign_id, Command.PLAY)
    assert len(agent_ids) == len(contacts)
    stage.start("engine-2", lease_s=LEASE_S)
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    assert {a.number for a in attempts if a.phone[-4:-2] == "01"} == {1, 2, 3}


async def test_a_call_that_only_asterisk_remembers_counts(stage, numbers):
    """Else a limit of two calls would allow three."""
    [phone] = numbers(s01=1)
    limits = {"max_per_24h": 2}
    campaign_id = await stage.campaign([phone], await stage.hire(1), play=False, limits=limits)
    [contact] = await stage.contacts(campaign_id)
    running = stage.start(lease_s=LEASE_S)
    await running.crash()
    stage.pbx.place(an_order(campaign_id, contact, 1))
    await stage.tell(campaign_id, Command.PLAY)
    stage.start("engine-2", lease_s=LEASE_S)

    async def waits_for_tomorrow() -> bool:
        [found] = await stage.contacts(campaign_id)
        return bool(found.next_dial_at and found.next_dial_at - now() > timedelta(hours=23))

    await stage.until(waits_for_tomorrow)
    assert stage.pbx.calls_to(phone) == 2


async def test_a_call_that_only_asterisk_remembers_holds_its_number_and_its_person(stage, numbers):
    stage.pbx.talk_s = 600
    [phone], [other] = numbers(s00=1), numbers(s02=1)
    campaign_id = await stage.campaign([], await stage.hire(1), play=False)
    new = NewContact(phone=phone, hours_class="America/New_York", person_key="joe")
    await stage.store.contacts.add(campaign_id, [new], now())
    [contact] = await stage.contacts(campaign_id)
    running = stage.start(lease_s=LEASE_S)
    await running.crash()
    order = an_order(campaign_id, contact, 1)
    stage.pbx.place(order)
    await stage.tell(campaign_id, Command.PLAY)
    engine = stage.start("engine-2", lease_s=LEASE_S).engine
    limits = LimitSettings(person_max_per_24h=1)

    async def is_held() -> bool:
        asked = Wanted(other, "", "joe")
        [found] = await stage.store.numbers.standing([asked], limits, now())
        return [one.reason for one in found] == ["person_live", "person_limit_24h"]

    await stage.until(is_held)
    assert await stage.store.numbers.live_owner(phone) == order.attempt_id
    # The same engine tells it to a Redis that was restarted and forgot it.
    await stage.until(lambda: order.attempt_id in engine.world.calls)
    await stage.store.numbers.release([(phone, order.attempt_id, False)])
    engine.world.doubt()
    await stage.until(is_held)


async def test_a_call_that_ends_while_it_is_asked_whom_it_is_for(stage, numbers, monkeypatch):
    """Its channel was read back and is gone; its record came after the records were read."""
    [phone] = numbers(s01=1)
    campaign_id = await stage.campaign([phone], await stage.hire(1), play=False)
    [contact] = await stage.contacts(campaign_id)
    running = stage.start(lease_s=LEASE_S)
    await running.crash()
    order = an_order(campaign_id, contact, 1)
    stage.pbx.place(order)
    await stage.tell(campaign_id, Command.PLAY)
    second = stage.start("engine-2", lease_s=LEASE_S)
    whom = second.telephony.whom

    async def too_late(attempt_id: str):
        await stage.until(lambda: attempt_id in stage.pbx.kept_records)
        return await whom(attempt_id)

    monkeypatch.setattr(second.telephony, "whom", too_late)
    await stage.completed(campaign_id)
    assert order.attempt_id in {each.attempt_id for each in await stage.check(campaign_id)}


def now() -> datetime:
    return datetime.now(UTC)


def an_order(campaign_id, contact, number) -> DialOrder:
    return DialOrder(
        attempt_id=ids.attempt_id(campaign_id, datetime.now(UTC), number),
        campaign_id=campaign_id,
        contact_id=contact.contact_id,
        phone=contact.phone,
        caller_id="+12025550100",
        trunk="carrier",
        queue="dialer-1",
        ring_timeout_s=5,
    )
