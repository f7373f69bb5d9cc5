"""The periods in which a limit of abandoned calls must hold, from the ledger."""

from __future__ import annotations

from datetime import datetime

from engine.core.ledger import Counts
from engine.core.ledger_periods import Ledger
from engine.core.pacing.snapshot import Tally


def tallies_of(
    ledger: Ledger,
    now: datetime,
    *,
    live: Counts,
    error_rate: float,
    contacts_left: int,
    closes_in_s: float,
) -> tuple[Tally, ...]:
    """So far, the running block of 30 days, and the last 30 days.

    `closes_in_s`: until the calling hours end; what comes after is not counted on, so that each day
    ends within the limit. `live`: what is sure of calls that are not settled. `error_rate`: of
    machine detection.
    A regulator counts the whole campaign or each successive block (16 CFR 310.4(b)(4)(i)), or any
    30 days (47 CFR 64.1200(a)(7)). Within the first block the three are one; later nothing that
    the last 30 days will still gain is counted on, since they lose as well.
    """

    def tally(name: str, counts: Counts, ends_in_s: float | None, left: int | None) -> Tally:
        whole = (counts + live).with_misjudged(error_rate)
        return Tally(whole.n_people, whole.n_abandoned, ends_in_s, left, name)

    found = [tally("so_far", ledger.so_far, closes_in_s, contacts_left)]
    block = ledger.block(now)
    if block is not None:
        ends_in_s = min(closes_in_s, (block.ends_at - now).total_seconds())
        found.append(tally("block", block.counts, ends_in_s, contacts_left))
        if not block.is_first:
            found.append(tally("last_30_days", ledger.last_30_days(now), None, None))
    return tuple(found)
