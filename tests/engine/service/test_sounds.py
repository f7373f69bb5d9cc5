"""Recordings come to Asterisk before anybody is called who may have to hear them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from engine.core.sound import PREFIX, Sound
from engine.service.engine import Engine
from engine.service.sounds import SoundKeeper

ID = f"{PREFIX}0123456789abcdef"
PROMPTED = {"pacing": {"mode": "agentless"}, "agentless": {"message": ID}}


class FakePlace:
    """A folder in memory that can be full."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.is_full = False

    def ids(self) -> set[str]:
        return set(self.files)

    def place(self, sound_id: str, wav: bytes) -> None:
        if self.is_full:
            raise OSError("no space left on device")
        self.files[sound_id] = wav

    def remove(self, sound_ids: object) -> None:
        for sound_id in list(sound_ids):  # type: ignore[call-overload]
            self.files.pop(sound_id, None)


def one() -> Sound:
    return Sound(
        id=ID, name="one", length_s=2, speech_db=-20, peak_db=-3, created_at=datetime.now(UTC)
    )


async def test_the_folder_follows_the_store(store):
    place = FakePlace()
    keeper = SoundKeeper(store.sounds, place)
    await store.sounds.add(one(), b"RIFF", "t")
    await keeper.keep()
    assert place.files == {ID: b"RIFF"}
    await store.sounds.delete(ID, "t", datetime.now(UTC))
    await keeper.keep()
    assert place.files == {}


async def test_nobody_is_called_before_the_recording_is_in_place(stage, numbers, monkeypatch):
    place = FakePlace()
    place.is_full = True
    await stage.store.sounds.add(one(), b"RIFF", "t")
    campaign_id = await stage.campaign(numbers(s00=2), [], **PROMPTED)
    began = Engine.__init__

    def with_place(self: Engine, *args: object) -> None:
        began(self, *args, place)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "__init__", with_place)
    stage.start(sounds_path="/var/lib/asterisk/dialer")

    async def says_why() -> bool:
        figures = await stage.store.campaigns.live_figures(campaign_id) or {}
        return "message_missing" in figures.get("idle_reasons", ())

    await stage.until(says_why)
    assert stage.pbx.placed == []
    place.is_full = False
    await stage.completed(campaign_id)
    assert {order.prompt.message for order in stage.pbx.placed} == {
        f"/var/lib/asterisk/dialer/{ID}"
    }


async def test_a_recording_of_the_pbx_is_its_own_matter(stage, numbers):
    prompt = {"pacing": {"mode": "agentless"}, "agentless": {"message": "reminder"}}
    campaign_id = await stage.campaign(numbers(s00=1), [], **prompt)
    stage.start(sounds_path="/somewhere")
    await stage.completed(campaign_id)
    assert [order.prompt.message for order in stage.pbx.placed] == ["reminder"]


async def test_two_looks_at_once_do_no_harm(store):
    place = FakePlace()
    await store.sounds.add(one(), b"RIFF", "t")
    keepers = [SoundKeeper(store.sounds, place) for _ in range(2)]
    await asyncio.gather(*(keeper.keep() for keeper in keepers))
    assert place.files == {ID: b"RIFF"}
