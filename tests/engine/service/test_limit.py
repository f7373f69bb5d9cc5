"""The limit of abandoned calls in a whole engine: where it comes from and what it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.attempt import AttemptRecord
from engine.core.campaign import CampaignStatus, Transition
from engine.core.ledger import Counts, answered_by
from engine.core.ledger_periods import ledger_of
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.ports import Settlement

POWER = {"mode": "power", "dial_level": 5}
GROUP = {**POWER, "drop_rate_group": "north"}
ONE_SECOND = {"connect_deadline_s": 1}


def now():
    return datetime.now(UTC)


def record_of(claim, campaign_id, outcome):
    at = now()
    return AttemptRecord(
        attempt_id=claim.attempt_id,
        campaign_id=campaign_id,
        contact_id=claim.contact_id,
        number=claim.number,
        phone=claim.phone,
        caller_id="+12025550100",
        trunk="carrier",
        node="pbx",
        started_at=at,
        answered_at=at,
        bridged_at=at if outcome is Outcome.ANSWERED else None,
        ended_at=at,
        outcome=outcome,
        answered_by=answered_by(outcome, None),
    )


async def past(stage, numbers, outcomes, **edits):
    """A stopped campaign whose calls ended like this."""
    store, phones = stage.store, numbers(s99=len(outcomes))
    campaign_id = await stage.campaign(phones, await stage.hire(1, log_in=False), **edits)
    fence = await store.leadership.acquire("before", now(), 60)
    await store.campaigns.fence(campaign_id, fence)
    ids = [f"{campaign_id}a{n:020}" for n in range(len(outcomes))]
    classes = await store.calls.hours_classes(campaign_id)
    claims = await store.calls.claim(campaign_id, fence, ids, classes, now(), 60)
    marks = [(claim.attempt_id, "+12025550100", "carrier", "pbx") for claim in claims]
    assert all(await store.calls.mark_sent(campaign_id, fence, marks, now(), 60))
    settlements = [
        Settlement(record=record_of(claim, campaign_id, outcome), next=Done("x"))
        for claim, outcome in zip(claims, outcomes, strict=True)
    ]
    assert all(await store.calls.settle(campaign_id, settlements, now()))
    step = Transition(CampaignStatus.ACTIVE, CampaignStatus.STOPPED, "")
    await store.campaigns.move(campaign_id, step, "t", now())
    await store.leadership.release(fence)
    return campaign_id


def watch_in_flight(pbx):
    """How many calls rang at once whenever one more left."""
    found, place = [], pbx.place

    def watched(order):
        place(order)
        found.append(sum(each.answered_at is None for each in pbx.channels.values()))

    pbx.place = watched
    return found


async def why(stage, campaign_id):
    figures = await stage.store.campaigns.live_figures(campaign_id)
    explained = (figures or {}).get("pacing", {}).get("explained", {})
    return explained.get("why"), explained.get("period")


async def test_power_dials_ahead_while_the_limit_allows(stage, numbers):
    await past(stage, numbers, [Outcome.ANSWERED] * 90, pacing=GROUP)
    in_flight = watch_in_flight(stage.pbx)
    campaign_id = await stage.campaign(
        numbers(s01=40), await stage.hire(2), pacing=GROUP, delay_s=0
    )
    stage.start()
    await stage.completed(campaign_id)
    assert max(in_flight) > 2


async def test_a_group_at_its_limit_dials_one_call_for_each_agent_and_says_so(stage, numbers):
    """The calls were another campaign's; before it joins the group the limit is its own."""
    spent = [Outcome.ANSWERED] * 90 + [Outcome.ABANDONED] * 5
    await past(stage, numbers, spent, pacing=GROUP)
    in_flight = watch_in_flight(stage.pbx)
    campaign_id = await stage.campaign(
        numbers(s01=40), await stage.hire(2), pacing=GROUP, delay_s=0
    )
    stage.start()

    async def says_so():
        return await why(stage, campaign_id) == ("limit_reached", "so_far")

    await stage.until(says_so)
    await stage.completed(campaign_id)
    assert max(in_flight) <= 2


async def test_an_edit_changes_the_group_for_the_next_decision(stage, numbers):
    past_id = await past(stage, numbers, [Outcome.ABANDONED] * 3, pacing=GROUP)
    nobody = await stage.hire(1, log_in=False)
    campaign_id = await stage.campaign(numbers(s01=1), nobody, pacing=POWER)
    running = stage.start()
    world, pacer = running.engine.world, running.engine._pacer
    await stage.until(lambda: campaign_id in world.campaigns)
    view = world.campaigns[campaign_id]
    assert [each.abandoned for each in pacer.snapshot(view, 1).tallies] == [0]
    settings = view.campaign.settings
    pacing = settings.pacing.model_copy(update={"drop_rate_group": "north"})
    settings = settings.model_copy(update={"pacing": pacing})
    await stage.store.campaigns.update(campaign_id, settings=settings, actor="t", now=now())
    await stage.until(lambda: world.ledgers.members(view.campaign) == (past_id, campaign_id))
    assert [each.abandoned for each in pacer.snapshot(view, 1).tallies] == [3, 3]


async def test_what_memory_counts_is_what_the_records_say(stage, numbers):
    """The campaign waits for redials in the end, so it is still led."""
    called, agents = numbers(s00=25, s01=5, s07=5), await stage.hire(3)
    campaign_id = await stage.campaign(called, agents, pacing=POWER, delay_s=3600)
    ledgers = stage.start().engine.world.ledgers

    async def all_ended():
        return len(await stage.attempts(campaign_id)) == len(called)

    await stage.until(all_ended)
    stored = await stage.store.ledgers.read(campaign_id, now())
    anew = ledger_of(await stage.attempts(campaign_id), stored.first_at)
    assert stored.so_far == anew.so_far
    assert stored.last_24_h(now()) == anew.last_24_h(now())
    assert anew.so_far.n_people == 30
    await stage.until(lambda: ledgers.of_campaign[campaign_id].so_far == anew.so_far)


async def test_a_restarted_engine_knows_who_was_abandoned(stage, numbers):
    stage.pbx.ring_s = 2.0
    called = numbers(s00=1, s02=3)
    campaign_id = await stage.campaign(
        called, await stage.hire(1), pacing=POWER, dialing=ONE_SECOND, delay_s=3600
    )
    first = stage.start()
    await stage.placed(1)
    for member in stage.pbx.members.values():
        member.paused, member.pause_reason = True, "unseen by us"
    abandoned = Counts(n_people=1, n_abandoned=1)

    async def is_settled():
        return (await stage.store.ledgers.read(campaign_id, now())).so_far == abandoned

    await stage.until(is_settled)
    ledgers = first.engine.world.ledgers
    await stage.until(lambda: ledgers.of_campaign[campaign_id].so_far == abandoned)
    await first.crash()
    second = stage.start("engine-2")
    world = second.engine.world
    await stage.until(lambda: campaign_id in world.campaigns)
    assert world.ledgers.of_campaign[campaign_id].so_far == abandoned
    snapshot = second.engine._pacer.snapshot(world.campaigns[campaign_id], 1)
    assert (snapshot.answered, snapshot.abandoned) == (1, 1)
    block = next(each for each in snapshot.tallies if each.name == "block")
    assert (block.answered, block.abandoned) == (1, 1)
    assert block.ends_in_s is not None
    assert 0 <= block.ends_in_s <= timedelta(hours=12).total_seconds()
