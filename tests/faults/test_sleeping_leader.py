"""SIGSTOP of the leader for three leases: the woken one sends nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta

LEASE_S = 3.0
CALL = b"\r\nChannel: PJSIP/"
#: What was written before the signal may still pass the proxy.
ON_ITS_WAY = timedelta(milliseconds=200)


async def test_a_woken_leader_sends_nothing(floor):
    await floor.hire(mode="on_hook")
    campaign_id = await floor.campaign(floor.numbers(s00=22, s01=5, s02=3, s04=3))
    proxy, through = floor.proxy_to_asterisk()
    leader = floor.start(**through)
    await floor.reaches(campaign_id, 10)
    other_proxy, other_way = floor.proxy_to_asterisk()
    floor.start(**other_way)
    await floor.until(lambda: other_proxy.sent, why="the standby's link")
    assert leader.pid is not None
    os.kill(leader.pid, signal.SIGSTOP)
    stopped_at = datetime.now(UTC)
    try:
        await floor.until(lambda: other_proxy.n_sent(CALL), why="the standby's first call")
        asleep_s = (datetime.now(UTC) - stopped_at).total_seconds()
        await asyncio.sleep(max(0.0, 3 * LEASE_S - asleep_s))
    finally:
        os.kill(leader.pid, signal.SIGCONT)
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id)
    assert proxy.n_sent(CALL, after=stopped_at + ON_ITS_WAY) == 0
    assert leader.is_alive(), "it stands by again"
    assert proxy.n_sent(CALL) + other_proxy.n_sent(CALL) == len(attempts)
