"""A recording of our own on a real Asterisk: heard whole, in time, opted out of, and checked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from admin_api.sounds import convert, speech
from cli.asterisk import CarrierCall, Rig
from cli.asterisk_cdr import read_sound
from cli.doctor import examine_asterisk
from cli.doctor_asterisk import Expected
from cli.doctor_findings import Level
from cli.settings import Settings
from engine.core import sound
from engine.core.sound import Sound
from engine.store import RedisStore
from telephony.sound_folder import SoundFolder

SILENT, PRESSES_NINE = "13055551601", "13055552602"


@pytest.fixture(scope="module")
def message() -> tuple[str, bytes]:
    """The message of law, spoken: its id and its file."""
    text = sound.spoken_message("Acme", "+12025550100", "9")
    samples = sound.trimmed(convert.samples_of(speech.spoken(text, "en-us")))
    assert sound.problems(sound.level_of(samples)) == []
    return sound.sound_id(samples), sound.wav_of(samples)


@pytest.fixture(scope="module")
def placed(message: tuple[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file as Asterisk names it: without its suffix."""
    folder = tmp_path_factory.mktemp("sounds")
    SoundFolder(folder).place(*message)
    return folder / message[0]


@pytest.fixture(scope="module")
def calls(
    rig: Rig, placed: Path, dial_all: Callable[[dict[str, dict[str, str]]], Any]
) -> Iterator[Any]:
    rig.set_carrier(CARRIER_RECORD=1)
    base = {"queue": "dialer-19", "message": str(placed), "deadline": "2"}
    yield dial_all(
        {"heard": base | {"number": SILENT}, "opts out": base | {"number": PRESSES_NINE}}
    )
    rig.set_carrier(CARRIER_RECORD=0)


def test_it_is_heard_from_its_beginning_when_the_deadline_is_over(
    calls: Any,
    rig: Rig,
    placed: Path,
    carrier_call: Callable[[str], CarrierCall],
    is_whole: Callable[..., bool],
) -> None:
    call = calls["heard"]
    assert call.stage == "message-played"
    # Else it would be the queue's next look that ended the wait.
    assert 2000 <= call.ms("answered_ms", "message_ms") < 3000
    heard = rig.heard(carrier_call(SILENT))
    whole = read_sound(placed.with_suffix(".wav"))
    assert is_whole(heard, whole)


def test_the_key_opts_out_of_it(calls: Any) -> None:
    assert calls["opts out"].record["optout"] == "1"
    assert calls["opts out"].stage == "message"


async def test_doctor_tells_what_asterisk_can_play(rig: Rig, placed: Path) -> None:
    settings = Settings.model_validate(
        {"ami_host": rig.ami_host, "ami_port": rig.ami_port, "ami_username": rig.ami_username,
         "ami_secret": rig.ami_secret}
    )  # fmt: skip
    queues = [f"dialer-{n}" for n in range(1, 21)]

    async def told(*sounds: str) -> Any:
        expected = Expected(queues, ("carrier",), sounds=sounds)
        findings = await examine_asterisk(settings, expected)
        return next(each for each in findings if each.name == "Recordings")

    assert (await told(str(placed), "vm-goodbye")).level is Level.OK
    missing = await told(str(placed), f"{placed.parent}/nowhere")
    assert missing.level is Level.FAILED and "nowhere" in missing.text


async def test_sync_brings_recordings_to_another_machine(
    valkey_url: str, tmp_path: Path, message: tuple[str, bytes]
) -> None:
    sound_id, wav = message
    made = Sound(
        id=sound_id, name="law", length_s=9, speech_db=-20, peak_db=-3, created_at=datetime.now(UTC)
    )
    # The command knows no prefix but the usual one.
    store = await RedisStore.connect(valkey_url)
    try:
        await store.sounds.add(made, wav, "t")
    finally:
        await store.close()
    command = [sys.executable, "-m", "cli.main", "sounds", "sync", str(tmp_path), "--json"]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "DIALER_REDIS_URL": valkey_url, "REDIS_URL": valkey_url},
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1])["recordings"] >= 1
    assert (tmp_path / f"{sound_id}.wav").read_bytes() == wav
