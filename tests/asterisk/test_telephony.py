"""The adapter on a real Asterisk: what it tells of calls and agents, and what it can do to them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.asterisk import Rig
from engine.core import ids
from engine.core.agent import RESERVED, WRAP_UP, Agent
from engine.core.call_events import (
    AgentLoggedIn,
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    Answered,
    CallEvent,
    Connected,
    Device,
    HungUp,
    LinkLost,
    LinkUp,
    MessageStarted,
    Recorded,
    Responded,
    Ringing,
    TelephonyEvent,
)
from engine.core.call_state import CAUSE_CANCELLED, CallState, Ended, apply, ended
from engine.core.errors import ActionRefused, LinkDown
from engine.core.outcome import Outcome
from engine.ports import DialOrder
from telephony.asterisk import AsteriskTelephony
from telephony.config import AmiConfig

BOUND_S = 40.0
TRIES = 5
HUMAN, BUSY, RINGS_FOR_EVER, UNALLOCATED = "00", "01", "02", "04"
NUMBERS = itertools.count(1)


class Desk:
    """An adapter, all that it has told, and waiting for what it will tell."""

    def __init__(self, telephony: AsteriskTelephony) -> None:
        self.telephony = telephony
        self.events: list[TelephonyEvent] = []
        self.task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        async for event in self.telephony.events():
            self.events.append(event)

    async def wait(self, found: Callable[[TelephonyEvent], bool]) -> Any:
        """The first event of which this holds, past or future."""
        async with asyncio.timeout(BOUND_S):
            while not (events := [event for event in self.events if found(event)]):
                await asyncio.sleep(0.01)
        return events[0]

    async def of(self, kind: type[CallEvent], attempt_id: str) -> Any:
        return await self.wait(lambda e: isinstance(e, kind) and e.attempt_id == attempt_id)

    async def connected(self, attempt_id: str) -> Connected | None:
        """None where the call ended without an agent."""
        ends = (Connected, HungUp)
        event = await self.wait(lambda e: isinstance(e, ends) and e.attempt_id == attempt_id)
        return event if isinstance(event, Connected) else None

    async def bridged(self, attempt_id: str) -> None:
        """The two are put together some milliseconds after the agent's pause."""
        async with asyncio.timeout(BOUND_S):
            while True:
                live = {call.attempt_id: call for call in await self.telephony.live_calls()}
                assert live[attempt_id].is_up
                if live[attempt_id].is_bridged:
                    return
                await asyncio.sleep(0.01)

    async def end(self, attempt_id: str) -> Ended:
        """What the core makes of a call once its record and its hangup are known."""
        await self.of(Recorded, attempt_id)
        await self.of(HungUp, attempt_id)
        state = CallState(attempt_id=attempt_id)
        for event in self.events:
            if isinstance(event, CallEvent) and event.attempt_id == attempt_id:
                state = apply(state, event)
        end = ended(state, datetime.now(UTC))
        assert end is not None
        return end


def config(rig: Rig) -> AmiConfig:
    return AmiConfig(
        host=rig.ami_host, port=rig.ami_port, username=rig.ami_username, secret=rig.ami_secret
    )


@pytest.fixture(scope="module")
def own_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Restarted by a test of this module, so not the one that the others share."""
    with Rig(tmp_path_factory.mktemp("telephony"), n_phones=3) as running:
        yield running


@pytest.fixture
async def desk(own_rig: Rig) -> AsyncIterator[Desk]:
    async with AsteriskTelephony(config(own_rig)) as telephony:
        desk = Desk(telephony)
        await desk.wait(lambda event: isinstance(event, LinkUp))
        yield desk
    await asyncio.wait({desk.task}, timeout=BOUND_S)


@pytest.fixture
def order() -> Callable[..., DialOrder]:
    def order(scenario: str, **changes: Any) -> DialOrder:
        n = next(NUMBERS)
        usual = DialOrder(
            attempt_id=ids.attempt_id(5, datetime.now(UTC), n),
            campaign_id=5,
            contact_id=n,
            phone=f"+1303555{scenario}{n:02d}",
            caller_id="+12025550100",
            trunk="carrier",
            queue="dialer-1",
            ring_timeout_s=10,
        )
        return replace(usual, **changes)

    return order


def agent(extension: str, mode: str = "off_hook") -> Agent:
    return Agent(
        id=int(extension),
        name=extension,
        extension=extension,
        mode=mode,  # type: ignore[arg-type]
        campaign_ids=(5,),
        state_since=datetime.now(UTC),
    )


# ----------------------------------------------------------------------------- outcomes


@pytest.mark.parametrize(
    ("scenario", "ring_s", "outcome"),
    [
        (BUSY, 10, Outcome.BUSY),
        (RINGS_FOR_EVER, 1, Outcome.NO_ANSWER),
        (UNALLOCATED, 10, Outcome.INVALID_NUMBER),
    ],
)
async def test_a_call_that_nobody_answers(desk, order, scenario, ring_s, outcome):
    call = order(scenario, ring_timeout_s=ring_s)
    await desk.telephony.originate(call)
    end = await desk.end(call.attempt_id)
    assert (end.outcome, end.trunk_fault) == (outcome, False)
    record = (await desk.of(Recorded, call.attempt_id)).record
    assert record.timed_out is (outcome is Outcome.NO_ANSWER)
    assert (await desk.of(Responded, call.attempt_id)).made_channel


async def test_ringing_is_told(desk, order):
    call = order(BUSY)
    await desk.telephony.originate(call)
    await desk.of(Ringing, call.attempt_id)
    assert (await desk.of(Recorded, call.attempt_id)).record.rang


async def test_a_person_without_an_agent_hears_the_message(desk, order):
    call = order(HUMAN, connect_deadline_s=1)
    await desk.telephony.originate(call)
    await desk.of(MessageStarted, call.attempt_id)
    end = await desk.end(call.attempt_id)
    assert end.outcome is Outcome.ABANDONED
    answered = await desk.of(Answered, call.attempt_id)
    assert answered.at == end.answered_at


async def test_an_unknown_trunk_makes_no_channel_and_is_told(desk, order):
    call = order(BUSY, trunk="nosuch")
    await desk.telephony.originate(call)
    await desk.wait(
        lambda e: (
            isinstance(e, Responded) and e.attempt_id == call.attempt_id and not e.made_channel
        )
    )


async def test_the_caller_id_reaches_the_network(desk, own_rig, order):
    call = order(BUSY)
    await desk.telephony.originate(call)
    await desk.end(call.attempt_id)
    numbers = [seen.number for seen in own_rig.carrier_calls()]
    assert call.phone[1:] in numbers


# ------------------------------------------------------------------------ hold on a call


async def test_hanging_up_leaves_our_cause_in_event_and_record(desk, order):
    call = order(RINGS_FOR_EVER)
    await desk.telephony.originate(call)
    await desk.of(Ringing, call.attempt_id)
    (live,) = await desk.telephony.live_calls()
    assert (live.attempt_id, live.is_up, live.is_bridged) == (call.attempt_id, False, False)
    await desk.telephony.hang_up(call.attempt_id)
    end = await desk.end(call.attempt_id)
    assert end.outcome is Outcome.CANCELLED
    assert end.cause == CAUSE_CANCELLED
    assert (await desk.of(HungUp, call.attempt_id)).cause == CAUSE_CANCELLED
    assert await desk.telephony.live_calls() == []


async def test_a_call_that_is_gone_can_be_hung_up_and_woken(desk, order):
    gone = order(BUSY).attempt_id
    await desk.telephony.hang_up(gone)
    await desk.telephony.wake_caller(gone)


async def test_records_stay_until_they_are_acknowledged(desk, order):
    calls = [order(UNALLOCATED) for _ in range(25)]
    for call in calls:
        await desk.telephony.originate(call)
    for call in calls:
        await desk.end(call.attempt_id)
    kept = await desk.telephony.records()
    for call in calls:
        assert kept[call.attempt_id] == (await desk.of(Recorded, call.attempt_id)).record
    await desk.telephony.acknowledge([call.attempt_id for call in calls[1:]])
    async with asyncio.timeout(BOUND_S):
        while set(kept) & {call.attempt_id for call in calls[1:]}:
            await asyncio.sleep(0.02)
            kept = await desk.telephony.records()
    assert calls[0].attempt_id in kept


async def test_a_second_originate_of_a_living_attempt_dials_nobody(desk, own_rig, order):
    call = order(RINGS_FOR_EVER)
    await desk.telephony.originate(call)
    await desk.of(Ringing, call.attempt_id)
    await desk.telephony.originate(call)
    await desk.of(Responded, call.attempt_id)
    # Long enough for the adapter to ask Asterisk whether there ever was a channel.
    await asyncio.sleep(2.5)
    responses = [e for e in desk.events if isinstance(e, Responded)]
    assert all(response.made_channel for response in responses)
    assert len(await desk.telephony.live_calls()) == 1
    await desk.telephony.hang_up(call.attempt_id)
    await desk.end(call.attempt_id)
    calls = [seen for seen in own_rig.carrier_calls() if seen.number == call.phone[1:]]
    assert len(calls) == 1


# -------------------------------------------------------------------------------- agents


async def test_membership_and_pause_in_all_queues(desk):
    ann = agent("1003", "on_hook")
    for queue in ("dialer-3", "dialer-4", "dialer-3"):
        await desk.telephony.add_member(queue, ann)
    members = {seen.queue: seen for seen in await desk.telephony.members()}
    assert set(members) == {"dialer-3", "dialer-4"}
    assert all(seen.paused and seen.extension == "1003" for seen in members.values())
    await desk.telephony.unpause(ann)
    assert not any(seen.paused for seen in await desk.telephony.members())
    await desk.telephony.pause(ann, RESERVED)
    for queue in members:
        await desk.wait(
            lambda e, queue=queue: (
                isinstance(e, AgentSeen) and (e.queue, e.pause_reason) == (queue, RESERVED)
            )
        )
    for queue in ("dialer-3", "dialer-4", "dialer-3"):
        await desk.telephony.remove_member(queue, ann)
    await desk.wait(lambda e: isinstance(e, AgentRemoved) and e.queue == "dialer-4")
    assert await desk.telephony.members() == []


async def test_an_unknown_queue_is_refused(desk):
    with pytest.raises(ActionRefused):
        await desk.telephony.add_member("nosuch", agent("1003"))


@pytest.mark.parametrize("answer_at", [0.1, 0.5, 0.9])
async def test_a_waiting_caller_is_woken_to_an_agent_who_becomes_ready(desk, order, answer_at):
    """With two seconds to the deadline the queue looks at 0 s and at 1 s: whoever is freed after
    that is found only by waking it, at whatever part of the clock's second (`answer_at`)."""
    bob = agent("1001")
    await desk.telephony.log_in(bob)
    await desk.wait(lambda e: isinstance(e, AgentLoggedIn) and e.extension == "1001")
    await desk.telephony.add_member("dialer-1", bob)
    await desk.wait(lambda e: isinstance(e, AgentSeen) and e.device is Device.NOT_IN_USE)
    for _ in range(TRIES):
        call = order(HUMAN, connect_deadline_s=2)
        # A person of this scenario answers after a second.
        await asyncio.sleep((answer_at - time.time()) % 1)
        await desk.telephony.originate(call)
        await desk.of(Answered, call.attempt_id)
        await asyncio.sleep(1.2)
        await desk.telephony.unpause(bob)
        await desk.telephony.wake_caller(call.attempt_id)
        connected = await desk.connected(call.attempt_id)
        if connected is not None:
            break
        # A machine that stands still for the rest of the two seconds shows nothing.
        await desk.telephony.pause(bob, "again")
    assert connected is not None and connected.agent == "1001"
    await desk.wait(lambda e: isinstance(e, AgentSeen) and e.pause_reason == WRAP_UP)
    await desk.bridged(call.attempt_id)
    await desk.telephony.log_off(bob)
    await desk.telephony.hang_up(call.attempt_id)
    end = await desk.end(call.attempt_id)
    assert (end.outcome, end.agent) == (Outcome.ANSWERED, "1001")
    await desk.wait(lambda e: isinstance(e, AgentLoggedOff) and e.extension == "1001")
    await desk.telephony.remove_member("dialer-1", bob)


# ------------------------------------------------------------------------------- restart


async def test_a_restart_of_asterisk_is_noticed_by_its_start(desk, own_rig, order):
    before = await desk.wait(lambda e: isinstance(e, LinkUp))
    ended_call = order(BUSY)
    await desk.telephony.originate(ended_call)
    await desk.end(ended_call.attempt_id)
    await asyncio.sleep(1.5)  # AstDB is committed about once a second
    call = order(RINGS_FOR_EVER)
    await desk.telephony.originate(call)
    await desk.of(Ringing, call.attempt_id)
    await asyncio.to_thread(own_rig.kill, "pbx")
    await desk.wait(lambda e: isinstance(e, LinkLost))
    with pytest.raises(LinkDown):
        await desk.telephony.originate(order(BUSY))
    await asyncio.to_thread(own_rig.start)
    after = await desk.wait(
        lambda e: isinstance(e, LinkUp) and e.pbx_started_at != before.pbx_started_at
    )
    assert after.pbx_started_at > before.pbx_started_at
    assert await desk.telephony.live_calls() == []
    records = await desk.telephony.records()
    assert call.attempt_id not in records
    assert ended_call.attempt_id in records


async def test_another_session_of_the_same_asterisk_has_the_same_start(desk, own_rig):
    first = await desk.wait(lambda e: isinstance(e, LinkUp))
    async with AsteriskTelephony(config(own_rig)) as telephony:
        other = Desk(telephony)
        again = await other.wait(lambda e: isinstance(e, LinkUp))
    assert again.pbx_started_at == first.pbx_started_at
    await asyncio.wait({other.task}, timeout=BOUND_S)


async def test_a_wrong_secret_is_explained(own_rig):
    async with AsteriskTelephony(replace(config(own_rig), secret="wrong")) as telephony:
        async with asyncio.timeout(BOUND_S):
            while telephony.last_error is None:
                await asyncio.sleep(0.02)
        assert "wrong AMI user name or secret" in telephony.last_error
