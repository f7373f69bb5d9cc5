"""kill -9 of our processes in the middle of a campaign: nobody is lost, nobody is cut off."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from engine.core.outcome import Outcome

TALK_S = 2.0
DOWN_S = 10.0


async def test_an_engine_that_is_killed_and_started_again(floor, rig):
    await floor.hire()
    numbers = floor.numbers(s00=16, s01=4, s02=3, s04=3, s07=2, s25=2)
    campaign_id = await floor.campaign(numbers)
    engine = floor.start()
    await floor.reaches(campaign_id, 20)
    await floor.until(lambda: talking(rig) >= 2, why="people talking")
    engine.kill()
    killed_at = floor.began_at.now(tz=floor.began_at.tzinfo)
    await asyncio.sleep(DOWN_S)
    engine.start()
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id)
    survivors = [
        call
        for call in floor.carrier_calls()
        if call.answered_at and call.answered_at < killed_at < call.ended_at
    ]
    assert survivors
    for call in survivors:
        if call.number[7:9] == "00":
            assert call.ended_at - call.answered_at > timedelta(seconds=TALK_S), call
    through = {call.number for call in survivors if call.number[7:9] in ("00", "25")}
    outcomes = {a.phone.lstrip("+"): a.outcome for a in attempts}
    assert {outcomes[number] for number in through} <= {Outcome.ANSWERED, Outcome.ABANDONED}
    assert not [a for a in attempts if a.outcome is Outcome.UNKNOWN], "every record was kept"


def talking(rig) -> int:
    """Customers' channels in a bridge."""
    rows = rig.cli("pbx", "core show channels concise").splitlines()
    return sum(row.startswith("PJSIP/carrier") and bool(row.split("!")[12]) for row in rows)


async def test_an_engine_that_is_killed_again_and_again(floor):
    await floor.hire(mode="on_hook")
    campaign_id = await floor.campaign(floor.numbers(s00=10, s01=4, s02=2, s04=3, s07=2))
    engine = floor.start(DIALER_LEASE_S="1")
    for percent in (5, 20, 40, 60):
        await floor.reaches(campaign_id, percent)
        engine.kill()
        engine.start()
    await floor.completed(campaign_id)
    await floor.check(campaign_id)
