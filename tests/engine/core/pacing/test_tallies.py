"""Which periods a limit holds in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.ledger import NOTHING, Counts
from engine.core.ledger_periods import Ledger
from engine.core.pacing.tallies import tallies_of

FIRST = datetime(2026, 1, 5, 15, tzinfo=UTC)
DAY = timedelta(days=1)
ABANDONED = Counts(n_people=1, n_abandoned=1)


def tallies(ledger, now, *, live=NOTHING, error_rate=0.0, closes_in_s=1e9):
    found = tallies_of(
        ledger, now, live=live, error_rate=error_rate, contacts_left=700, closes_in_s=closes_in_s
    )
    return {each.name: each for each in found}


def after(days, *more):
    ledger = Ledger(FIRST)
    ledger.add(FIRST, Counts(n_people=100, n_abandoned=2))
    for day in (days, *more):
        ledger.add(FIRST + day * DAY, ABANDONED)
    return ledger


def test_nothing_is_counted_before_the_first_call():
    found = tallies(Ledger(), FIRST)
    assert [*found] == ["so_far"]
    assert (found["so_far"].answered, found["so_far"].contacts_left) == (0, 700)


def test_in_the_first_block_it_is_the_campaign_until_the_block_ends():
    found = tallies(after(3), FIRST + 10 * DAY)
    assert [*found] == ["so_far", "block"]
    assert found["block"].ends_in_s == 20 * 86_400
    for each in found.values():
        assert (each.answered, each.abandoned, each.contacts_left) == (101, 3, 700)


def test_nothing_is_counted_on_beyond_the_calling_hours():
    found = tallies(after(3), FIRST + 10 * DAY, closes_in_s=900)
    assert [each.ends_in_s for each in found.values()] == [900, 900]


def test_later_blocks_count_for_themselves_and_the_last_30_days_too():
    found = tallies(after(20, 31), FIRST + 35 * DAY)
    assert [*found] == ["so_far", "block", "last_30_days"]
    assert [each.abandoned for each in found.values()] == [4, 1, 2]
    assert found["last_30_days"].ends_in_s is found["last_30_days"].contacts_left is None


def test_calls_that_live_and_estimated_errors_count_everywhere():
    ledger = after(1)
    ledger.add(FIRST, Counts(n_machines=51))
    found = tallies(ledger, FIRST + DAY, live=Counts(n_people=3, n_abandoned=1), error_rate=0.02)
    for each in found.values():
        assert (each.answered, each.abandoned) == (101 + 3 + 2, 3 + 1 + 2)
