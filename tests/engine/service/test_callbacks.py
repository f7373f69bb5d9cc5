"""Callbacks that one agent is to make, and the calls of everybody else meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core import ids
from engine.core.attempt import AttemptRecord
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.errors import StoreUnavailable
from engine.core.outcome import Outcome
from engine.core.redial import RedialAt
from engine.ports import Fence, Settlement

NEW_YORK = "America/New_York"


def now() -> datetime:
    return datetime.now(UTC)


async def add(stage, campaign_id: int, phones: list[str]) -> None:
    new = [NewContact(phone=phone, hours_class=NEW_YORK) for phone in phones]
    await stage.store.contacts.add(campaign_id, new, now())


async def agreed(stage, phones: list[str], agents: list[int], with_agent: int, **settings) -> int:
    """An active campaign whose contacts were all promised a callback by one agent, due now."""
    campaign_id = await stage.campaign([], agents, play=False, **settings)
    await add(stage, campaign_id, phones)
    play = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await stage.store.campaigns.move(campaign_id, play, "t", now())
    calls, fence = stage.store.calls, Fence(owner="before", epoch=0)
    some = [ids.attempt_id(campaign_id, now(), i + 1) for i in range(len(phones))]
    for claim in await calls.claim(campaign_id, fence, some, [NEW_YORK], now(), 60):
        sent = [(claim.attempt_id, "+12025550100", "carrier", "pbx")]
        assert await calls.mark_sent(campaign_id, fence, sent, now(), 60) == [True]
        record = AttemptRecord(
            attempt_id=claim.attempt_id, campaign_id=campaign_id, contact_id=claim.contact_id,
            number=1, phone=claim.phone, caller_id="+12025550100", trunk="carrier", node="pbx",
            started_at=now(), ended_at=now(), outcome=Outcome.ANSWERED,
        )  # fmt: skip
        until = now() + timedelta(seconds=60)
        await calls.settle(
            campaign_id, [Settlement(record=record, next=None, wrap_up_until=until)], now()
        )
        callback = RedialAt(now(), is_callback=True, agent_id=with_agent)
        assert await calls.finish(campaign_id, claim.attempt_id, "later", callback, now())
    return campaign_id


async def test_one_agent_makes_one_callback_at_a_time(stage, numbers):
    agents = await stage.hire(2)
    campaign_id = await agreed(stage, numbers(s00=2), agents, agents[0], wrap_up_s=0)
    stage.start()
    await stage.until(lambda: any(ch.connected_at for ch in stage.pbx.channels.values()))
    assert len(stage.pbx.placed) == 1
    for channel in stage.pbx.channels.values():
        channel.hang_up.set()
    await stage.placed(2)
    assert [order.agent for order in stage.pbx.placed] == ["1001", "1001"]
    outcomes = {each.outcome for each in await stage.attempts(campaign_id)}
    assert outcomes == {Outcome.ANSWERED}


async def test_who_gets_no_answer_to_a_callback_is_free_again(stage, numbers):
    agents = await stage.hire(1)
    await agreed(stage, numbers(s01=1), agents, agents[0], redial={"max_attempts": 2})
    running = stage.start()
    await stage.placed(1)
    roster = running.engine.world.roster
    await stage.until(lambda: all(seat.reserved_for is None for seat in roster))


async def test_others_are_called_while_callbacks_wait_for_their_agent(stage, numbers):
    away, *there = await stage.hire(1, log_in=False), *await stage.hire(1)
    waiting = [f"+1202552{n:04}" for n in range(40)]
    redial = {"callback_agent_wait_s": 86_400, "max_attempts": 3}
    campaign_id = await agreed(stage, waiting, [*away, *there], away[0], redial=redial)
    others = numbers(s01=3)
    await add(stage, campaign_id, others)
    stage.start()
    await stage.placed(3)
    assert {order.phone for order in stage.pbx.placed} <= set(others)


async def test_an_agent_who_left_the_campaign_is_waited_for_in_vain(stage, numbers):
    gone, stays = await stage.hire(2)
    redial = {"callback_agent_wait_s": 2, "max_attempts": 3}
    await agreed(stage, numbers(s01=1), [stays], gone, redial=redial)
    stage.start()
    await stage.placed(1)
    assert [order.agent for order in stage.pbx.placed] == [None]


async def test_a_store_that_is_away_at_the_end_does_not_keep_the_campaign(
    stage, numbers, monkeypatch
):
    campaign_id = await stage.campaign(numbers(s01=1), await stage.hire(1))
    stage.start()
    complete, failed = stage.store.campaigns.complete_if_exhausted, []

    async def once_away(which: int, at: datetime) -> bool:
        campaign = await stage.store.campaigns.get(which)
        if campaign.n_complete == campaign.n_contacts and not failed:
            failed.append(which)
            raise StoreUnavailable("away")
        return await complete(which, at)

    monkeypatch.setattr(stage.store.campaigns, "complete_if_exhausted", once_away)
    await stage.completed(campaign_id)
    assert failed == [campaign_id]
