"""Play, pause, stop and edits act on a campaign that dials."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.campaign import CampaignStatus, Command
from engine.core.contact import ContactState
from engine.core.errors import CampaignFinal
from engine.core.outcome import Outcome

WITHIN = timedelta(seconds=1)


async def quiet(stage):
    """Nothing lives on the PBX and everything that ended is settled."""
    await stage.until(lambda: not stage.pbx.channels)
    await stage.until(lambda: all(not len(one.engine.world.calls) for one in stage.running))


async def test_a_draft_is_not_dialled(stage, numbers):
    played = await stage.campaign(numbers(s00=1), await stage.hire(2))
    draft = await stage.campaign(["+12125550011"], [agent.id for agent in stage.agents], play=False)
    stage.start()
    await stage.completed(played)
    assert {order.campaign_id for order in stage.pbx.placed} == {played}
    assert (await stage.get(draft)).status is CampaignStatus.DRAFT


async def test_pause_lets_live_calls_go_on_and_play_resumes(stage, numbers):
    stage.pbx.talk_s = stage.pbx.ring_s = 0.5
    campaign_id = await stage.campaign(numbers(s00=12), await stage.hire(4))
    stage.start()
    await stage.until(lambda: any(c.connected_at for c in stage.pbx.channels.values()))
    await stage.tell(campaign_id, Command.PAUSE)
    paused_at = datetime.now(UTC)
    await quiet(stage)
    assert stage.pbx.n_left_after(paused_at + WITHIN) == 0
    attempts = await stage.attempts(campaign_id)
    stage.check_calls(campaign_id, attempts)
    assert {attempt.outcome for attempt in attempts} == {Outcome.ANSWERED}, "none was hung up"
    n_before = len(stage.pbx.placed)
    assert n_before < 12
    campaign = await stage.get(campaign_id)
    assert (campaign.status, campaign.status_reason) == (CampaignStatus.PAUSED, "manual")
    await stage.tell(campaign_id, Command.PLAY)
    await stage.completed(campaign_id)
    await stage.check(campaign_id)


async def test_a_paused_campaign_whose_calls_are_all_done_completes_after_play(stage, numbers):
    stage.pbx.talk_s = 0.4
    campaign_id = await stage.campaign(numbers(s00=2), await stage.hire(2))
    stage.start()
    await stage.placed(2)
    await stage.tell(campaign_id, Command.PAUSE)
    await quiet(stage)

    async def is_dialled_out() -> bool:
        return (await stage.get(campaign_id)).progress == 100

    await stage.until(is_dialled_out)
    assert (await stage.get(campaign_id)).status is CampaignStatus.PAUSED
    await stage.tell(campaign_id, Command.PLAY)
    await stage.completed(campaign_id)


async def test_stop_hangs_up_who_rings_and_never_who_talks(stage, numbers):
    stage.pbx.talk_s, stage.pbx.patience_s = 2.0, 30
    called = numbers(s00=2, s02=3)
    campaign_id = await stage.campaign(called, await stage.hire(5), delay_s=1, wrap_up_s=1)
    stage.start()
    await stage.placed(5)
    await stage.until(lambda: sum(bool(c.connected_at) for c in stage.pbx.channels.values()) == 2)
    talking = [c for c in stage.pbx.channels.values() if c.connected_at]
    await stage.tell(campaign_id, Command.STOP)
    stopped_at = datetime.now(UTC)
    await stage.until(lambda: len(stage.pbx.channels) == 2)
    assert [c for c in stage.pbx.channels.values()] == talking
    await quiet(stage)
    assert stage.pbx.n_left_after(stopped_at + WITHIN) == 0
    attempts = await stage.attempts(campaign_id)
    stage.check_calls(campaign_id, attempts)
    by_outcome = {outcome: 0 for outcome in Outcome}
    for attempt in attempts:
        by_outcome[attempt.outcome] += 1
    assert by_outcome[Outcome.ANSWERED] == 2
    assert by_outcome[Outcome.CANCELLED] == 3
    assert min(a.talk_s or 0 for a in attempts if a.outcome is Outcome.ANSWERED) > 1.5

    async def states() -> bool:
        return {c.state for c in await stage.contacts(campaign_id)} == {
            ContactState.DONE,
            ContactState.SCHEDULED,
        }

    await stage.until(states)  # wrap-ups end after Stop as well
    campaign = await stage.get(campaign_id)
    assert (campaign.status, campaign.n_contacts) == (CampaignStatus.STOPPED, 5)
    with pytest.raises(CampaignFinal):
        await stage.tell(campaign_id, Command.PLAY)


async def test_stop_waits_for_the_least_ring(stage, numbers):
    stage.pbx.patience_s = 30
    campaign_id = await stage.campaign(
        numbers(s02=2), await stage.hire(2), dialing={"min_ring_s": 2}
    )
    stage.start()
    await stage.placed(2)
    await stage.tell(campaign_id, Command.STOP)
    await quiet(stage)
    for attempt in await stage.attempts(campaign_id):
        assert attempt.outcome is Outcome.CANCELLED
        assert attempt.ring_s is not None and attempt.ring_s >= 1.9


async def test_who_answers_after_stop_gets_an_agent(stage, numbers):
    stage.pbx.ring_s = 1.0
    campaign_id = await stage.campaign(
        numbers(s00=2), await stage.hire(2), dialing={"min_ring_s": 5}
    )
    stage.start()
    await stage.placed(2)
    await stage.tell(campaign_id, Command.STOP)
    await quiet(stage)
    outcomes = {attempt.outcome for attempt in await stage.attempts(campaign_id)}
    assert outcomes == {Outcome.ANSWERED}


async def test_calls_of_a_stopped_campaign_are_settled_by_the_next_engine(stage, numbers):
    stage.pbx.talk_s = 1.5
    campaign_id = await stage.campaign(numbers(s00=2), await stage.hire(2))
    first = stage.start()
    await stage.until(lambda: sum(bool(c.connected_at) for c in stage.pbx.channels.values()) == 2)
    await first.crash()
    await stage.tell(campaign_id, Command.STOP)
    stage.start("engine-2", lease_s=0.6)

    async def is_settled() -> bool:
        return len(await stage.attempts(campaign_id)) == 2

    await stage.until(is_settled)
    stage.check_calls(campaign_id, await stage.attempts(campaign_id))


async def test_edits_act_on_the_next_decision(stage, numbers):
    agent_ids = await stage.hire(4)
    campaign_id = await stage.campaign(numbers(s01=8), agent_ids, delay_s=1)
    stage.start()
    await stage.placed(4)
    campaign = await stage.get(campaign_id)
    dialing = campaign.settings.dialing.model_copy(update={"caller_ids": ("+12125550199",)})
    redial = campaign.settings.redial.model_copy(update={"max_attempts": 1})
    edited = campaign.settings.model_copy(update={"dialing": dialing, "redial": redial})
    await stage.store.campaigns.update(
        campaign_id, settings=edited, version=campaign.version, actor="t", now=datetime.now(UTC)
    )
    edited_at = datetime.now(UTC)
    await stage.completed(campaign_id)
    late = {order.caller_id for at, order in stage.pbx.left if at > edited_at + WITHIN}
    assert late <= {"+12125550199"}
    assert await stage.check(campaign_id)


async def test_agents_given_later_make_a_campaign_dial(stage, numbers):
    [first, second] = await stage.hire(2, log_in=False)
    campaign_id = await stage.campaign(numbers(s00=2), [first])
    running = stage.start()
    world = running.engine.world
    await stage.until(
        lambda: (
            campaign_id in world.campaigns
            and world.campaigns[campaign_id].idle_reasons == ("no_agents",)
        )
    )
    assert (await stage.get(campaign_id)).status is CampaignStatus.ACTIVE
    assert stage.pbx.placed == []
    await stage.want(second)
    await stage.store.campaigns.update(
        campaign_id, agent_ids=[first, second], actor="t", now=datetime.now(UTC)
    )
    await stage.completed(campaign_id)


async def test_ending_an_engine_leaves_calls_alone(stage, numbers):
    stage.pbx.talk_s = 0.8
    campaign_id = await stage.campaign(numbers(s00=6), await stage.hire(3))
    first = stage.start()
    await stage.until(lambda: any(c.connected_at for c in stage.pbx.channels.values()))
    ending = asyncio.create_task(first.end())
    asked_at = datetime.now(UTC)
    await ending
    first.telephony.leave()
    assert stage.pbx.n_left_after(asked_at + timedelta(milliseconds=300)) == 0
    stage.start("engine-2")
    await stage.completed(campaign_id)
    for attempt in await stage.check(campaign_id):
        assert attempt.outcome is Outcome.ANSWERED


async def test_a_campaign_that_is_gone_in_mid_housekeeping(stage, numbers, monkeypatch):
    """Another loop may say good-bye to a stopped campaign while this one waits for Redis."""
    stage.pbx.talk_s = 0.5
    one = await stage.campaign(numbers(s00=4), await stage.hire(2))
    other = await stage.campaign(["+12125550000"], await stage.hire(1))
    campaigns = stage.store.campaigns
    complete, world = campaigns.complete_if_exhausted, stage.start().engine.world

    async def as_the_other_goes(campaign_id, now):
        gone = world.campaigns.get(other)
        if gone and gone.campaign.is_final:
            del world.campaigns[other]
        return await complete(campaign_id, now)

    monkeypatch.setattr(campaigns, "complete_if_exhausted", as_the_other_goes)
    await stage.placed(3)
    await stage.tell(other, Command.STOP)
    await stage.completed(one)
    await quiet(stage)
