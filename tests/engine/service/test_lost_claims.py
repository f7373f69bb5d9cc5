"""A Redis that came back without its last second: what it forgot of a call is told again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.attempt import AttemptRecord
from engine.core.call_events import HangupRecord, Recorded
from engine.core.call_state import CallState
from engine.core.campaign import Command
from engine.core.contact import ContactState, NewContact
from engine.core.ids import attempt_id
from engine.core.outcome import Outcome
from engine.core.redial import RedialAt
from engine.core.settings import LimitSettings
from engine.ports import Settlement, Wanted
from engine.service.calls import Call
from engine.service.clock import SystemClock
from engine.service.settling import Settler
from engine.service.world import EngineSettings, World, view_of

DAILY = LimitSettings(max_per_24h=1)


@pytest.fixture
def busy(numbers):
    """A call of which the store knows nothing but its contact, and how it ended."""
    [phone] = numbers(s01=1)
    now = datetime.now(UTC)

    def make(campaign_id: int, contact_id: int, **changes: object) -> tuple[Call, Recorded]:
        known = attempt_id(campaign_id, now, 1)
        call = Call(
            campaign_id=campaign_id,
            contact_id=contact_id,
            phone=phone,
            number=1,
            caller_id="",
            trunk="carrier",
            node="pbx",
            queue="dialer-1",
            amd=False,
            started_at=now,
            state=CallState(attempt_id=known, sent_at=now),
        )
        record = HangupRecord(
            stage="dial",
            cause=17,
            sip=486,
            timed_out=False,
            rang=False,
            answered_at=None,
            connected_at=None,
            message_at=None,
            message_end_at=None,
            ended_at=now + timedelta(milliseconds=300),
            agent=None,
            amd=None,
            greeting_end_at=None,
            opted_out=False,
            tech_cause=None,
        )
        return call, Recorded(known, now, replace(record, **changes))

    make.phone = phone
    return make


async def leading(stage, campaign_id: int) -> World:
    """An engine's memory, without its loops."""
    world = World(
        stage.store, None, SystemClock(), EngineSettings(owner="t", acknowledge_after_s=600)
    )
    world.fence = await stage.store.leadership.acquire("t", datetime.now(UTC), 30)
    await stage.store.campaigns.fence(campaign_id, world.fence)
    world.campaigns[campaign_id] = view_of(await stage.get(campaign_id), 1, datetime.now(UTC))
    return world


async def settled(world: World, call: Call, end: Recorded) -> None:
    world.calls.add(call)
    settler, stop = Settler(world), asyncio.Event()
    settler.see(end)
    stop.set()
    await settler.run(stop)


MACHINE = {"cause": 16, "sip": 200, "amd": "MACHINE", "answered_at": datetime.now(UTC)}


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({}, Outcome.BUSY), (MACHINE, Outcome.MACHINE)],
    ids=["busy", "machine"],
)
async def test_a_call_that_ends_between_the_readings_is_not_lost(
    stage, store, busy, changes, outcome
):
    """Recovery takes up neither what is being settled nor what it has not yet been told of.

    Its own lock-out, noted before it is settled, does not keep it from being counted.
    """
    limits = {"max_per_24h": 1, "after_machine_s": 3600}
    rules = {str(outcome): {"delay_s": 60, "max": 2}}
    campaign_id = await stage.campaign(
        [busy.phone], await stage.hire(1), limits=limits, redial={"rules": rules}
    )
    world = await leading(stage, campaign_id)
    [contact] = await stage.contacts(campaign_id)
    call, end = busy(campaign_id, contact.contact_id, **changes)
    await settled(world, call, end)
    [attempt] = await stage.attempts(campaign_id)
    assert (attempt.attempt_id, attempt.outcome) == (call.attempt_id, outcome)
    [contact] = await stage.contacts(campaign_id)
    assert (contact.state, contact.n_attempts) == (ContactState.SCHEDULED, 1)
    [against] = await store.numbers.standing([Wanted(busy.phone, "")], DAILY, datetime.now(UTC))
    assert [one.reason for one in against] == ["limit_24h"], "the call counts in its history"
    assert await store.numbers.live_owner(busy.phone) is None


TALKED = {
    "cause": 16, "sip": 200, "answered_at": datetime.now(UTC), "connected_at": datetime.now(UTC),
}  # fmt: skip


async def test_a_conversation_that_is_learned_late_locks_the_person(stage, store, busy, numbers):
    """Settled as unknown, its number is free again when the outcome becomes known."""
    [other] = numbers(s02=1)
    limits = {"person_max_per_7d": 7, "after_conversation_s": 7 * 86_400}
    campaign_id = await stage.campaign([], await stage.hire(1), play=False, limits=limits)
    new = NewContact(phone=busy.phone, hours_class="UTC", person_key="joe")
    [contact_id] = await store.contacts.add(campaign_id, [new], datetime.now(UTC))
    await stage.tell(campaign_id, Command.PLAY)
    world = await leading(stage, campaign_id)
    call, end = busy(campaign_id, contact_id, **TALKED)
    now, ids = call.started_at, [call.attempt_id]
    [claim] = await store.calls.claim(campaign_id, world.fence, ids, ["UTC"], now, 60)
    await store.numbers.reserve(
        [Wanted(claim.phone, claim.attempt_id, "joe")], LimitSettings(), now
    )
    await store.calls.mark_sent(campaign_id, world.fence, [(*ids, "", "carrier", "pbx")], now, 60)
    unknown = AttemptRecord(
        attempt_id=call.attempt_id, campaign_id=campaign_id, contact_id=contact_id, number=1,
        phone=call.phone, caller_id="", trunk="carrier", node="pbx", started_at=now, ended_at=now,
        outcome=Outcome.UNKNOWN, person_key="joe",
    )  # fmt: skip
    following = RedialAt(now + timedelta(hours=1))
    await store.calls.settle(campaign_id, [Settlement(record=unknown, next=following)], now)
    await store.numbers.release([(call.phone, call.attempt_id, True)])
    await settled(world, call, end)
    [attempt] = await stage.attempts(campaign_id)
    assert (attempt.outcome, attempt.rev) == (Outcome.ANSWERED, 1)
    asked = LimitSettings.model_validate(limits)
    [found] = await store.numbers.standing([Wanted(other, "", "joe")], asked, datetime.now(UTC))
    assert [one.reason for one in found] == ["person_after_conversation"]
