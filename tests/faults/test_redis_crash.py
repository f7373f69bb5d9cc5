"""Redis killed and its last second of writes lost: what it forgot still rings."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from engine.core.outcome import Outcome

LOST_S = 1.0


@pytest.mark.parametrize("engine_dies_too", [False, True])
async def test_redis_that_lost_its_last_second(floor, engine_dies_too):
    await floor.hire()
    campaign_id = await floor.campaign(floor.numbers(s00=16, s01=6, s02=3, s04=4, s07=2))
    engine = floor.start()
    for percent in (15, 50):
        await floor.reaches(campaign_id, percent)
        sizes = await watch(floor.folder)
        if engine_dies_too:
            engine.kill()
        floor.server.kill()
        n_lost = lose_last_second(floor.folder, sizes)
        floor.server.start()
        if engine_dies_too:
            engine.start()
        assert n_lost > 0, "nothing was written in that second"
    await floor.completed(campaign_id)
    attempts = await floor.check(campaign_id)
    assert not [a for a in attempts if a.outcome is Outcome.UNKNOWN]


def log_of(folder: Path) -> Path:
    """The file that grows; a rewrite would begin another, and none happens in a short test."""
    [found] = (folder / "redis").glob("**/*.incr.aof")
    return found


async def watch(folder: Path) -> list[tuple[float, int]]:
    """How large the log was when, over a bit more than the time that is to be lost."""
    sizes, until = [], time.monotonic() + LOST_S + 0.3
    while time.monotonic() < until:
        sizes.append((time.monotonic(), log_of(folder).stat().st_size))
        await asyncio.sleep(0.02)
    return sizes


def lose_last_second(folder: Path, sizes: list[tuple[float, int]]) -> int:
    """Cut the log where it was a second before its end; the number of lost bytes."""
    end = sizes[-1][0]
    before = max(size for at, size in sizes if at <= end - LOST_S)
    path = log_of(folder)
    data = path.read_bytes()
    kept = max(at for at in boundaries(data) if at <= before)
    path.write_bytes(data[:kept])
    return len(data) - kept


def boundaries(data: bytes) -> list[int]:
    """Offsets between two commands, outside of transactions."""
    found, at, inside = [0], 0, False
    while at < len(data):
        end = data.index(b"\r\n", at)
        if data[at : at + 1] == b"#":
            at = end + 2
            continue
        n_words, at, words = int(data[at + 1 : end]), end + 2, []
        for _ in range(n_words):
            end = data.index(b"\r\n", at)
            size = int(data[at + 1 : end])
            words.append(data[end + 2 : end + 2 + size])
            at = end + 2 + size + 2
        verb = words[0].upper()
        inside = verb == b"MULTI" or (inside and verb != b"EXEC")
        if not inside:
            found.append(at)
    return found
