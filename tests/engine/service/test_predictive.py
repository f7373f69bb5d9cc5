"""A campaign that is paced predictively, on a PBX that behaves by number."""

from __future__ import annotations

from dataclasses import replace

from engine.core.outcome import Outcome
from engine.core.pacing import Predictive

PREDICTIVE = {"mode": "predictive", "max_abandon_rate": 0.05}


def view(running, campaign_id):
    return running.engine.world.campaigns[campaign_id]


async def test_it_completes_and_learns_on_the_way(stage, numbers):
    stage.pbx.ring_s = 0.3
    called = numbers(s00=40, s01=20, s04=20)
    campaign_id = await stage.campaign(called, await stage.hire(8), pacing=PREDICTIVE)
    running = stage.start()
    await stage.until(lambda: campaign_id in running.engine.world.campaigns)
    rule = view(running, campaign_id).pacing
    assert isinstance(rule, Predictive)
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    knowledge = rule.knowledge()
    persons, others = (sum(each.values()) for each in knowledge.lines.counts)
    assert 30 <= persons <= 45 and others >= 30
    assert sum(knowledge.talk.counts[0].values()) >= 20
    n_abandoned = sum(attempt.outcome is Outcome.ABANDONED for attempt in attempts)
    assert n_abandoned <= 0.05 * 40 + 1


async def test_an_edit_keeps_what_was_learned(stage, numbers):
    campaign_id = await stage.campaign(numbers(s00=12), await stage.hire(3), pacing=PREDICTIVE)
    running = stage.start()
    await stage.until(lambda: campaign_id in running.engine.world.campaigns)
    one = view(running, campaign_id)
    before = one.pacing
    await stage.completed(campaign_id)
    learned = before.knowledge()
    pacing = one.campaign.settings.pacing.model_copy(update={"max_abandon_rate": 0.01})
    settings = one.campaign.settings.model_copy(update={"pacing": pacing})
    one.refresh(replace(one.campaign, settings=settings), one.bucket.filled_at)
    assert one.pacing is not before
    assert one.pacing.knowledge() == learned
