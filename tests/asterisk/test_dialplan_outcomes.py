"""Every scenario of the carrier leaves the record that docs/dialplan.md promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cli.asterisk import CarrierCall, Rig

# scenario: stage, cause, tech, channel state. The call is unanswered where the stage is empty.
REFUSED = {
    "01": ("", "17", "SIP 486 Busy Here", "Ringing"),
    "02": ("", "19", "SIP 180 Ringing", "Ringing"),
    "03": ("", "34", "SIP 503 Service Unavailable", "Down"),
    "04": ("", "1", "SIP 404 Not Found", "Down"),
    "08": ("", "1", "SIP 404 Not Found", "Down"),
    "09": ("", "21", "SIP 403 Forbidden", "Down"),
    "10": ("", "21", "SIP 603 Decline", "Down"),
    "11": ("", "127", "SIP 607 Unwanted", "Down"),
    "12": ("", "127", "SIP 608 Rejected", "Down"),
    "13": ("", "22", "SIP 410 Gone", "Down"),
    "14": ("", "21", "SIP 401 Unauthorized", "Down"),
    "15": ("", "34", "SIP 503 Service Unavailable", "Down"),
    "18": ("", "19", "SIP 180 Ringing", "Ringing"),
    "19": ("", "19", "SIP 100 Trying", "Down"),
    "21": ("", "28", "SIP 484 Address Incomplete", "Down"),
    "22": ("", "38", "SIP 500 Server Internal Error", "Down"),
    "23": ("", "19", "SIP 480 Temporarily Unavailable", "Down"),
    "24": ("", "19", "SIP 480 Temporarily Unavailable", "Down"),
    "30": ("", "17", "SIP 486 Busy Here", "Ringing"),
    "99": ("", "1", "SIP 404 Not Found", "Down"),
}
# Answered, with no agent in the queue: the person hears the message or leaves before it.
ANSWERED = {
    "00": ("message-played", "16", "SIP 200 OK", "Up"),
    "05": ("message-played", "16", "SIP 200 OK", "Up"),
    "06": ("wait", "16", "SIP 200 OK", "Up"),
    "07": ("wait", "16", "SIP 200 OK", "Up"),
    "16": ("message-played", "16", "SIP 200 OK", "Up"),
    "17": ("message-played", "16", "SIP 200 OK", "Up"),
    "25": ("message", "16", "SIP 200 OK", "Up"),
    "26": ("message", "16", "SIP 200 OK", "Up"),
    "31": ("message-played", "16", "SIP 200 OK", "Up"),
    "32": ("message-played", "16", "SIP 200 OK", "Up"),
}
EXPECTED = REFUSED | ANSWERED
RING_S = 7.0

Calls = dict[str, Any]


def number(scenario: str) -> str:
    return f"1415555{scenario}77"


@pytest.fixture(scope="module")
def calls(dial_all: Callable[[dict[str, dict[str, Any]]], Calls]) -> Calls:
    """All scenarios dialled at once into a queue without agents."""
    return dial_all(
        {one: {"number": number(one), "ring_s": RING_S, "queue": "dialer-20"} for one in EXPECTED}
        | {"outside": {"number": "442079460000"}}
    )


@pytest.mark.parametrize("scenario", EXPECTED)
def test_every_end_leaves_the_documented_record(calls: Calls, scenario: str) -> None:
    record = calls[scenario].record
    seen = (record["stage"], record["cause"], record["tech"], record["chanstate"])
    assert seen == EXPECTED[scenario]
    assert (record["version"], record["contact"]) == ("1", "7")
    assert record["number"] == number(scenario)


@pytest.mark.parametrize("scenario", REFUSED)
def test_an_unanswered_call_has_only_the_instant_of_its_end(calls: Calls, scenario: str) -> None:
    record = calls[scenario].record
    assert record["ended_ms"].isdigit()
    stamps = ("answered_ms", "connected_ms", "message_ms", "greeting_end_ms", "message_end_ms")
    assert [record[name] for name in stamps] == [""] * 5


@pytest.mark.parametrize("scenario", ANSWERED)
def test_instants_of_an_answered_call_are_in_order(calls: Calls, scenario: str) -> None:
    record = calls[scenario].record
    names = ("answered_ms", "message_ms", "message_end_ms", "ended_ms")
    stamps = [int(record[name]) for name in names if record[name]]
    assert stamps == sorted(stamps)
    assert bool(record["message_end_ms"]) == (record["stage"] == "message-played")


def test_the_deadline_passes_before_the_message(calls: Calls) -> None:
    assert calls["00"].ms("answered_ms", "message_ms") >= 2000


def test_a_person_who_leaves_while_waiting_is_told_from_one_who_heard_the_message(
    calls: Calls,
) -> None:
    record = calls["07"].record
    assert (record["stage"], record["message_ms"], record["queuestatus"]) == ("wait", "", "")


def test_the_opt_out_key_acts_at_once_and_is_told_before_the_call_ends(calls: Calls) -> None:
    call = calls["26"]
    order = [event["UserEvent"] for event in call.events]
    assert order == ["DialerAnswered", "DialerMessage", "DialerOptOut", "DialerEnd"]
    assert call.events[2]["Number"] == number("26")
    assert (call.record["optout"], call.record["message_end_ms"]) == ("1", "")


def test_a_local_timeout_and_a_remote_480_differ_in_the_record(calls: Calls) -> None:
    local = {calls[one].record["tech"].split()[1] for one in ("02", "18", "19")}
    remote = {calls[one].record["tech"].split()[1] for one in ("23", "24")}
    assert all(code.startswith("1") for code in local)
    assert remote == {"480"}


def test_the_carrier_saw_each_call_once(
    rig: Rig, calls: Calls, carrier_call: Callable[[str], CarrierCall]
) -> None:
    dialled = [number(one) for one in EXPECTED]
    for one in dialled:
        carrier_call(one)
    seen = Counter(call.number for call in rig.carrier_calls() if call.number in dialled)
    assert seen == Counter(dialled)


@pytest.mark.parametrize("scenario", EXPECTED)
def test_the_carrier_agrees_on_who_answered(
    calls: Calls, carrier_call: Callable[[str], CarrierCall], scenario: str
) -> None:
    call = carrier_call(number(scenario))
    assert (call.answered_at is not None) == (scenario in ANSWERED)
    assert call.scenario == scenario


def test_a_number_outside_the_plan_does_not_exist(calls: Calls) -> None:
    assert calls["outside"].record["tech"] == "SIP 404 Not Found"
