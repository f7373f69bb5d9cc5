"""Everything at once, at random, from a seed that is printed: whatever happens, the books agree."""

from __future__ import annotations

import asyncio
import os
import random
import secrets

import pytest

from engine.store import RedisStore

LEASE_S = 0.6
N_SHORT, SHORT_S = 2, 4.0
N_LONG, LONG_S = 12, 40.0


async def faults(stage, stores: list[RedisStore], rng: random.Random, for_s: float) -> None:
    """Kill, end, cut and confuse, with at most two engines at a time."""
    loop = asyncio.get_running_loop()
    until, serial = loop.time() + for_s, 0
    living: list = []
    while loop.time() < until:
        if len(living) < 2:
            serial += 1
            store = stores[serial % 2]
            living.append(stage.start(f"engine-{serial}", store=store, lease_s=LEASE_S))
        one = rng.choice(living)
        match rng.choice(("crash", "end", "cut", "confuse", "lose", "wait")):
            case "crash":
                living.remove(one)
                await one.crash()
            case "end":
                living.remove(one)
                await one.end()
                one.telephony.leave()
            case "cut":
                one.telephony.cut()
                await asyncio.sleep(rng.uniform(0, 0.6))
                one.telephony.restore()
            case "confuse":
                one.telephony.lose_responses = not one.telephony.lose_responses
            case "lose":
                one.telephony.lose_orders = not one.telephony.lose_orders
        await asyncio.sleep(rng.uniform(0, 0.8))
    for one in living:
        one.telephony.lose_orders = one.telephony.lose_responses = False


async def chaos(stage, second_store, numbers, seed: int, for_s: float, scale: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    stage.pbx.talk_s = rng.uniform(0.05, 0.4)
    stage.pbx.ring_s = rng.uniform(0.02, 0.2)
    called = numbers(s00=10 * scale, s01=3 * scale, s02=scale, s04=scale, s07=2 * scale, s15=scale)
    rng.shuffle(called)
    campaign_id = await stage.campaign(
        called, await stage.hire(5), delay_s=1, wrap_up_s=rng.choice((0, 1))
    )
    await faults(stage, [stage.store, second_store], rng, for_s)
    stage.start("engine-last", lease_s=LEASE_S)
    await stage.completed(campaign_id, 60 + for_s)
    await stage.check(campaign_id)


@pytest.mark.parametrize("seed", range(N_SHORT))
async def test_chaos(stage, second_store, numbers, seed):
    await chaos(stage, second_store, numbers, seed, SHORT_S, 1)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", range(N_LONG))
async def test_long_chaos(stage, second_store, numbers, turn):
    """`DIALER_SEED` repeats a run that failed."""
    given = os.environ.get("DIALER_SEED")
    seed = int(given) + turn if given else secrets.randbits(32)
    await chaos(stage, second_store, numbers, seed, LONG_S, 8)
