"""Read what the simulated carrier saw: its call records, and what the called people heard."""

from __future__ import annotations

import array
import csv
import wave
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

CDR_FILE = "log/cdr-custom/carrier.csv"
N_FIELDS = 7
BLOCK_S = 0.02
# Mean amplitude of 16-bit samples above which a block is sound; Asterisk's detectors use the same.
SOUND_LEVEL = 256


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One call that reached the carrier; `answered_at` is None when nobody answered."""

    number: str
    scenario: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    disposition: str
    uniqueid: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a called person heard: seconds from the answer to the first sound, and of sound."""

    first_sound_s: float | None
    sound_s: float
    length_s: float


def read_carrier_cdrs(instance_dir: Path) -> list[CarrierCall]:
    """All ended calls in order of their end; `instance_dir` is Rig.instance_dir("carrier")."""
    path = instance_dir / CDR_FILE
    if not path.is_file():
        return []
    with path.open(newline="") as lines:
        return [_call(row) for row in csv.reader(lines) if len(row) == N_FIELDS]


def _call(row: list[str]) -> CarrierCall:
    number, scenario, start, answer, end, disposition, uniqueid = row
    started_at, ended_at = _instant(start), _instant(end)
    assert started_at is not None and ended_at is not None
    return CarrierCall(
        number, scenario, started_at, _instant(answer), ended_at, disposition, uniqueid
    )


def _instant(epoch: str) -> datetime | None:
    seconds, _, micros = epoch.partition(".")
    if not seconds or int(seconds) == 0:
        return None
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros or 0))


def read_heard(instance_dir: Path, uniqueid: str) -> Heard | None:
    """What was heard in one call; None unless the carrier recorded it (global CARRIER_RECORD)."""
    path = instance_dir / "spool/monitor" / f"{uniqueid}.wav"
    return read_sound(path) if path.is_file() else None


def read_sound(path: Path) -> Heard:
    """Sum up a sound file (wav, 16 bit, one channel)."""
    with wave.open(str(path)) as sound:
        rate, frames = sound.getframerate(), sound.readframes(sound.getnframes())
    return heard(array.array("h", frames), rate)


def heard(samples: array.array[int], rate: int) -> Heard:
    """Sum up 16-bit samples in blocks of 20 ms."""
    size = int(rate * BLOCK_S)
    blocks = [samples[start : start + size] for start in range(0, len(samples), size)]
    loud = [
        index
        for index, block in enumerate(blocks)
        if sum(map(abs, block)) > SOUND_LEVEL * len(block)
    ]
    first = loud[0] * BLOCK_S if loud else None
    return Heard(first, len(loud) * BLOCK_S, len(samples) / rate)
