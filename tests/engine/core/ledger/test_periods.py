"""Sums by period against sums over the single calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.ledger import NOTHING, Counts, total
from engine.core.ledger_periods import BLOCK, Ledger, together

FIRST = datetime(2026, 1, 5, 15, 20, tzinfo=UTC)
SERVED, ABANDONED = Counts(n_people=1, n_connected=1), Counts(n_people=1, n_abandoned=1)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

Call = tuple[datetime, Counts]
calls = st.lists(
    st.tuples(
        st.timedeltas(timedelta(0), timedelta(days=95)).map(lambda after: FIRST + after),
        st.sampled_from([SERVED, ABANDONED, Counts(n_machines=1), Counts(n_machines_met=1)]),
    ),
    max_size=60,
)
instants = st.timedeltas(timedelta(0), timedelta(days=95)).map(lambda after: FIRST + after)


def ledger(found: list[Call], first_at: datetime = FIRST) -> Ledger:
    made = Ledger(first_at)
    for each in found:
        made.add(*each)
    return made


def since(found: list[Call], start: datetime) -> Counts:
    return total(counts for at, counts in found if at >= start)


@given(calls, instants)
def test_the_rolling_periods_are_those_of_the_single_calls(found: list[Call], now: datetime):
    made, minute = ledger(found), now.replace(second=0, microsecond=0)
    hour = minute.replace(minute=0)
    assert made.so_far == since(found, FIRST)
    assert made.last_24_h(now) == since(found, minute - 1439 * MINUTE)
    assert made.last_30_days(now) == since(found, hour - 719 * HOUR)


@given(calls, calls, instants)
def test_a_sum_that_is_kept_grows_with_the_calls(
    before: list[Call], after: list[Call], now: datetime
):
    made = ledger(before)
    made.last_24_h(now), made.last_30_days(now)
    for each in after:
        made.add(*each)
    anew = ledger([*before, *after])
    assert made.last_24_h(now) == anew.last_24_h(now)
    assert made.last_30_days(now) == anew.last_30_days(now)
    later = now + timedelta(hours=7)
    assert made.last_24_h(later) == anew.last_24_h(later)


@given(calls, instants)
def test_blocks_follow_each_other_from_the_first_call(found: list[Call], now: datetime):
    blocks = ledger(found).all_blocks(now)
    assert blocks[0].starts_at == FIRST.replace(minute=0)
    assert blocks[-1].starts_at <= now < blocks[-1].ends_at
    assert ledger(found).block(now) == blocks[-1]
    for block in blocks:
        inside = [counts for at, counts in found if block.starts_at <= at < block.ends_at]
        assert block.counts == total(inside)
        assert block.ends_at - block.starts_at == timedelta(days=30) == BLOCK


@given(st.lists(calls, min_size=1, max_size=4), instants)
def test_a_group_counts_the_calls_of_all_members(members: list[list[Call]], now: datetime):
    starts = [FIRST + timedelta(days=3 * i) for i in range(len(members))]
    shared = together(ledger(*each) for each in zip(members, starts, strict=True))
    everything = ledger([call for member in members for call in member])
    assert shared.so_far == everything.so_far
    assert shared.last_24_h(now) == everything.last_24_h(now)
    assert shared.last_30_days(now) == everything.last_30_days(now)
    assert shared.block(now) == everything.block(now)


def test_before_the_first_call_there_is_no_block():
    empty = together([])
    assert (empty.first_at, empty.block(FIRST), empty.all_blocks(FIRST)) == (None, None, [])
    assert empty.last_24_h(FIRST) == NOTHING


def test_a_clock_that_is_ahead_loses_no_call():
    """Calls are stamped by Asterisk's clock, periods are asked for by ours."""
    made = ledger([(FIRST + timedelta(minutes=3), ABANDONED), (FIRST - HOUR, SERVED)])
    assert made.last_24_h(FIRST) == made.last_30_days(FIRST) == SERVED + ABANDONED
    block = made.block(FIRST)
    assert block is not None and block.counts == SERVED + ABANDONED


@pytest.mark.parametrize(("after", "n"), [(timedelta(days=29, hours=23), 1), (BLOCK, 2)])
def test_the_second_block_begins_after_thirty_days(after: timedelta, n: int):
    assert len(ledger([]).all_blocks(FIRST + after)) == n
