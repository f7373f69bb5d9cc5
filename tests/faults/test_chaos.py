"""Everything that can fail fails, at random, from a seed that is printed; then the books agree."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from collections.abc import Callable

import pytest

N_TURNS, N_FAULTS = 8, 12
LEASE_S = 3.0


async def kill(floor, rng, child, proxy) -> None:
    child.kill()
    await asyncio.sleep(rng.uniform(0, 6))
    child.start()


async def sleep(floor, rng, child, proxy) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    await asyncio.sleep(rng.uniform(0.5, 3) * LEASE_S)
    os.kill(child.pid, signal.SIGCONT)


async def cut(floor, rng, child, proxy) -> None:
    proxy.cut()
    await asyncio.sleep(rng.uniform(0, 6))
    proxy.heal()


async def swallow(floor, rng, child, proxy) -> None:
    proxy.blackhole()
    await asyncio.sleep(rng.uniform(0, 20))
    proxy.heal()


async def restart_redis(floor, rng, child, proxy) -> None:
    floor.server.kill()
    await asyncio.sleep(rng.uniform(0, 3))
    floor.server.start()


FAULTS: tuple[Callable, ...] = (kill, kill, sleep, cut, swallow, restart_redis)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", range(N_TURNS))
async def test_chaos(floor, turn):
    """`DIALER_SEED` repeats a run that failed."""
    given = os.environ.get("DIALER_SEED")
    seed = int(given) + turn if given else secrets.randbits(32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    await floor.hire(mode=rng.choice(("off_hook", "on_hook")))
    campaign_id = await floor.campaign(
        floor.numbers(s00=60, s01=20, s02=8, s03=4, s04=10, s07=8, s25=6)
    )
    engines = []
    for _ in range(2):
        proxy, through = floor.proxy_to_asterisk()
        engines.append((floor.start(**through), proxy))
    for _ in range(N_FAULTS):
        await asyncio.sleep(rng.uniform(0.5, 4))
        fault, (child, proxy) = rng.choice(FAULTS), rng.choice(engines)
        print(fault.__name__)
        await fault(floor, rng, child, proxy)
    await floor.completed(campaign_id, 300)
    await floor.check(campaign_id, may_be_unknown=True)
