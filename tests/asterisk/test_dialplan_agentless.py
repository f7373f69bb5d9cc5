"""Without agents: the message from its beginning, what its keys do, machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.asterisk import CarrierCall, Rig
from cli.asterisk_cdr import read_sound

MACHINE, SILENT, PRESSES_NINE, PRESSES_LAST = "05", "16", "26", "27"
#: About 6 s: longer than anybody needs for a key.
LONG, SHORT = "vm-intro", "vm-goodbye"
BASE = {
    "mode": "agentless",
    "prompt": LONG,
    "keys": "12349*",
    "key_9": "optout",
    "key_1": "confirm",
    "key_2": "queue:no-such-queue",
    "key_3": "repeat",
    "key_4": "goto:from-agent:*4711",
    "key_wait": "2",
    "max_repeats": "1",
}

Calls = dict[str, Any]


def number(scenario: str, last: int) -> str:
    return f"1304555{scenario}{last:02}"


def specifications() -> dict[str, dict[str, str]]:
    """Every call that this module asks about."""
    leave = {"machine": "message", "machine_message": SHORT}
    return {
        "heard": BASE | {"number": number(SILENT, 1), "prompt": SHORT},
        "opts out": BASE | {"number": number(PRESSES_NINE, 2)},
        "confirms": BASE | {"number": number(PRESSES_LAST, 11)},
        "transferred": BASE | {"number": number(PRESSES_LAST, 12)},
        "repeats": BASE | {"number": number(PRESSES_LAST, 13)},
        "to the pbx": BASE | {"number": number(PRESSES_LAST, 14)},
        "no key of ours": BASE | {"number": number(PRESSES_LAST, 15), "prompt": SHORT},
        "no such file": BASE | {"number": number(SILENT, 6), "prompt": "no-such"},
        "leaves early": BASE | {"number": number(SILENT, 7), "until": "DialerPrompt"},
        "machine": BASE | {"number": number(MACHINE, 8), "amd": "1"},
        "machine with message": BASE
        | leave
        | {"number": number(MACHINE, 9), "amd": "1"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def recording(rig: Rig) -> Iterator[Rig]:
    """The rig while the carrier records what people hear."""
    rig.set_carrier(CARRIER_RECORD=1)
    yield rig
    rig.set_carrier(CARRIER_RECORD=0)


@pytest.fixture(scope="module")
def calls(recording: Rig, dial_all: Callable[[dict[str, dict[str, str]]], Calls]) -> Calls:
    return dial_all(specifications())


def told(call: Any) -> list[str]:
    return [event["UserEvent"] for event in call.events]


def test_the_message_is_heard_from_its_beginning_to_its_end(
    calls: Calls,
    recording: Rig,
    carrier_call: Callable[[str], CarrierCall],
    is_whole: Callable[..., bool],
) -> None:
    call = calls["heard"]
    assert (call.stage, call.record["keys"], call.record["optout"]) == ("prompt-played", "", "")
    assert call.ms("answered_ms", "message_ms") < 1000
    heard = recording.heard(carrier_call(number(SILENT, 1)))
    whole = read_sound(recording.binary.data_dir / f"sounds/en/{SHORT}.wav")
    assert is_whole(heard, whole)
    assert told(call) == ["DialerAnswered", "DialerPrompt", "DialerPromptPlayed", "DialerEnd"]


def test_the_opt_out_key_is_told_at_once(calls: Calls) -> None:
    call = calls["opts out"]
    assert (call.record["keys"], call.record["optout"]) == ("9", "1")
    assert told(call)[-3:] == ["DialerKey", "DialerOptOut", "DialerEnd"]


def test_a_confirmation_ends_the_call_with_its_key(calls: Calls) -> None:
    call = calls["confirms"]
    assert (call.stage, call.record["keys"], call.record["optout"]) == ("prompt", "1", "")


def test_a_repeated_message_begins_anew_as_often_as_allowed(calls: Calls) -> None:
    assert calls["repeats"].record["keys"] == "33"
    assert told(calls["repeats"]).count("DialerPrompt") == 1


@pytest.mark.parametrize(("name", "key"), [("transferred", "2"), ("to the pbx", "4")])
def test_a_transfer_is_told(calls: Calls, name: str, key: str) -> None:
    assert (calls[name].stage, calls[name].record["keys"]) == ("transfer", key)


def test_other_keys_do_not_cut_the_message(calls: Calls) -> None:
    call = calls["no key of ours"]
    assert (call.stage, call.record["keys"]) == ("prompt-played", "")


def test_a_missing_message_is_no_message(calls: Calls) -> None:
    assert (calls["no such file"].stage, calls["no such file"].record["message_ms"]) == (
        "no-message",
        "",
    )


def test_who_leaves_early_has_not_heard_it(calls: Calls) -> None:
    assert (calls["leaves early"].stage, calls["leaves early"].record["message_end_ms"]) == (
        "prompt",
        "",
    )


def test_a_machine_is_hung_up(calls: Calls) -> None:
    assert (calls["machine"].stage, calls["machine"].record["message_ms"]) == ("machine", "")


def test_a_machine_gets_its_message_after_the_beep(
    calls: Calls,
    recording: Rig,
    carrier_call: Callable[[str], CarrierCall],
    is_whole: Callable[..., bool],
) -> None:
    call = calls["machine with message"]
    greeting = read_sound(recording.binary.data_dir / "sounds/en/vm-intro.wav")
    beep = read_sound(recording.binary.data_dir / "sounds/en/beep.wav")
    assert (call.stage, call.record["amd"]) == ("machine-message", "MACHINE")
    assert call.ms("answered_ms", "message_ms") >= (greeting.length_s + beep.length_s) * 1000
    heard = recording.heard(carrier_call(number(MACHINE, 9)))
    whole = read_sound(recording.binary.data_dir / f"sounds/en/{SHORT}.wav")
    assert is_whole(heard, whole)
