"""Asterisk killed in the middle of a campaign: it takes some fates along, then all goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.outcome import Outcome

UNTOLD = timedelta(seconds=1)


async def test_a_pbx_that_dies(floor, rig):
    await floor.hire()
    campaign_id = await floor.campaign(floor.numbers(s00=14, s01=3, s02=4, s04=2))
    floor.start()
    await floor.reaches(campaign_id, 15)
    await floor.until(lambda: floor.n_live() >= 3, why="calls to lose")
    rig.kill("pbx")
    killed_at = datetime.now(UTC)
    # The networks beside it notice that nothing comes any more.
    for role in ("carrier", "phones"):
        rig.cli(role, "channel request hangup all")
    rig.start()
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id, may_be_unknown=True)
    calls = [call for call in floor.carrier_calls() if call.started_at < killed_at]
    lost = {call.number for call in calls if call.ended_at > killed_at}
    # The record of a call that had just ended dies with the PBX as well.
    in_doubt = {call.number for call in calls if call.ended_at > killed_at - UNTOLD}
    assert lost
    unknown = {a.phone.lstrip("+") for a in attempts if a.outcome is Outcome.UNKNOWN}
    seen = {a.phone.lstrip("+") for a in attempts if a.bridged_at and a.started_at < killed_at}
    assert unknown and unknown <= in_doubt
    assert lost <= unknown | seen
