"""Redis goes away for a while, answers late or not at all; calls go on and nobody is lost."""

from __future__ import annotations

import asyncio

LEASE_S = 0.6


async def test_redis_away_for_some_seconds(stage, numbers, network, far_store):
    stage.pbx.talk_s = 0.3
    campaign_id = await stage.campaign(numbers(s00=25, s01=5), await stage.hire(5))
    stage.start(store=far_store, lease_s=LEASE_S)
    await stage.placed(5)
    for _ in range(2):
        network.cut()
        await asyncio.sleep(1.2)
        network.heal()
        n_before = len(stage.pbx.placed)
        await stage.placed(n_before + 3)
    await stage.completed(campaign_id)
    await stage.check(campaign_id)


async def test_redis_that_swallows_commands(stage, numbers, network, far_store):
    """A command whose answer is lost may have been executed: claims and marks among them."""
    stage.pbx.talk_s = 0.2
    campaign_id = await stage.campaign(numbers(s00=25, s01=5), await stage.hire(5))
    running = stage.start(store=far_store, lease_s=LEASE_S)
    await stage.placed(5)
    network.blackhole()
    await asyncio.sleep(2)
    network.heal()
    n_before = len(stage.pbx.placed)
    await stage.placed(n_before + 3)
    await stage.completed(campaign_id)
    await stage.check(campaign_id)
    assert len(running.engine.world.calls) == 0


async def test_a_leader_that_lost_redis_is_replaced(stage, numbers, network, far_store):
    stage.pbx.talk_s = 0.3
    campaign_id = await stage.campaign(numbers(s00=30, s01=4), await stage.hire(5))
    cut_off = stage.start("cut-off", store=far_store, lease_s=LEASE_S)
    await stage.placed(5)
    network.cut()
    stage.start("near", lease_s=LEASE_S)
    n_before = len(stage.pbx.placed)
    await stage.placed(n_before + 5)
    network.heal()
    await stage.completed(campaign_id)
    await stage.check(campaign_id)
    await stage.until(lambda: cut_off.engine.world.fence is None)
    assert len(cut_off.engine.world.calls) == 0
