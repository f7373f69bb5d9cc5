"""A recording that callers hear: what it must be, judged on its samples; pure.

Asterisk plays 16-bit WAV at 8 kHz with one channel on every build and to every codec of telephony.
"""

from __future__ import annotations

import hashlib
import io
import math
import wave
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

RATE_HZ = 8000
#: Every name that we make in a PBX begins with this.
PREFIX = "dialer-sound-"
MIN_S = 1.0
MAX_S = 120.0
#: The message of an abandoned call must begin within 2 s: silence before it is time lost.
MAX_LEAD_S = 0.2
KEPT_LEAD_S = 0.05
#: Of the parts in which somebody speaks. Telephony's nominal level of speech is about -20 dBFS
#: (ITU-T P.56 measures it, G.711 overloads at +3.14 dBm0); 15 dB below is hard to follow.
MIN_SPEECH_DB = -36.0
#: Part of the samples at the very limit: more is heard as distortion.
MAX_CLIPPED = 0.01
_FULL = 32768
_BLOCK = RATE_HZ // 50
#: Below this a block of 20 ms is silence.
_SILENCE_DB = -50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A stored recording. `id` is its name in Asterisk, the same for the same samples."""

    id: str
    name: str
    length_s: float
    #: Mean level where something is heard, in dB below full scale.
    speech_db: float
    peak_db: float
    created_at: datetime
    #: The text, where it was spoken by a machine.
    text: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    length_s: float
    speech_db: float
    peak_db: float
    clipped: float


def is_ours(name: str | None) -> bool:
    """A recording of this store, not one that the PBX brings."""
    return name is not None and name.startswith(PREFIX)


def sound_id(samples: array[int]) -> str:
    return PREFIX + hashlib.sha256(samples.tobytes()).hexdigest()[:16]


def trimmed(samples: array[int]) -> array[int]:
    """Without long silence at its beginning."""
    blocks = range(0, len(samples), _BLOCK)
    first = next((at for at in blocks if _db(samples[at : at + _BLOCK]) > _SILENCE_DB), None)
    if first is None or first <= MAX_LEAD_S * RATE_HZ:
        return samples
    return samples[first - int(KEPT_LEAD_S * RATE_HZ) :]


def level_of(samples: array[int]) -> Level:
    heard = array("h")
    for at in range(0, len(samples), _BLOCK):
        block = samples[at : at + _BLOCK]
        if _db(block) > _SILENCE_DB:
            heard.extend(block)
    peak = max((abs(one) for one in samples), default=0)
    n_clipped = sum(abs(one) >= _FULL - 1 for one in samples)
    return Level(
        length_s=len(samples) / RATE_HZ,
        speech_db=_db(heard),
        peak_db=_in_db(peak),
        clipped=n_clipped / len(samples) if samples else 0.0,
    )


def problems(level: Level) -> list[str]:
    """In words for whoever uploaded it; empty: it may be used."""
    found = []
    if level.length_s < MIN_S:
        found.append(f"is {level.length_s:.1f} s long; a message needs at least {MIN_S:.0f} s")
    if level.length_s > MAX_S:
        found.append(f"is longer than {MAX_S:.0f} s")
    if level.speech_db < MIN_SPEECH_DB:
        found.append(
            f"is too quiet ({level.speech_db:.0f} dB below full scale): record it"
            f" {MIN_SPEECH_DB - level.speech_db:.0f} dB louder"
        )
    if level.clipped > MAX_CLIPPED:
        found.append(f"is distorted: {level.clipped:.0%} of it is at the limit; record it softer")
    return found


def wav_of(samples: array[int]) -> bytes:
    """As Asterisk plays it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def spoken_message(seller: str, number: str, key: str) -> str:
    """The safe-harbour message: who called, from where, and how to be left in peace.

    16 CFR 310.4(b)(4)(iii) and 47 CFR 64.1200(a)(7): name, number, and a key that opts out.
    """
    names = {"*": "the star key", "#": "the pound key"}
    press = names.get(key, key)
    return (
        f"Hello, this is {seller}, calling from {_in_digits(number)}. If you do not want any more"
        f" calls from us, press {press} now. Thank you, and goodbye."
    )


def _in_digits(number: str) -> str:
    """Spoken one by one, not as one large number."""
    return " ".join(number.removeprefix("+"))


def _db(samples: Sequence[int]) -> float:
    if not samples:
        return _in_db(0)
    return _in_db(math.sqrt(sum(one * one for one in samples) / len(samples)))


def _in_db(value: float) -> float:
    return round(20 * math.log10(max(value, 1) / _FULL), 1)
