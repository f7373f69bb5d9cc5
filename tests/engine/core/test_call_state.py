from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.call_events import (
    AmdDecided,
    Answered,
    CallEvent,
    Connected,
    Fate,
    HangupRecord,
    HungUp,
    KeyPressed,
    MessageStarted,
    OptedOut,
    PromptPlayed,
    PromptStarted,
    Recorded,
    RecordLost,
    Responded,
    Ringing,
    Vanished,
)
from engine.core.call_state import CAUSE_CANCELLED, CallState, Ended, apply, ended
from engine.core.outcome import Outcome

ID = "7a0000000000000000000x"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Call:
    """One call as Asterisk would tell it: every event, and the record it writes."""

    name: str
    outcome: Outcome
    events: tuple[CallEvent, ...]
    record: HangupRecord
    trunk_fault: bool = False
    opted_out: bool = False


RECORD = HangupRecord(
    stage="",
    cause=16,
    sip=None,
    timed_out=False,
    rang=False,
    answered_at=None,
    connected_at=None,
    message_at=None,
    message_end_at=None,
    ended_at=at(9),
    agent=None,
    amd=None,
    greeting_end_at=None,
    opted_out=False,
    tech_cause=None,
)


def unanswered(
    name: str,
    outcome: Outcome,
    cause: int | None,
    sip: int | None,
    *,
    rang: bool = False,
    timed_out: bool = False,
    trunk_fault: bool = False,
) -> Call:
    events = [Responded(ID, at(9), 3 if timed_out else 0), HungUp(ID, at(9), cause, sip)]
    if rang:
        events.insert(0, Ringing(ID, at(1)))
    record = replace(RECORD, cause=cause, sip=sip, rang=rang, timed_out=timed_out)
    return Call(name, outcome, tuple(events), record, trunk_fault)


def answered(
    name: str,
    outcome: Outcome,
    *extra: CallEvent,
    stage: str = "wait",
    connected_at: datetime | None = None,
    agent: str | None = None,
    message_at: datetime | None = None,
    amd: str | None = None,
    opted_out: bool = False,
    message_end_at: datetime | None = None,
    keys: str = "",
    cause: int = 16,
) -> Call:
    events = (
        Ringing(ID, at(1)),
        Answered(ID, at(2)),
        Responded(ID, at(2), 4),
        *extra,
        HungUp(ID, at(9), cause, None),
    )
    record = replace(
        RECORD,
        cause=cause,
        stage=stage,
        rang=True,
        answered_at=at(2),
        connected_at=connected_at,
        agent=agent,
        message_at=message_at,
        message_end_at=message_end_at,
        keys=keys,
        amd=amd,
        opted_out=opted_out,
    )
    return Call(name, outcome, events, record, opted_out=opted_out)


CALLS = [
    # Rows of the table that was measured on a real Asterisk.
    unanswered("busy", Outcome.BUSY, 17, 486, rang=True),
    unanswered("busy without ringing", Outcome.BUSY, 17, 486),
    unanswered("our ring timeout", Outcome.NO_ANSWER, 19, 480, rang=True, timed_out=True),
    unanswered("our timeout, no 18x at all", Outcome.NO_ANSWER, 19, 480, timed_out=True),
    unanswered("congestion", Outcome.FAILED, 34, 503, trunk_fault=True),
    unanswered("unallocated", Outcome.INVALID_NUMBER, 1, 404),
    unanswered("rejected 403", Outcome.REJECTED, 21, 403),
    unanswered("rejected 603", Outcome.REJECTED, 21, 603, rang=True),
    unanswered("rejected 607", Outcome.REJECTED, 21, 607),
    unanswered("rejected 608", Outcome.REJECTED, 21, 608),
    unanswered("number changed", Outcome.INVALID_NUMBER, 22, 410),
    unanswered("invalid format", Outcome.INVALID_NUMBER, 28, 484),
    unanswered("480 of the network at once", Outcome.FAILED, 19, 480),
    unanswered("480 of the network after ringing", Outcome.NO_ANSWER, 19, 480, rang=True),
    unanswered("interworking", Outcome.FAILED, 38, 500, trunk_fault=True),
    unanswered("information tone, then 404", Outcome.INVALID_NUMBER, 1, 404, rang=True),
    answered(
        "answered",
        Outcome.ANSWERED,
        Connected(ID, at(3), "1001"),
        stage="connected",
        connected_at=at(3),
        agent="1001",
    ),
    # Trunk faults that Q.850 hides behind the causes of a callee.
    unanswered("trunk asks for a password", Outcome.FAILED, 21, 401, trunk_fault=True),
    unanswered("proxy asks for a password", Outcome.FAILED, 21, 407, trunk_fault=True),
    unanswered("no common codec", Outcome.FAILED, 58, 488, trunk_fault=True),
    unanswered("gateway timeout", Outcome.FAILED, 102, 504, rang=True, trunk_fault=True),
    unanswered("too many hops", Outcome.FAILED, 19, 483),
    # Our own doing.
    unanswered("cancelled", Outcome.CANCELLED, CAUSE_CANCELLED, 487, rang=True),
    unanswered("cancelled before ringing", Outcome.CANCELLED, CAUSE_CANCELLED, None),
    unanswered("cancel crosses a 503", Outcome.CANCELLED, CAUSE_CANCELLED, 503),
    # Answered, by whom and what then.
    answered(
        "abandoned",
        Outcome.ABANDONED,
        MessageStarted(ID, at(4)),
        stage="message-played",
        message_at=at(4),
    ),
    answered(
        "abandoned and opted out",
        Outcome.ABANDONED,
        MessageStarted(ID, at(4)),
        OptedOut(ID, at(5)),
        stage="message",
        message_at=at(4),
        opted_out=True,
    ),
    answered("left the queue", Outcome.HUNG_UP_EARLY),
    answered("our hang-up met the answer", Outcome.ABANDONED, cause=CAUSE_CANCELLED),
    answered(
        "machine",
        Outcome.MACHINE,
        AmdDecided(ID, at(4), "MACHINE"),
        stage="machine",
        amd="MACHINE",
    ),
    answered(
        "human by detection, then an agent",
        Outcome.ANSWERED,
        AmdDecided(ID, at(4), "HUMAN"),
        Connected(ID, at(4), "1002"),
        stage="connected",
        connected_at=at(4),
        agent="1002",
        amd="HUMAN",
    ),
    # Without agents.
    answered(
        "heard the message",
        Outcome.MESSAGE_PLAYED,
        PromptStarted(ID, at(2)),
        PromptPlayed(ID, at(7)),
        stage="prompt-played",
        message_at=at(2),
        message_end_at=at(7),
    ),
    answered(
        "pressed two keys in the message",
        Outcome.MESSAGE_PLAYED,
        PromptStarted(ID, at(2)),
        KeyPressed(ID, at(4), "2"),
        KeyPressed(ID, at(5), "1"),
        stage="prompt",
        message_at=at(2),
        keys="21",
    ),
    answered(
        "opted out of the message",
        Outcome.MESSAGE_PLAYED,
        PromptStarted(ID, at(2)),
        KeyPressed(ID, at(4), "9"),
        OptedOut(ID, at(4)),
        stage="prompt",
        message_at=at(2),
        keys="9",
        opted_out=True,
    ),
    answered(
        "left during the message",
        Outcome.HUNG_UP_EARLY,
        PromptStarted(ID, at(2)),
        stage="prompt",
        message_at=at(2),
    ),
    answered(
        "asked for an agent and got one",
        Outcome.ANSWERED,
        PromptStarted(ID, at(2)),
        KeyPressed(ID, at(4), "1"),
        Connected(ID, at(5), "1003"),
        stage="connected",
        message_at=at(2),
        keys="1",
        connected_at=at(5),
        agent="1003",
    ),
    answered(
        "a machine with a message left on it",
        Outcome.MACHINE,
        AmdDecided(ID, at(4), "MACHINE"),
        MessageStarted(ID, at(7)),
        stage="machine-message",
        amd="MACHINE",
        message_at=at(7),
        message_end_at=at(9),
    ),
]
calls = st.sampled_from(CALLS)
each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)


def fold(events: list[CallEvent] | tuple[CallEvent, ...]) -> CallState:
    state = CallState(attempt_id=ID)
    for event in events:
        state = apply(state, event)
    return state


def verdict(end: Ended | None) -> tuple[Outcome | None, bool, bool]:
    assert end is not None
    return end.outcome, end.trunk_fault, end.opted_out


def truth(call: Call) -> tuple[Outcome | None, bool, bool]:
    return call.outcome, call.trunk_fault, call.opted_out


@each_call
def test_the_record_alone_tells_the_outcome(call: Call) -> None:
    assert verdict(ended(fold([Recorded(ID, at(9), call.record)]), NOW)) == truth(call)


@each_call
def test_the_events_alone_tell_the_same_when_the_record_is_lost(call: Call) -> None:
    assert verdict(ended(fold([*call.events, RecordLost(ID, at(12))]), NOW)) == truth(call)


@each_call
def test_nothing_has_ended_before_its_end_was_told(call: Call) -> None:
    state = fold(call.events)
    assert not state.is_over
    assert ended(state, NOW) is None


@given(calls, st.data())
def test_any_order_with_duplicates_leads_to_the_same_facts(call: Call, data: st.DataObject) -> None:
    told = [*call.events, Recorded(ID, at(9), call.record)]
    again = data.draw(st.lists(st.sampled_from(told), max_size=5))
    shuffled = data.draw(st.permutations([*told, *again]))
    assert fold(shuffled) == fold(told)


@given(calls, st.data())
def test_whenever_the_record_comes_the_first_verdict_is_the_last(
    call: Call, data: st.DataObject
) -> None:
    told = data.draw(st.permutations([*call.events, Recorded(ID, at(9), call.record)]))
    state = CallState(attempt_id=ID)
    for event in told:
        state = apply(state, event)
        end = ended(state, NOW)
        assert state.is_over == (end is not None) == (state.record is not None)
        assert end is None or verdict(end) == truth(call)


@given(calls, st.data())
def test_any_subset_of_events_with_the_record_equals_the_record_alone(
    call: Call, data: st.DataObject
) -> None:
    record = Recorded(ID, at(9), call.record)
    seen = data.draw(st.lists(st.sampled_from(call.events), max_size=8))
    alone = ended(fold([record]), NOW)
    assert ended(fold([*seen, record]), NOW) == alone
    assert ended(fold([record, *seen]), NOW) == alone


@given(calls, st.lists(st.sampled_from(list(Fate)), min_size=1), st.booleans(), st.data())
def test_a_record_found_at_recovery_beats_every_guess(
    call: Call, fates: list[Fate], lost: bool, data: st.DataObject
) -> None:
    guesses: list[CallEvent] = [Vanished(ID, at(20), fate) for fate in fates]
    if lost:
        guesses.append(RecordLost(ID, at(12)))
    seen = data.draw(st.lists(st.sampled_from(call.events)))
    told = data.draw(st.permutations([*guesses, *seen, Recorded(ID, at(30), call.record)]))
    assert verdict(ended(fold(told), NOW)) == truth(call)


@given(calls, st.data())
def test_the_lost_record_may_be_missed_before_late_events_come(
    call: Call, data: st.DataObject
) -> None:
    told = data.draw(st.permutations([*call.events, RecordLost(ID, at(12))]))
    assert verdict(ended(fold(told), NOW)) == truth(call)


@given(calls, st.sampled_from(list(Fate)), st.booleans(), st.data())
def test_facts_merge_in_any_order(
    call: Call, fate: Fate, made_channel: bool, data: st.DataObject
) -> None:
    told = [
        *call.events,
        Responded(ID, at(1), 0, made_channel),
        Vanished(ID, at(20), fate),
        RecordLost(ID, at(12)),
    ]
    assert fold(data.draw(st.permutations(told))) == fold(told)


@given(st.permutations([Connected(ID, at(5), "1002"), Connected(ID, at(3), "1001")]))
def test_the_first_agent_is_the_one_who_got_the_call(told: list[CallEvent]) -> None:
    state = fold(told)
    assert (state.connected_at, state.agent) == (at(3), "1001")


@given(st.permutations([Vanished(ID, at(1), Fate.NEVER_LEFT), Vanished(ID, at(1), Fate.UNKNOWN)]))
def test_doubt_about_a_fate_stays(told: list[CallEvent]) -> None:
    assert verdict(ended(fold(told), NOW))[0] is Outcome.UNKNOWN


def test_a_call_that_never_left_has_no_outcome() -> None:
    end = ended(fold([Vanished(ID, at(9), Fate.NEVER_LEFT)]), at(10))
    assert end == Ended(outcome=None, trunk_fault=False, ended_at=at(10))


@each_call
def test_a_call_that_was_seen_did_leave(call: Call) -> None:
    for event in call.events:
        end = ended(fold([event, Vanished(ID, at(9), Fate.NEVER_LEFT)]), NOW)
        assert end is not None and end.outcome is not None


def test_an_unknown_fate_is_an_unknown_outcome() -> None:
    for seen in ([], [Ringing(ID, at(1))], [Ringing(ID, at(1)), Answered(ID, at(2))]):
        end = ended(fold([*seen, Vanished(ID, at(9), Fate.UNKNOWN)]), NOW)
        assert verdict(end) == (Outcome.UNKNOWN, False, False)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (Connected(ID, at(3), "1001"), Outcome.ANSWERED),
        (MessageStarted(ID, at(3)), Outcome.ABANDONED),
        (AmdDecided(ID, at(3), "MACHINE"), Outcome.MACHINE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_seen_stays_seen_when_the_rest_is_lost(seen: CallEvent, outcome: Outcome) -> None:
    assert verdict(ended(fold([seen, Vanished(ID, at(9), Fate.UNKNOWN)]), NOW))[0] is outcome
    hung_up = [seen, HungUp(ID, at(9), 16, None), RecordLost(ID, at(12))]
    assert verdict(ended(fold(hung_up), NOW))[0] is outcome


@pytest.mark.parametrize("cause", [None, 0, 16])
def test_a_normal_end_with_everything_before_it_lost_is_not_guessed(cause: int | None) -> None:
    told = [Ringing(ID, at(1)), HungUp(ID, at(9), cause, None), RecordLost(ID, at(12))]
    assert verdict(ended(fold(told), NOW)) == (Outcome.UNKNOWN, False, False)


def test_an_order_that_made_no_channel_is_a_fault_of_the_trunk() -> None:
    end = ended(fold([Responded(ID, at(1), 0, made_channel=False)]), at(2))
    assert end == Ended(outcome=Outcome.FAILED, trunk_fault=True, ended_at=at(2))


@given(calls, st.data())
def test_a_second_order_under_a_living_id_does_not_end_the_first_call(
    call: Call, data: st.DataObject
) -> None:
    seen = data.draw(st.lists(st.sampled_from(call.events), min_size=1))
    refused = Responded(ID, at(1), 0, made_channel=False)
    state = fold(data.draw(st.permutations([*seen, refused])))
    assert not state.is_over
    assert ended(state, NOW) is None
    assert verdict(ended(apply(state, Recorded(ID, at(9), call.record)), NOW)) == truth(call)


def test_an_order_that_asterisk_refused_is_a_fault_of_the_trunk_whatever_is_told_with_it() -> None:
    """An end without cause or code shows no channel."""
    told: list[CallEvent] = [
        Responded(ID, at(1), 0, made_channel=False),
        HungUp(ID, at(1), None, None),
        RecordLost(ID, at(1)),
    ]
    for events in permutations(told):
        assert verdict(ended(fold(events), NOW)) == (Outcome.FAILED, True, False)


@given(st.permutations([Connected(ID, at(3), ""), Connected(ID, at(5), "1001")]))
def test_an_agent_who_is_known_later_is_still_known(told: list[CallEvent]) -> None:
    state = fold(told)
    assert (state.connected_at, state.agent) == (at(3), "1001")


def test_an_opt_out_that_only_an_event_told_is_kept() -> None:
    told = [OptedOut(ID, at(5)), Recorded(ID, at(9), RECORD)]
    assert verdict(ended(fold(told), NOW))[2]
    assert verdict(ended(fold([*told, OptedOut(ID, at(5))]), NOW))[2]
    assert verdict(ended(fold([told[0], Vanished(ID, at(9), Fate.UNKNOWN)]), NOW))[2]


def test_the_end_has_the_instants_of_asterisk() -> None:
    call = next(call for call in CALLS if call.name == "answered")
    by_record = ended(fold([Recorded(ID, at(11), call.record)]), NOW)
    by_events = ended(fold([*call.events, RecordLost(ID, at(12))]), NOW)
    assert by_record is not None and by_events is not None
    for end in (by_record, by_events):
        assert (end.answered_at, end.connected_at, end.ended_at) == (at(2), at(3), at(9))
        assert end.agent == "1001"


@given(
    st.integers(0, 127) | st.none(),
    st.integers(300, 699) | st.none(),
    st.booleans(),
    st.booleans(),
)
def test_only_a_failed_call_is_a_trunk_fault(
    cause: int | None, sip: int | None, timed_out: bool, rang: bool
) -> None:
    record = replace(RECORD, cause=cause, sip=sip, timed_out=timed_out, rang=rang)
    outcome, trunk_fault, _ = verdict(ended(fold([Recorded(ID, at(9), record)]), NOW))
    assert outcome is Outcome.FAILED or not trunk_fault


def test_a_dead_trunk_is_no_attempt_of_the_contact() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    record = HangupRecord(
        stage="", cause=19, sip=None, timed_out=True, rang=False, answered_at=None,
        connected_at=None, message_at=None, message_end_at=None, ended_at=now, agent=None,
        amd=None, greeting_end_at=None, opted_out=False, tech_cause=None, trunk_silent=True,
    )  # fmt: skip
    end = ended(apply(CallState(attempt_id="1a"), Recorded("1a", now, record)), now)
    assert end is not None
    assert (end.outcome, end.trunk_fault) == (Outcome.FAILED, True)


def test_a_message_that_cannot_be_played_is_our_own_fault() -> None:
    record = replace(RECORD, stage="no-message", answered_at=at(2))
    end = ended(fold([Recorded(ID, at(9), record)]), NOW)
    assert verdict(end) == (Outcome.FAILED, True, False)


@given(st.permutations([KeyPressed(ID, at(4), "2"), KeyPressed(ID, at(5), "1")]))
def test_keys_are_in_the_order_in_which_they_were_pressed(told: list[CallEvent]) -> None:
    end = ended(fold([*told, HungUp(ID, at(9), 16, None), RecordLost(ID, at(12))]), NOW)
    assert end is not None and end.keys == "21"
