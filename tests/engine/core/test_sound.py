"""What a recording must be, on samples that are made here."""

from __future__ import annotations

import io
import math
import wave
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import sound


def tone(seconds: float, level: float = 0.1, lead_s: float = 0.0) -> array[int]:
    """A tone of 400 Hz after some silence; `level` 1 is full scale."""
    n = int(seconds * sound.RATE_HZ)
    wave_ = (int(32767 * level * math.sin(2 * math.pi * 400 * i / sound.RATE_HZ)) for i in range(n))
    return array("h", [0] * int(lead_s * sound.RATE_HZ)) + array("h", wave_)


def problems(samples: array[int]) -> list[str]:
    return sound.problems(sound.level_of(samples))


def test_a_good_recording_has_no_problem() -> None:
    level = sound.level_of(tone(3.0))
    assert sound.problems(level) == []
    assert (level.length_s, level.speech_db, level.peak_db) == (3.0, -23.0, -20.0)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (tone(0.5), "at least 1 s"),
        (tone(121.0), "longer than 120 s"),
        (tone(3.0, level=0.008), "too quiet"),
        (array("h", [0] * 24_000), "too quiet"),
        (array("h", [32767, -32768] * 12_000), "distorted"),
        (array("h"), "at least 1 s"),
    ],
    ids=["short", "long", "quiet", "silent", "distorted", "empty"],
)
def test_what_is_wrong_is_said(samples: array[int], words: str) -> None:
    assert any(words in one for one in problems(samples))


def test_quiet_pauses_do_not_make_speech_quiet() -> None:
    speech = tone(1.0) + array("h", [0] * 40_000) + tone(1.0)
    assert sound.level_of(speech).speech_db == -23.0


def test_silence_before_the_first_word_is_taken_away() -> None:
    found = sound.trimmed(tone(2.0, lead_s=1.5))
    assert len(found) / sound.RATE_HZ == pytest.approx(2.0 + sound.KEPT_LEAD_S, abs=0.03)
    short = tone(2.0, lead_s=0.1)
    assert sound.trimmed(short) == short


@given(st.lists(st.integers(-32768, 32767), max_size=2000))
def test_anything_can_be_measured_and_trimmed(samples: list[int]) -> None:
    made = array("h", samples)
    level = sound.level_of(sound.trimmed(made))
    assert level.speech_db <= 0.1 and 0 <= level.clipped <= 1


def test_asterisk_gets_16_bits_at_8_khz() -> None:
    samples = tone(1.0)
    with wave.open(io.BytesIO(sound.wav_of(samples))) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, 8000)
        assert read.readframes(8000) == samples.tobytes()


def test_an_id_is_a_name_that_asterisk_can_play() -> None:
    one, other = sound.sound_id(tone(1.0)), sound.sound_id(tone(1.1))
    assert one == sound.sound_id(tone(1.0)) != other
    assert sound.is_ours(one) and not sound.is_ours("vm-nobodyavail") and not sound.is_ours(None)


@pytest.mark.parametrize(("key", "said"), [("9", "press 9 "), ("*", "star"), ("#", "pound")])
def test_the_message_of_law_has_name_number_and_key(key: str, said: str) -> None:
    text = sound.spoken_message("Acme", "+12025550100", key)
    assert "Acme" in text and "1 2 0 2 5 5 5 0 1 0 0" in text and said in text
