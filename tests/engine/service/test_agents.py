"""Agents come, go and pause while campaigns dial for them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engine.core.agent import AgentState
from engine.core.campaign import CampaignStatus
from engine.core.outcome import Outcome
from telephony.fake_telephony import FakeTelephony

HELD = timedelta(milliseconds=500)


async def state(stage, agent_id) -> AgentState:
    return (await stage.store.agents.get(agent_id)).state


async def becomes(stage, agent_id, wanted) -> None:
    async def is_so() -> bool:
        return await state(stage, agent_id) is wanted

    await stage.until(is_so)


def talking(stage) -> int:
    return sum(bool(channel.connected_at) for channel in stage.pbx.channels.values())


@pytest.mark.parametrize("mode", ["off_hook", "on_hook"])
async def test_never_more_calls_than_agents(stage, numbers, mode):
    """Progressive pacing: one call per agent who is free, counted at every departure."""
    stage.pbx.talk_s = 0.2
    most = []
    place = stage.pbx.place
    stage.pbx.place = lambda order: (place(order), most.append(len(stage.pbx.channels)))
    campaign_id = await stage.campaign(numbers(s00=15, s01=3), await stage.hire(3, mode=mode))
    stage.start()
    await stage.completed(campaign_id)
    assert max(most) <= 3
    attempts = await stage.check(campaign_id)
    assert not [a for a in attempts if a.outcome is Outcome.ABANDONED]


async def test_a_paused_agent_gets_no_call_and_returns(stage, numbers):
    stage.pbx.talk_s = 0.2
    first, second = await stage.hire(2)
    campaign_id = await stage.campaign(numbers(s00=14), [first, second])
    stage.start()
    await stage.until(lambda: talking(stage) == 2)
    await stage.want(first, pause="lunch")
    await becomes(stage, first, AgentState.PAUSED)
    paused_at = datetime.now(UTC)
    n_before = len(stage.pbx.placed)
    await stage.placed(n_before + 3)
    assert talking(stage) <= 1
    await stage.want(first)
    await becomes(stage, first, AgentState.ON_CALL)
    back_at = datetime.now(UTC)
    await stage.completed(campaign_id)
    for attempt in await stage.check(campaign_id):
        assert attempt.outcome is Outcome.ANSWERED
        if attempt.agent_id == first and attempt.bridged_at:
            assert attempt.bridged_at < paused_at or attempt.bridged_at > back_at - HELD


@pytest.mark.parametrize(("mode", "is_woken"), [("off_hook", True), ("on_hook", False)])
async def test_a_caller_is_woken_to_who_needs_not_be_rung_up(
    stage, numbers, monkeypatch, mode, is_woken
):
    """A phone that was rung up late would ring past the caller's deadline."""
    woken, wake = [], FakeTelephony.wake_caller

    async def counted(self, attempt_id):
        woken.append(attempt_id)
        await wake(self, attempt_id)

    monkeypatch.setattr(FakeTelephony, "wake_caller", counted)
    may_connect, free_member = asyncio.Event(), stage.pbx._free_member
    monkeypatch.setattr(
        stage.pbx,
        "_free_member",
        lambda order: free_member(order) if may_connect.is_set() else None,
    )
    [agent_id] = await stage.hire(1, mode=mode)
    limit = {"connect_deadline_s": 30}
    campaign_id = await stage.campaign(numbers(s00=1), [agent_id], dialing=limit)
    engine = stage.start().engine
    await stage.placed(1)
    await stage.want(agent_id, pause="lunch")
    await becomes(stage, agent_id, AgentState.PAUSED)
    await stage.until(lambda: engine.world.calls.n_waiting() == 1)
    may_connect.set()
    await stage.want(agent_id)
    await stage.completed(campaign_id)
    [attempt] = await stage.check(campaign_id)
    assert attempt.agent_id == agent_id
    assert bool(woken) is is_woken


async def test_logging_out_and_in_again(stage, numbers):
    stage.pbx.talk_s = 0.2
    [agent_id] = await stage.hire(1)
    campaign_id = await stage.campaign(numbers(s00=5), [agent_id])
    running = stage.start()
    await stage.until(lambda: talking(stage))
    await stage.want(agent_id, wanted_in=False)
    await becomes(stage, agent_id, AgentState.OFFLINE)
    await stage.until(lambda: not stage.pbx.on_line)
    await stage.until(lambda: not stage.pbx.channels)
    world = running.engine.world
    await stage.until(lambda: world.campaigns[campaign_id].idle_reasons == ("no_agents",))
    n_before = len(stage.pbx.placed)
    assert n_before < 5
    await stage.want(agent_id)
    await stage.completed(campaign_id)
    for attempt in await stage.check(campaign_id):
        assert attempt.outcome is Outcome.ANSWERED, "a conversation outlasts the log-out"


async def test_wrap_up_comes_before_the_next_call(stage, numbers):
    [agent_id] = await stage.hire(1)
    campaign_id = await stage.campaign(numbers(s00=3), [agent_id], wrap_up_s=1)
    stage.start()
    await becomes(stage, agent_id, AgentState.WRAP_UP)
    await stage.completed(campaign_id)
    attempts = sorted(await stage.check(campaign_id), key=lambda each: each.started_at)
    for before, after in pairwise(attempts):
        assert (after.started_at - before.ended_at).total_seconds() >= 0.99
    await becomes(stage, agent_id, AgentState.AVAILABLE)


async def test_a_shared_agent_is_never_dialled_for_twice(stage, numbers):
    stage.pbx.talk_s = 0.15
    [agent_id] = await stage.hire(1)
    most = []
    place = stage.pbx.place
    stage.pbx.place = lambda order: (place(order), most.append(len(stage.pbx.channels)))
    one = await stage.campaign(numbers(s00=4, s01=1), [agent_id])
    other = await stage.campaign([f"+1212555000{n}" for n in range(4)], [agent_id])
    stage.start()
    await asyncio.gather(stage.completed(one), stage.completed(other))
    assert max(most) == 1
    for campaign_id in (one, other):
        for attempt in await stage.check(campaign_id):
            assert attempt.outcome is not Outcome.ABANDONED


async def test_a_queue_that_agents_have_not_left_yet_is_no_other_campaigns(
    stage, numbers, monkeypatch
):
    """Whoever is still a member of it would get the calls of a campaign that is not theirs."""
    first, second = await stage.hire(2)
    ended = await stage.campaign(numbers(s00=1), [first])
    may_leave, leave = asyncio.Event(), FakeTelephony.remove_member

    async def late(self, queue, agent):
        await may_leave.wait()
        await leave(self, queue, agent)

    monkeypatch.setattr(FakeTelephony, "remove_member", late)
    stage.start()
    await stage.completed(ended)
    [(queue, _)] = stage.pbx.members

    async def has_none() -> bool:
        return (await stage.get(ended)).queue == ""

    await stage.until(has_none)
    after = await stage.campaign([f"+1212555000{n}" for n in range(2)], [second])
    await stage.completed(after)
    assert {order.queue for order in stage.pbx.placed[1:]}.isdisjoint({queue})
    may_leave.set()


async def test_a_campaign_that_waits_keeps_no_agent_from_another(stage, numbers):
    stage.pbx.talk_s = 0.1
    [agent_id] = await stage.hire(1)
    waiting = await stage.campaign(numbers(s01=1), [agent_id], delay_s=3600)
    stage.start()
    await stage.placed(1)
    other = await stage.campaign(numbers(s00=4), [agent_id])
    await stage.completed(other)
    assert (await stage.get(waiting)).status is CampaignStatus.ACTIVE


async def test_campaigns_take_turns_at_a_shared_agent(stage, numbers):
    stage.pbx.talk_s = 0.1
    [agent_id] = await stage.hire(1)
    large = await stage.campaign([f"+12125550{n:03}" for n in range(150)], [agent_id])
    small = await stage.campaign(numbers(s00=3), [agent_id])
    stage.start()
    await stage.completed(small)
    assert (await stage.get(large)).n_complete < 20


async def test_one_number_in_two_campaigns_has_one_call_at_a_time(stage, numbers):
    stage.pbx.talk_s = 0.5
    called = numbers(s00=4)
    one = await stage.campaign(called, await stage.hire(4))
    other = await stage.campaign(called, await stage.hire(4))
    stage.start()
    await asyncio.gather(stage.completed(one), stage.completed(other))
    for campaign_id in (one, other):
        assert len(await stage.check(campaign_id)) == 4
