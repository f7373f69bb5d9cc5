"""A campaign from Play to completed, on a PBX that behaves by number."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from engine.core.call_events import OptedOut
from engine.core.campaign import CampaignStatus
from engine.core.contact import ContactState
from engine.core.outcome import Outcome

OUTCOMES = {
    "00": {Outcome.ANSWERED},
    "01": {Outcome.BUSY},
    "02": {Outcome.NO_ANSWER},
    "04": {Outcome.INVALID_NUMBER},
    "07": {Outcome.ANSWERED, Outcome.HUNG_UP_EARLY},
    "15": {Outcome.FAILED},
}


async def test_completes_over_all_behaviours(stage, numbers):
    called = numbers(s00=12, s01=4, s02=1, s04=3, s07=3, s15=2)
    campaign_id = await stage.campaign(called, await stage.hire(5), delay_s=1)
    stage.start()
    campaign = await stage.completed(campaign_id)
    assert campaign.progress == 100.0
    attempts = await stage.check(campaign_id)
    for attempt in attempts:
        assert attempt.outcome in OUTCOMES[attempt.phone[-4:-2]]
    n_of = Counter(attempt.phone[-4:-2] for attempt in attempts)
    assert n_of["00"] == 12
    assert n_of["01"] == 4 * 3, "a busy number is tried as often as allowed"
    assert n_of["02"] == 3
    assert n_of["04"] == 3, "an invalid number is never tried again"
    assert n_of["15"] == 2 * 2, "a trunk fault is tried again as often as trunk faults allow"
    counts = await stage.store.calls.counts(campaign_id)
    assert counts["attempts"] == len(attempts)
    assert counts["in_flight"] == counts["wrap_up"] == counts["ready"] == counts["scheduled"] == 0


async def test_records_tell_the_call(stage, numbers):
    [agent_id] = await stage.hire(1)
    campaign_id = await stage.campaign(numbers(s00=1), [agent_id])
    stage.start()
    await stage.completed(campaign_id)
    [attempt] = await stage.check(campaign_id)
    assert attempt.agent_id == agent_id
    assert attempt.answered_at and attempt.bridged_at and attempt.ringing_at
    assert attempt.started_at <= attempt.ringing_at <= attempt.answered_at <= attempt.bridged_at
    assert attempt.talk_s and attempt.talk_s > 0
    assert attempt.trunk == "carrier" and attempt.node == "pbx"


async def test_nothing_completes_while_an_import_runs(stage, numbers):
    campaign_id = await stage.campaign(numbers(s00=1), await stage.hire(1))
    import_id = await stage.store.imports.create(
        campaign_id, filename="late.csv", now=datetime.now(UTC)
    )
    stage.start()

    async def is_dialled_out() -> bool:
        campaign = await stage.get(campaign_id)
        return campaign.n_complete == campaign.n_contacts == 1

    await stage.until(is_dialled_out)
    before = stage.running[0].engine.world.campaigns[campaign_id]
    before.dirty = True
    await stage.until(lambda: not before.dirty)
    assert (await stage.get(campaign_id)).status is CampaignStatus.ACTIVE
    await stage.store.imports.finish(import_id, "done", "", datetime.now(UTC))
    await stage.completed(campaign_id)


async def test_a_number_that_is_forbidden_meanwhile_is_dialled_no_more(stage, numbers):
    called = numbers(s01=3)
    campaign_id = await stage.campaign(called, await stage.hire(1), delay_s=1)
    stage.start()
    await stage.placed(3)
    forbidden = called[0]
    before = stage.pbx.calls_to(forbidden)
    at = datetime.now(UTC)
    await stage.store.dnc.add(forbidden, source="test", actor="t", now=at)
    await stage.completed(campaign_id)
    assert stage.pbx.calls_to(forbidden) == before
    contact = (await stage.contacts(campaign_id))[0]
    assert (contact.phone, contact.done_reason) == (forbidden, "dnc")
    await stage.check(campaign_id)


async def test_somebody_who_opts_out_is_forbidden_at_once(stage, numbers):
    stage.pbx.message_s = 30
    [phone] = numbers(s00=1)
    # The only agent is on another line, so the message is played, and the key is pressed in it.
    campaign_id = await stage.campaign([phone], await stage.hire(1), dialing=ONE_SECOND)
    stage.start()
    await stage.until(lambda: stage.pbx.members)
    await stage.placed(1)
    for member in stage.pbx.members.values():
        member.paused = True
    channel = next(iter(stage.pbx.channels.values()))
    await stage.until(lambda: channel.answered_at)
    stage.pbx.tell(OptedOut(channel.order.attempt_id, datetime.now(UTC)))
    await stage.until(lambda: stage.store.dnc.contains(phone))
    assert channel.order.attempt_id in stage.pbx.channels, "while the call still goes on"
    channel.hang_up.set()
    await stage.completed(campaign_id)
    [contact] = await stage.contacts(campaign_id)
    assert contact.done_reason == "opted_out"


ONE_SECOND = {"connect_deadline_s": 1}


async def test_nobody_in_time_plays_the_message(stage, numbers):
    campaign_id = await stage.campaign(numbers(s00=1), await stage.hire(1), dialing=ONE_SECOND)
    stage.start()
    await stage.placed(1)
    for member in stage.pbx.members.values():
        member.paused, member.pause_reason = True, "unseen by us"
    await stage.completed(campaign_id)
    [attempt] = await stage.check(campaign_id)
    assert attempt.outcome is Outcome.ABANDONED
    assert attempt.abandoned and attempt.message_played and attempt.bridged_at is None


async def test_a_trunk_that_refuses_in_a_row_rests(stage, numbers):
    """Five different numbers refused: nothing is sent for a while, and nobody is used up."""
    redial = {"max_trunk_faults": 9, "rules": {"failed": {"delay_s": 0, "max": 2}}}
    campaign_id = await stage.campaign(numbers(s15=8), await stage.hire(8), redial=redial)
    running = stage.start()
    await stage.until(lambda: running.engine.world.trunks["carrier"].rest_until is not None)
    trunk = running.engine.world.trunks["carrier"]
    assert trunk.rest_until is not None
    world = running.engine.world
    await stage.until(lambda: world.campaigns[campaign_id].idle_reasons == ("trunk_resting",))
    for contact in await stage.contacts(campaign_id):
        assert contact.n_attempts == 0
        assert contact.state is not ContactState.DONE
    await stage.until(lambda: world.trunks["carrier"].n_rests > trunk.n_rests)
    assert not [at for at, _ in stage.pbx.left if rests(trunk.rest_until, at)]


def rests(until: datetime, at: datetime) -> bool:
    """A call of the last quarter of a one-second rest left against it."""
    return 0 < (until - at).total_seconds() < 0.5
