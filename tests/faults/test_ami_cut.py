"""The network to Asterisk drops, then swallows everything, for 20 s in all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

DROP_S, SWALLOW_S = 8.0, 12.0
#: The aim is 5 s, and what it took is printed; a machine that is busy may stand still.
RESUMED_S = 30.0
CALL = b"\r\nChannel: PJSIP/"


async def test_dropped_then_swallowed(floor):
    await floor.hire()
    campaign_id = await floor.campaign(floor.numbers(s00=20, s01=5, s02=4, s04=3, s07=2))
    proxy, through = floor.proxy_to_asterisk()
    floor.start(**through)
    await floor.reaches(campaign_id, 15)
    proxy.cut()
    await asyncio.sleep(DROP_S)
    proxy.blackhole()
    await asyncio.sleep(SWALLOW_S)
    await resumes(floor, proxy, campaign_id)


async def test_swallowed_while_connected(floor):
    """Nothing tells that the connection is gone; what was written to it arrives late."""
    await floor.hire(mode="on_hook")
    campaign_id = await floor.campaign(floor.numbers(s00=20, s01=8, s02=2, s04=3))
    proxy, through = floor.proxy_to_asterisk()
    floor.start(**through)
    await floor.reaches(campaign_id, 15)
    proxy.blackhole()
    await asyncio.sleep(DROP_S + SWALLOW_S)
    await resumes(floor, proxy, campaign_id)


async def resumes(floor, proxy, campaign_id) -> None:
    healed_at = datetime.now(UTC)
    proxy.heal()
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id, may_be_unknown=True)
    first_at = min(a.started_at for a in attempts if a.started_at > healed_at)
    took_s = (first_at - healed_at).total_seconds()
    print(f"dialled again {took_s:.1f} s after the link's return")
    assert took_s < RESUMED_S
