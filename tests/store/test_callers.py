"""No caller id shows more calls a day than it may, whoever asks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 1, 5, 15, 20, tzinfo=UTC)
A, B = "+12025550100", "+12025550101"


async def test_calls_are_counted_up_to_the_limit(store):
    assert await store.callers.take([A, A, B, A], 2, NOW) == [True, True, True, False]
    assert await store.callers.left([A, B], 2, NOW) == {A: 0, B: 1}
    assert await store.callers.take([B, B], 2, NOW) == [True, False]
    assert await store.callers.take([], 2, NOW) == []


async def test_two_who_ask_at_once_do_not_pass_it(store):
    asked = [store.callers.take([A] * 10, 25, NOW) for _ in range(5)]
    taken = [one for answer in await asyncio.gather(*asked) for one in answer]
    assert (len(taken), sum(taken)) == (50, 25)


async def test_calls_of_campaigns_without_a_limit_count_too(store):
    await store.callers.take([A] * 7, None, NOW)
    assert await store.callers.left([A], 10, NOW) == {A: 3}


async def test_a_call_stops_counting_after_a_day(store):
    await store.callers.take([A], 1, NOW)
    assert await store.callers.free_at([A, B], 1, NOW) is None
    free_at = await store.callers.free_at([A], 1, NOW)
    assert free_at == datetime(2026, 1, 6, 16, tzinfo=UTC)
    for at, may in ((NOW + timedelta(hours=24), False), (free_at, True)):
        assert await store.callers.take([A], 1, at) == [may]
