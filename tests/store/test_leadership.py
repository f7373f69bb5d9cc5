"""One leader at a time, and a number that proves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5, milliseconds=1)


async def test_a_running_lease_keeps_others_out(store):
    first = await store.leadership.acquire("a", NOW, 5)
    assert await store.leadership.acquire("b", NOW, 5) is None
    assert await store.leadership.acquire("a", NOW, 5) == first
    assert await store.leadership.renew(first, NOW, 5)


async def test_the_epoch_rises_with_every_new_lease(store):
    first = await store.leadership.acquire("a", NOW, 5)
    second = await store.leadership.acquire("b", LATER, 5)
    assert second.epoch > first.epoch
    assert not await store.leadership.renew(first, LATER, 5)
    await store.leadership.release(first)
    assert await store.leadership.renew(second, LATER, 5)


async def test_one_who_overslept_must_begin_anew(store):
    first = await store.leadership.acquire("a", NOW, 5)
    assert not await store.leadership.renew(first, LATER, 5)
    again = await store.leadership.acquire("a", LATER, 5)
    assert again.epoch > first.epoch


async def test_a_released_lease_is_free_at_once(store):
    first = await store.leadership.acquire("a", NOW, 5)
    await store.leadership.release(first)
    second = await store.leadership.acquire("b", NOW, 5)
    assert second.epoch > first.epoch


async def test_of_many_one_wins(store):
    asked = [store.leadership.acquire(f"e{i}", NOW, 5) for i in range(20)]
    assert sum(fence is not None for fence in await asyncio.gather(*asked)) == 1
