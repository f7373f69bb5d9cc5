"""The hangup record's text: every field may hold anything, and what is understood is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.call_events import HangupRecord
from telephony.records import format_record, parse_record

T0 = datetime(2026, 11, 23, 12, tzinfo=UTC)
MS = str(round(T0.timestamp() * 1000))


def instants():
    return st.integers(0, 10**9).map(lambda ms: T0 + timedelta(milliseconds=ms))


def words():
    return st.text("ABCdef123", min_size=1, max_size=12)


@st.composite
def records(draw):
    """Records as the dialplan can write them: sip and the flags follow from the other fields."""
    tech = draw(st.sampled_from(["", "SIP 100 Trying", "SIP 180 Ringing", "SIP 486 Busy Here"]))
    answered_at = draw(st.none() | instants())
    cause = draw(st.none() | st.integers(0, 127))
    final = 486 if "486" in tech else None
    return HangupRecord(
        stage=draw(st.sampled_from(["", "amd", "wait", "connected", "message", "machine"])),
        cause=cause,
        sip=final,
        timed_out=cause == 19 and final is None and answered_at is None,
        rang="180" in tech or (answered_at is None and draw(st.booleans())),
        answered_at=answered_at,
        connected_at=draw(st.none() | instants()),
        message_at=draw(st.none() | instants()),
        message_end_at=draw(st.none() | instants()),
        ended_at=draw(instants()),
        agent=draw(st.none() | words()),
        amd=draw(st.none() | st.sampled_from(["HUMAN", "MACHINE", "NOTSURE", "HANGUP"])),
        greeting_end_at=draw(st.none() | instants()),
        opted_out=draw(st.booleans()),
        tech_cause=tech or None,
    )


@given(records())
def test_a_record_survives_being_written(record):
    assert parse_record(format_record(record)) == record


@given(records(), st.lists(st.text(max_size=5), max_size=4))
def test_fields_of_a_later_dialplan_are_ignored(record, later):
    assert parse_record("|".join([format_record(record), *later])) == record


@given(st.text())
def test_any_text_is_read_or_refused(text):
    parse_record(text)


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_fields_are_read_or_refused(fields):
    parse_record("|".join(["1", *fields]))


@given(st.lists(st.text(alphabet="0123456789٣²", max_size=30), min_size=14, max_size=14))
def test_any_numbers_are_read_or_refused(fields):
    parse_record("|".join(["1", *fields]))


@pytest.mark.parametrize("text", ["", "1", "2||17|||||" + MS, "1||17||||||", "1||17|||||x"])
def test_what_is_not_a_record_of_ours_is_none(text):
    assert parse_record(text) is None


def fields(**named):
    """A record of an unanswered call with these fields in it."""
    names = [
        "stage",
        "cause",
        "tech",
        "t0",
        "tc",
        "tm",
        "ended",
        "member",
        "amd",
        "state",
        "optout",
        "queue",
        "tg",
        "te",
    ]
    given_fields = {"ended": MS, **named}
    return "|".join(["1", *(given_fields.get(name, "") for name in names)])


@pytest.mark.parametrize(
    ("tech", "state", "timed_out", "rang", "sip"),
    [
        # Measured on Asterisk 22: our own timeout leaves the last provisional answer.
        ("SIP 180 Ringing", "Ringing", True, True, None),
        ("SIP 183 Session Progress", "Down", True, True, None),
        ("SIP 100 Trying", "Down", True, False, None),
        ("", "Down", True, False, None),
        # A network that gives up has said so.
        ("SIP 480 Temporarily Unavailable", "Down", False, False, 480),
        ("SIP 480 Temporarily Unavailable", "Ringing", False, True, 480),
        ("SIP 408 Request Timeout", "Ringing", False, True, 408),
    ],
)
def test_our_own_ring_timeout_is_told_from_a_network_that_gives_up(
    tech, state, timed_out, rang, sip
):
    record = parse_record(fields(cause="19", tech=tech, state=state))
    assert (record.timed_out, record.rang, record.sip) == (timed_out, rang, sip)


def test_a_cancelled_call_keeps_our_cause():
    record = parse_record(fields(cause="26", tech="SIP 180 Ringing", state="Ringing"))
    assert (record.cause, record.sip, record.timed_out) == (26, None, False)


def test_an_answered_call_did_not_time_out():
    record = parse_record(fields(stage="wait", cause="19", t0=MS, state="Up"))
    assert not record.timed_out
    assert record.answered_at == T0


@pytest.mark.parametrize("cause", ["18", "19"])
def test_a_trunk_that_says_nothing_is_dead(cause: str) -> None:
    record = parse_record(f"1||{cause}|||||1795441439742|||Down||||")
    assert record is not None
    assert record.trunk_silent


def test_a_trunk_that_says_trying_is_alive() -> None:
    record = parse_record("1||19|SIP 100 Trying||||1795441439742|||Down||||")
    assert record is not None
    assert not record.trunk_silent
    assert record.timed_out
