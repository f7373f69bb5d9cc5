"""What an engine does to the store at a given rate of calls, without a telephone network.

`python -m bench.parts.dial_load URL CAMPAIGN RATE OPEN`: claims, reserves, marks as sent, and two
seconds later settles as busy; each second it publishes the live figures of the first OPEN
campaigns, as an engine does that leads them. Runs until SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.core import ids
from engine.core.attempt import AttemptRecord, Claim
from engine.core.errors import StoreUnavailable
from engine.core.outcome import Outcome
from engine.core.redial import RedialAt
from engine.core.settings import LimitSettings
from engine.ports import Fence, Settlement, Wanted
from engine.store import RedisStore

FENCE = Fence(owner="bench", epoch=1)
TICK_S = 0.1
RING_S = 2.0
LEASE_S = 60
CALLER_ID = "+12125550100"


class Load:
    def __init__(self, store: RedisStore, campaign_id: int, rate: int, n_open: int) -> None:
        self._store, self._campaign_id = store, campaign_id
        self._rate, self._n_open = rate, n_open
        self._ringing: deque[tuple[datetime, Sequence[Claim]]] = deque()
        self._owed = 0.0

    async def run(self) -> None:
        await self._store.campaigns.fence(self._campaign_id, FENCE)
        loop, n_ticks = asyncio.get_running_loop(), 0
        started = loop.time()
        while True:
            # A server that stands still for a moment is what an engine outlives as well.
            with contextlib.suppress(StoreUnavailable):
                await self._tick(datetime.now(UTC))
                if n_ticks % 10 == 0:
                    await self._publish(datetime.now(UTC))
            n_ticks += 1
            await asyncio.sleep(max(0.0, started + n_ticks * TICK_S - loop.time()))

    async def _tick(self, now: datetime) -> None:
        self._owed += self._rate * TICK_S
        n, self._owed = int(self._owed), self._owed % 1
        await self._dial(n, now)
        while self._ringing and now - self._ringing[0][0] >= timedelta(seconds=RING_S):
            await self._settle(self._ringing.popleft()[1], now)

    async def _dial(self, n: int, now: datetime) -> None:
        calls, campaign = self._store.calls, self._campaign_id
        attempts = [ids.attempt_id(campaign, now, secrets.randbits(50)) for _ in range(n)]
        classes = await calls.hours_classes(campaign)
        claims = await calls.claim(campaign, FENCE, attempts, classes, now, LEASE_S)
        wanted = [Wanted(c.phone, c.attempt_id, c.person_key) for c in claims]
        await self._store.numbers.reserve(wanted, LimitSettings(), now)
        sent = [(c.attempt_id, CALLER_ID, "carrier", "pbx") for c in claims]
        await calls.mark_sent(campaign, FENCE, sent, now, LEASE_S)
        self._ringing.append((now, claims))

    async def _settle(self, claims: Sequence[Claim], now: datetime) -> None:
        later = RedialAt(now + timedelta(hours=1))
        ended = [Settlement(record=self._record(c, now), next=later) for c in claims]
        await self._store.calls.settle(self._campaign_id, ended, now)
        await self._store.numbers.release([(c.phone, c.attempt_id, True) for c in claims])

    def _record(self, claim: Claim, now: datetime) -> AttemptRecord:
        return AttemptRecord(
            attempt_id=claim.attempt_id,
            campaign_id=self._campaign_id,
            contact_id=claim.contact_id,
            number=claim.number,
            phone=claim.phone,
            caller_id=CALLER_ID,
            trunk="carrier",
            node="pbx",
            started_at=now - timedelta(seconds=RING_S),
            ended_at=now,
            ring_s=RING_S,
            outcome=Outcome.BUSY,
            cause=17,
        )

    async def _publish(self, now: datetime) -> None:
        n = sum(len(claims) for _, claims in self._ringing)
        figures = {"calls": {"ringing": n}, "agents": {"available": 1}, "idle_reasons": []}
        at = {"at_s": int(now.timestamp())}
        for campaign_id in range(1, self._n_open + 1):
            await self._store.campaigns.publish_live(campaign_id, figures | at)


async def main(url: str, campaign_id: int, rate: int, n_open: int) -> None:
    store = await RedisStore.connect(url)
    task = asyncio.ensure_future(Load(store, campaign_id, rate, n_open).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5])))
