"""Streams of a real Asterisk 22, one call each, through the whole adapter: what the core makes of
them when only events are left, that is when the hangup record was lost.

They were recorded with an earlier dialplan: its user events had other names, and its ids were
not ours. Both are put right here; nothing else is.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.core.call_events import (
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    AmdDecided,
    CallEvent,
    Connected,
    Device,
    Fate,
    HungUp,
    MessageStarted,
    RecordLost,
    Responded,
    Ringing,
    Vanished,
)
from engine.core.call_state import CallState, apply, ended
from engine.core.outcome import Outcome

FOLDER = Path(__file__).parent / "transcripts"
ATTEMPT = "5a01m84000000000000001"
NOW = datetime(2026, 11, 23, tzinfo=UTC)

#: name: outcome, is a trunk fault, rang
CALLS = {
    "abandon_in_queue": (Outcome.HUNG_UP_EARLY, False, True),
    "abandon_while_agent_ringing": (Outcome.HUNG_UP_EARLY, False, True),
    "agent_rings_queue_timeout": (Outcome.ABANDONED, False, True),
    "amd_human": (Outcome.ABANDONED, False, True),
    "amd_machine": (Outcome.MACHINE, False, True),
    "amd_notsure_silence": (Outcome.HUNG_UP_EARLY, False, False),
    "amd_silence_rtp": (Outcome.MACHINE, False, False),
    "answered_bridged_agent_agent_hangs_up": (Outcome.ANSWERED, False, True),
    "answered_bridged_agent_customer_hangs_up": (Outcome.ANSWERED, False, True),
    "answered_noagent_safeharbour": (Outcome.ABANDONED, False, True),
    "badformat28": (Outcome.INVALID_NUMBER, False, False),
    "busy": (Outcome.BUSY, False, True),
    "congestion": (Outcome.FAILED, True, False),
    "interwork127": (Outcome.FAILED, True, False),
    "noanswer": (Outcome.NO_ANSWER, False, True),
    "nomatch_404": (Outcome.INVALID_NUMBER, False, False),
    "noreply": (Outcome.NO_ANSWER, False, False),
    "notreg20": (Outcome.FAILED, False, False),
    "numchanged22": (Outcome.INVALID_NUMBER, False, False),
    "rejected21": (Outcome.REJECTED, False, False),
    "sit_earlymedia_404": (Outcome.INVALID_NUMBER, False, True),
    "tempfail41": (Outcome.REJECTED, False, False),
    "unallocated": (Outcome.INVALID_NUMBER, False, False),
    "unspec31": (Outcome.FAILED, False, False),
}


def stream(name: str) -> bytes:
    """The transcript as it came over the line, with our names for things."""
    text = (FOLDER / f"{name}.txt").read_text()
    response = re.search(r"Event: OriginateResponse\n(?:.+\n)*?Uniqueid: (\S+)", text)
    if response:
        text = re.sub(rf"\b{re.escape(response[1])}(?=\n)", ATTEMPT, text)
        text = re.sub(
            r"(Event: OriginateResponse\n(?:.+\n)*?ActionID: ).+", rf"\g<1>{ATTEMPT}", text
        )
    text = text.replace("UserEvent: SafeHarbour", f"UserEvent: DialerMessage\nAttempt: {ATTEMPT}")
    text = text.replace("UserEvent: AMDResult", f"UserEvent: DialerAmd\nAttempt: {ATTEMPT}")
    return text.replace("\n", "\r\n").encode()


async def replay(name, up, fake):
    """All call events that the adapter makes of it, read in pieces of any size."""
    _, seen = up
    data, dice = stream(name), random.Random(name)
    while data:
        size = dice.randint(1, 4000)
        fake.emit_raw(data[:size])
        data = data[size:]
    fake.emit({"Event": "AgentLogoff", "Agent": "end"})
    await seen.n(AgentLoggedOff, 1)
    return [event for event in seen.events if isinstance(event, CallEvent)]


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_has_its_outcome(name, up, fake):
    outcome, trunk_fault, rang = CALLS[name]
    events = await replay(name, up, fake)
    assert {event.attempt_id for event in events} == {ATTEMPT}
    assert any(isinstance(event, Ringing) for event in events) is rang
    # In any order the outcome is the same.
    for seed in range(10):
        shuffled = [*events, RecordLost(ATTEMPT, NOW)]
        random.Random(seed).shuffle(shuffled)
        state = CallState(attempt_id=ATTEMPT)
        for event in shuffled:
            state = apply(state, event)
        end = ended(state, NOW)
        assert end is not None
        assert (end.outcome, end.trunk_fault) == (outcome, trunk_fault)


async def test_instants_are_those_of_asterisk(up, fake):
    events = await replay("busy", up, fake)
    (hung_up,) = [event for event in events if isinstance(event, HungUp)]
    assert hung_up.at == datetime.fromtimestamp(1795441400.285319, UTC)
    assert (hung_up.cause, hung_up.sip) == (17, 486)


@pytest.mark.parametrize("who", ["agent", "customer"])
async def test_a_bridged_call_names_its_agent(up, fake, who):
    events = await replay(f"answered_bridged_agent_{who}_hangs_up", up, fake)
    (connected,) = [event for event in events if isinstance(event, Connected)]
    assert connected.agent == "1001"
    _, seen = up
    devices = [event.device for event in seen.of(AgentSeen)]
    # These phones report busy while they ring.
    assert devices == [Device.IN_USE, Device.NOT_IN_USE]


async def test_amd_and_message_are_told(up, fake):
    events = await replay("amd_human", up, fake)
    assert [e.verdict for e in events if isinstance(e, AmdDecided)] == ["HUMAN"]
    assert len([e for e in events if isinstance(e, MessageStarted)]) == 1


async def test_an_id_in_use_is_a_failed_response_beside_the_living_call(up, fake):
    events = await replay("duplicate_channelid", up, fake)
    reasons = [event.reason for event in events if isinstance(event, Responded)]
    assert reasons == [4, 0, 4]


async def test_a_restarted_asterisk_tells_nothing_of_its_calls(up, fake):
    events = await replay("pbx_restart", up, fake)
    state = CallState(attempt_id=ATTEMPT)
    for event in events:
        state = apply(state, event)
    assert ended(state, NOW) is None
    end = ended(apply(state, Vanished(ATTEMPT, NOW, Fate.UNKNOWN)), NOW)
    assert end is not None
    assert end.outcome is Outcome.UNKNOWN


async def test_members_come_and_go(up, fake):
    await replay("agent_unregistered", up, fake)
    _, seen = up
    (removed,) = seen.of(AgentRemoved)
    (added,) = seen.of(AgentSeen)
    assert (removed.queue, removed.extension) == ("campaign", "1001")
    assert (added.extension, added.device) == ("1199x", Device.UNAVAILABLE)
