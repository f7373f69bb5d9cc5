"""Sums of the ledger by period, so that a decision does not depend on how long a campaign runs.

Buckets are full minutes, full hours, and blocks of 30 days from the hour of the first call; so the
last 24 hours are the running minute and the 1,439 before it, the last 30 days the running hour and
the 719 before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from engine.core.attempt import AttemptRecord
from engine.core.ledger import NOTHING, Counts, counts_of, entry_of, total

MINUTE_S, HOUR_S = 60, 3600
DAY_MINUTES, MONTH_HOURS = 24 * 60, 30 * 24
BLOCK = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Buckets = dict[int, Counts]


@dataclass(frozen=True, slots=True)
class Block:
    """One of the successive 30-day periods, or its portion so far (16 CFR 310.4(b)(4)(i))."""

    starts_at: datetime
    ends_at: datetime
    counts: Counts
    is_first: bool


@dataclass(slots=True)
class Ledger:
    """One campaign's counts, or those of a group of campaigns."""

    first_at: datetime | None = None
    so_far: Counts = NOTHING
    blocks: Buckets = field(default_factory=dict)
    hours: Buckets = field(default_factory=dict)
    minutes: Buckets = field(default_factory=dict)
    #: Sums over the buckets from one on, kept while they are asked for from the same one.
    _hours_sum: tuple[int, Counts] | None = None
    _minutes_sum: tuple[int, Counts] | None = None

    def add(self, at: datetime, counts: Counts) -> None:
        """`at`: when the calls were answered."""
        self.so_far += counts
        if self.first_at is not None:
            _add(self.blocks, block_of(self.first_at, at), counts)
        _add(self.hours, number(at, HOUR_S), counts)
        _add(self.minutes, number(at, MINUTE_S), counts)
        self._hours_sum = _grown(self._hours_sum, number(at, HOUR_S), counts)
        self._minutes_sum = _grown(self._minutes_sum, number(at, MINUTE_S), counts)

    def last_24_h(self, now: datetime) -> Counts:
        since = number(now, MINUTE_S) - DAY_MINUTES + 1
        if self._minutes_sum is None or self._minutes_sum[0] != since:
            self._minutes_sum = (since, _sum(self.minutes, since))
        return self._minutes_sum[1]

    def last_30_days(self, now: datetime) -> Counts:
        since = number(now, HOUR_S) - MONTH_HOURS + 1
        if self._hours_sum is None or self._hours_sum[0] != since:
            self._hours_sum = (since, _sum(self.hours, since))
        return self._hours_sum[1]

    def block(self, now: datetime) -> Block | None:
        """The running block; None before the first call."""
        if self.first_at is None:
            return None
        return self._block(self.first_at, block_of(self.first_at, now))

    def all_blocks(self, now: datetime) -> list[Block]:
        """From the first call to now, also those without an answer."""
        if self.first_at is None:
            return []
        first_at = self.first_at
        return [self._block(first_at, each) for each in range(block_of(first_at, now) + 1)]

    def _block(self, first_at: datetime, which: int) -> Block:
        starts_at = full_hour(first_at) + which * BLOCK
        return Block(starts_at, starts_at + BLOCK, self.blocks.get(which, NOTHING), which == 0)


def ledger_of(records: Iterable[AttemptRecord], first_at: datetime | None) -> Ledger:
    """The counts made anew from the records, each in its newest revision."""
    ledger = Ledger(first_at)
    for record in records:
        entry = entry_of(record)
        if entry is not None:
            ledger.add(entry.answered_at, counts_of(entry))
    return ledger


def together(ledgers: Iterable[Ledger]) -> Ledger:
    """Of campaigns that share a limit; their blocks begin with the first call of any of them.

    Buckets of hours go back as far as a block, so the running block is exact; earlier blocks are
    those of the campaigns themselves.
    """
    members = list(ledgers)
    firsts = [each.first_at for each in members if each.first_at is not None]
    shared = Ledger(min(firsts, default=None), total(each.so_far for each in members))
    for member in members:
        for at, counts in member.minutes.items():
            _add(shared.minutes, at, counts)
        for at, counts in member.hours.items():
            _add(shared.hours, at, counts)
    if shared.first_at is not None:
        for at, counts in shared.hours.items():
            _add(shared.blocks, block_of(shared.first_at, instant(at, HOUR_S)), counts)
    return shared


def block_of(first_at: datetime, at: datetime) -> int:
    """Which block an instant is in; clocks may differ, so none is before the first."""
    return max(0, (number(at, HOUR_S) - number(first_at, HOUR_S)) // MONTH_HOURS)


def full_hour(at: datetime) -> datetime:
    return instant(number(at, HOUR_S), HOUR_S)


def number(at: datetime, width_s: int) -> int:
    """The bucket of this width that an instant is in."""
    return int((at - _EPOCH) // timedelta(seconds=width_s))


def instant(bucket: int, width_s: int) -> datetime:
    return _EPOCH + timedelta(seconds=bucket * width_s)


def _add(buckets: Buckets, at: int, counts: Counts) -> None:
    buckets[at] = buckets.get(at, NOTHING) + counts


def _sum(buckets: Buckets, since: int) -> Counts:
    return total(counts for at, counts in buckets.items() if at >= since)


def _grown(known: tuple[int, Counts] | None, at: int, counts: Counts) -> tuple[int, Counts] | None:
    if known is None or at < known[0]:
        return known
    return (known[0], known[1] + counts)
