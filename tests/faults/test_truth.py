"""Truth from outside: the carrier's own records against what Redis has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.campaign import CampaignStatus, Command
from engine.core.outcome import Outcome

WITHIN = timedelta(seconds=1)
TALK = timedelta(seconds=2)


async def test_a_whole_campaign(floor):
    await floor.hire()
    numbers = floor.numbers(s00=12, s01=3, s02=2, s03=1, s04=2, s07=2, s09=2, s13=1, s15=1, s25=2)
    campaign_id = await floor.campaign(numbers)
    floor.start()
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id)
    assert not [a for a in attempts if a.outcome in (Outcome.UNKNOWN, Outcome.CANCELLED)]


async def test_after_stop_nothing_leaves_and_nobody_is_cut_off(floor):
    await floor.hire(mode="on_hook")
    campaign_id = await floor.campaign(floor.numbers(s00=20, s02=10))
    floor.start()
    await floor.reaches(campaign_id, 10)
    await floor.tell(campaign_id, Command.STOP)
    stopped_at = datetime.now(UTC)
    await floor.until(lambda: floor.n_live() == 0, why="every call over")
    attempts = await floor.check(campaign_id, is_final=False)
    assert (await floor.get(campaign_id)).status is CampaignStatus.STOPPED
    calls = floor.carrier_calls()
    assert max(call.started_at for call in calls) < stopped_at + WITHIN
    for call in calls:
        if call.number[7:9] == "02" and call.ended_at > stopped_at + WITHIN:
            raise AssertionError(f"rang on after Stop: {call}")
        if call.number[7:9] == "00" and call.answered_at and call.answered_at < stopped_at:
            assert call.ended_at - call.answered_at > TALK, "no conversation is cut"
    states = [contact.state for contact in await floor.contacts(campaign_id)]
    assert len(states) == 30
    assert len(attempts) < 30
