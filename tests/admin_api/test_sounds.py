"""Recordings over the API: converted, checked, spoken, heard, chosen, deleted."""

from __future__ import annotations

import io
import math
import shutil
import struct
import wave

import pytest

from admin_api.sounds import speech
from engine.core.sound import PREFIX


def recording(
    seconds: float = 2.0, *, rate: int = 44_100, channels: int = 2, level: float = 0.2
) -> bytes:
    """As a studio would send it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        for i in range(int(seconds * rate)):
            value = int(32767 * level * math.sin(2 * math.pi * 440 * i / rate))
            out.writeframesraw(struct.pack("<h", value) * channels)
    return file.getvalue()


@pytest.fixture
def upload(api):
    async def send(body: bytes, expected: int = 201, kind: str = "audio/wav", name: str = "one"):
        headers = {"Content-Type": kind}
        return await api(
            "POST", "/sounds", expected, params={"name": name}, content=body, headers=headers
        )

    return send


async def test_a_recording_becomes_what_asterisk_plays(api, admin, upload):
    made = await upload(recording())
    assert made["id"].startswith(PREFIX) and made["length_s"] == pytest.approx(2.0, abs=0.1)
    answer = await admin.get(f"/api/v1/sounds/{made['id']}/audio")
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, 8000)
    again = await upload(recording(), name="two")
    assert again["id"] == made["id"], "the same recording is stored once"
    listed = (await api("GET", "/sounds"))["items"]
    assert [(one["id"], one["name"]) for one in listed] == [(made["id"], "two")]
    assert await api("GET", f"/sounds/{made['id']}") == listed[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"this is no sound" * 50, "WAV, MP3, FLAC or Ogg"),
        (b"", "WAV, MP3, FLAC or Ogg"),
        (recording(0.3), "at least 1 s"),
        (recording(level=0.003), "too quiet"),
        (recording(130, rate=8000, channels=1), "longer than 120 s"),
    ],
    ids=["text", "empty", "short", "quiet", "long"],
)
async def test_what_cannot_be_used_is_refused_with_the_reason(upload, body, words):
    answer = await upload(body, 422)
    assert any(words in error["message"] for error in answer["errors"]), answer


async def test_only_audio_is_taken(upload):
    assert (await upload(recording(), 415, kind="application/json"))["status"] == 415


async def test_a_campaign_plays_only_what_is_there(api, make_campaign, upload):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"

    def choosing(name: str) -> dict:
        return {"json": {"settings": {"dialing": {"safe_harbour_message": name}}}}

    refused = await api("PATCH", path, 422, **choosing(f"{PREFIX}0123456789abcdef"))
    assert refused["errors"][0]["field"] == "settings.dialing.safe_harbour_message"
    made = await upload(recording())
    await api("PATCH", path, **choosing(made["id"]))
    in_use = await api("DELETE", f"/sounds/{made['id']}", 409)
    assert str(campaign["id"]) in in_use["detail"]
    await api("PATCH", path, **choosing("a-sound-of-the-pbx"))
    await api("DELETE", f"/sounds/{made['id']}", 204)
    await api("GET", f"/sounds/{made['id']}", 404)


async def test_the_message_of_law_is_spoken(api):
    body = {"name": "sorry", "seller": "Acme", "number": "+12025550100"}
    made = await api("POST", "/sounds/speech", 201, json=body)
    assert "Acme" in made["text"] and 4 < made["length_s"] < 30
    german = {"name": "auf Deutsch", "text": "Guten Tag, hier ist Acme.", "language": "de"}
    assert (await api("POST", "/sounds/speech", 201, json=german))["length_s"] > 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "hello there", "language": "klingon"}, "language"),
        ({"text": "hello there", "language": "en; rm"}, "language"),
        ({"seller": "Acme", "number": "12"}, "number"),
        ({"seller": "Acme"}, ""),
        ({"text": "hello", "seller": "Acme", "number": "+12025550100"}, ""),
    ],
)
async def test_what_cannot_be_spoken_is_refused(api, body, field):
    answer = await api("POST", "/sounds/speech", 422, json={"name": "x", **body})
    assert field in [error["field"] for error in answer["errors"]], answer


async def test_without_a_voice_it_says_so_and_uploads_remain(api, upload, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(speech, "_has_library", lambda: False)
    answer = await api("POST", "/sounds/speech", 501, json={"name": "x", "text": "hello"})
    assert answer["code"] == "no_voice" and "espeak-ng" in answer["detail"]
    await upload(recording())
