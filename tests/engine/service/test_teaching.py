"""What a rule learns outlives the campaign and the engine."""

from __future__ import annotations

import pytest

from engine.core.pacing.teaching import weight
from engine.service import teaching

PREDICTIVE = {"mode": "predictive"}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(teaching, "KEEP_S", 0.0)


def view(running, campaign_id):
    return running.engine.world.campaigns[campaign_id]


async def is_led(stage, running, campaign_id):
    await stage.until(lambda: campaign_id in running.engine.world.campaigns)


async def test_a_takeover_goes_on_with_what_was_learned(stage, numbers):
    """The first engine is killed while the campaign waits for redials."""
    stage.pbx.ring_s = 0.5
    called = numbers(s01=12, s04=3)
    campaign_id = await stage.campaign(called, await stage.hire(4), pacing=PREDICTIVE, delay_s=3600)
    first = stage.start()

    async def is_kept():
        found = await stage.store.knowledge.of(campaign_id)
        return found and weight(found.knowledge.lines) > 3

    await stage.until(is_kept)
    await first.crash()
    known = await stage.store.knowledge.of(campaign_id)
    second = stage.start("engine-2")
    await is_led(stage, second, campaign_id)
    rule = view(second, campaign_id).pacing
    assert weight(rule.knowledge().lines) >= weight(known.knowledge.lines) - 0.5


async def test_a_new_campaign_of_the_team_does_not_start_cold(stage, numbers):
    stage.pbx.ring_s = 0.5
    agents = await stage.hire(4)
    first_id = await stage.campaign(numbers(s00=8, s01=12), agents, pacing=PREDICTIVE)
    running = stage.start()
    await stage.completed(first_id)
    await stage.until(lambda: first_id not in running.engine.world.campaigns)
    known = await stage.store.knowledge.of(first_id)
    assert known is not None and weight(known.knowledge.lines) >= 5
    others = await stage.hire(4, log_in=False)
    second_id = await stage.campaign(numbers(s02=1), agents[:3], pacing=PREDICTIVE)
    third_id = await stage.campaign(numbers(s03=1), others, pacing=PREDICTIVE)
    await is_led(stage, running, second_id)
    await is_led(stage, running, third_id)
    taught = view(running, second_id).taught
    assert taught is not None
    assert weight(taught.talk) == pytest.approx(weight(known.knowledge.talk), abs=0.5)
    assert view(running, third_id).taught is None
    await running.end()
    assert await stage.store.knowledge.of(third_id) is None
