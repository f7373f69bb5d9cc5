"""What holds for a number across campaigns."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from engine.core.settings import LimitSettings

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
PHONE = "+12025550100"
FREE = LimitSettings()


async def place(store, at: datetime, limits: LimitSettings = FREE, attempt: str = "1aX"):
    """A call that was placed and has ended."""
    (refusal,) = await store.numbers.reserve([(PHONE, attempt)], limits, at)
    if refusal is None:
        await store.numbers.release([(PHONE, attempt, True)])
    return refusal


async def test_one_live_call_per_number(store):
    numbers = store.numbers
    assert await numbers.reserve([(PHONE, "1aX")], FREE, NOW) == [None]
    (refusal,) = await numbers.reserve([(PHONE, "2aY")], FREE, NOW + timedelta(days=9))
    assert (refusal.reason, refusal.until) == ("live", None)
    assert await numbers.live_owner(PHONE) == "1aX"
    await numbers.release([(PHONE, "2aY", True)])
    assert await numbers.live_owner(PHONE) == "1aX", "only its owner frees it"
    await numbers.release([(PHONE, "1aX", True)])
    assert await numbers.live_owner(PHONE) is None
    assert await numbers.reserve([(PHONE, "2aY")], FREE, NOW) == [None]


async def test_asking_again_counts_once(store):
    limits = LimitSettings(max_per_24h=2)
    for _ in range(3):
        assert await store.numbers.reserve([(PHONE, "1aX")], limits, NOW) == [None]
    await store.numbers.release([(PHONE, "1aX", True)])
    assert await place(store, NOW, limits) is None
    assert (await place(store, NOW, limits)).reason == "limit_24h"


async def test_one_of_many_that_race_gets_the_number(store):
    wanted = [[(PHONE, f"{i}aX")] for i in range(20)]
    answers = await asyncio.gather(*(store.numbers.reserve(one, FREE, NOW) for one in wanted))
    assert [answer[0] for answer in answers].count(None) == 1


async def test_a_limit_ends_when_the_oldest_call_leaves_its_span(store):
    limits = LimitSettings(max_per_24h=2)
    first = NOW + timedelta(milliseconds=300)
    await place(store, first)
    await place(store, NOW + timedelta(hours=5))
    refusal = await place(store, NOW + timedelta(hours=6), limits)
    assert refusal.reason == "limit_24h"
    assert timedelta(0) <= refusal.until - first - timedelta(days=1) < timedelta(seconds=1)
    assert await place(store, refusal.until - timedelta(milliseconds=1), limits) is not None
    assert await place(store, refusal.until, limits) is None


async def test_the_longer_of_two_limits_is_told(store):
    limits = LimitSettings(max_per_24h=1, max_per_7d=1)
    await place(store, NOW)
    refusal = await place(store, NOW, limits)
    assert (refusal.reason, refusal.until) == ("limit_7d", NOW + timedelta(days=7))
    assert (await place(store, NOW, LimitSettings(max_per_24h=1))).reason == "limit_24h"


async def test_what_was_never_placed_is_uncounted(store):
    limits = LimitSettings(max_per_24h=1)
    await store.numbers.reserve([(PHONE, "1aX")], limits, NOW)
    await store.numbers.release([(PHONE, "1aX", False)])
    await store.numbers.release([(PHONE, "1aX", False)])
    assert await place(store, NOW, limits) is None


async def test_do_not_call_acts_at_once(store):
    assert await store.numbers.add_dnc(PHONE, "agent", "tester", NOW)
    assert not await store.numbers.add_dnc(PHONE, "agent", "tester", NOW)
    refusal = await place(store, NOW)
    assert (refusal.reason, refusal.until) == ("dnc", None)
    assert await store.dnc.contains(PHONE)
    assert await store.dnc.remove(PHONE, "tester", NOW)
    assert not await store.dnc.remove(PHONE, "tester", NOW)
    assert await place(store, NOW) is None


async def test_the_do_not_call_list_pages_through_every_number_once(store):
    phones = {f"+1202555{i:04}" for i in range(250)}
    for phone in phones:
        await store.dnc.add(phone, source="file", actor="tester", now=NOW)
    found, cursor, n_pages = [], None, 0
    while n_pages == 0 or cursor:
        page = await store.dnc.list(limit=40, cursor=cursor)
        found += page.items
        cursor, n_pages = page.next_cursor, n_pages + 1
    assert (n_pages, len(found), {one.phone for one in found}) == (7, 250, phones)
    assert (found[0].source, found[0].added_at) == ("file", NOW)


async def test_a_long_history_keeps_what_limits_can_ask_for(store):
    for i in range(120):
        await place(store, NOW + timedelta(seconds=i))
    later = NOW + timedelta(seconds=200)
    assert (await place(store, later, LimitSettings(max_per_24h=100))).reason == "limit_24h"
    assert await place(store, NOW + timedelta(days=8), LimitSettings(max_per_7d=1)) is None
