"""People for whom no agent is there in time: deadline, safe-harbour message, opt-out, AMD."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.asterisk import CarrierCall, Rig
from cli.asterisk_cdr import read_sound

HUMAN, MACHINE, SILENT, NO_RTP, PRESSES_NINE, AT_ONCE = "00", "05", "16", "17", "26", "32"
# A queue without members.
QUEUE = {"queue": "dialer-20"}
MISREAD = ("", "0", "00", "nonsense")

Calls = dict[str, Any]


def number(scenario: str, last: int) -> str:
    return f"1303555{scenario}{last:02}"


def specifications() -> dict[str, dict[str, str]]:
    """Every call that this module asks about."""
    to_the_message = QUEUE | {"until": "DialerMessage"}
    machine = QUEUE | {"amd": "1"}
    amd = to_the_message | machine
    calls = {
        "heard": QUEUE | {"number": number(SILENT, 1), "deadline": "1"},
        "other key": QUEUE | {"number": number(PRESSES_NINE, 2), "optout_key": "5"},
        "no file": QUEUE | {"number": number(AT_ONCE, 3), "deadline": "1", "message": "no-such"},
        "no queue": {"number": number(AT_ONCE, 4)},
        "unknown queue": {"number": number(AT_ONCE, 5), "queue": "no-such-queue"},
        "human": amd | {"number": number(HUMAN, 6)},
        "machine": machine | {"number": number(MACHINE, 7)},
        "silence": machine | {"number": number(SILENT, 8)},
        "no rtp": amd | {"number": number(NO_RTP, 9)},
        "from greeting": amd | {"number": number(HUMAN, 10), "amd_from": "greeting_end"},
        "given busy": amd | {"number": number(HUMAN, 11), "agent": "1010"},
        "given absent": {"number": number(AT_ONCE, 12), "agent": "1010", "deadline": "1"},
    }
    limits = {
        f"deadline {text!r}": to_the_message | {"number": number(AT_ONCE, 20 + i), "deadline": text}
        for i, text in enumerate(MISREAD)
    }
    return calls | limits


@pytest.fixture(scope="module")
def recording(rig: Rig) -> Iterator[Rig]:
    """The rig while the carrier records what people hear."""
    rig.set_carrier(CARRIER_RECORD=1)
    yield rig
    rig.set_carrier(CARRIER_RECORD=0)


@pytest.fixture(scope="module")
def calls(recording: Rig, dial_all: Callable[[dict[str, dict[str, str]]], Calls]) -> Calls:
    return dial_all(specifications())


def test_the_message_is_heard_whole_and_nothing_before_it(
    calls: Calls,
    recording: Rig,
    carrier_call: Callable[[str], CarrierCall],
    is_whole: Callable[..., bool],
) -> None:
    heard = recording.heard(carrier_call(number(SILENT, 1)))
    whole = read_sound(recording.binary.data_dir / "sounds/en/vm-nobodyavail.wav")
    assert heard is not None and heard.first_sound_s is not None
    # The recording's own beginning may be cut by up to half a second.
    assert heard.first_sound_s >= 0.5
    assert is_whole(heard, whole)


@pytest.mark.parametrize("text", MISREAD)
def test_a_deadline_that_asterisk_would_misread_becomes_two_seconds(
    calls: Calls, text: str
) -> None:
    assert 2000 <= calls[f"deadline {text!r}"].ms("answered_ms", "message_ms") < 10_000


def test_another_key_does_not_cut_the_message(calls: Calls) -> None:
    call = calls["other key"]
    assert (call.record["optout"], call.stage) == ("", "message-played")


def test_a_missing_message_file_is_replaced(calls: Calls, rig: Rig) -> None:
    whole = read_sound(rig.binary.data_dir / "sounds/en/vm-nobodyavail.wav")
    assert calls["no file"].ms("message_ms", "message_end_ms") >= whole.length_s * 1000 - 100


@pytest.mark.parametrize("name", ["no queue", "unknown queue", "given absent"])
def test_where_no_agent_can_come_the_person_hears_the_message(calls: Calls, name: str) -> None:
    assert (calls[name].stage, calls[name].record["member"]) == ("message-played", "")


@pytest.mark.parametrize(
    ("name", "verdict", "cause", "stage"),
    [
        ("human", "HUMAN", "HUMAN", "message"),
        ("machine", "MACHINE", "LONGGREETING", "machine"),
        ("silence", "MACHINE", "INITIALSILENCE", "machine"),
        ("no rtp", "NOTSURE", "TOOLONG", "message"),
    ],
)
def test_amd_verdicts(calls: Calls, name: str, verdict: str, cause: str, stage: str) -> None:
    call = calls[name]
    event = next(one for one in call.events if one["UserEvent"] == "DialerAmd")
    assert (event["Status"], event["Cause"].partition("-")[0]) == (verdict, cause)
    assert (call.record["amd"], call.stage) == (verdict, stage)


def test_the_greeting_ends_between_answer_and_verdict(calls: Calls) -> None:
    call = calls["human"]
    verdict = next(one for one in call.events if one["UserEvent"] == "DialerAmd")
    assert call.ms("answered_ms", "greeting_end_ms") > 0
    assert int(verdict["At"]) - int(call.record["greeting_end_ms"]) >= 800


def test_counted_from_the_answer_the_deadline_is_over_at_the_verdict(calls: Calls) -> None:
    assert calls["human"].record["queuestatus"] == ""


def test_counted_from_the_greeting_the_deadline_leaves_time_for_an_agent(calls: Calls) -> None:
    call = calls["from greeting"]
    assert call.record["queuestatus"] == "TIMEOUT"
    assert call.ms("greeting_end_ms", "message_ms") < 3000


def test_with_amd_a_given_agent_who_is_not_free_is_not_waited_for(calls: Calls) -> None:
    call = calls["given busy"]
    assert (call.stage, call.record["member"]) == ("message", "")
