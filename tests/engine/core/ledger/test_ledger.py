"""What one call counts as, and what a regulator's formula makes of many."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.attempt import AttemptRecord
from engine.core.ledger import (
    AnsweredBy,
    Counts,
    answered_by,
    counts_of,
    entry_of,
    ofcom_rate,
)
from engine.core.outcome import Outcome

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
SERVED = Counts(n_people=1, n_connected=1)
ABANDONED = Counts(n_people=1, n_abandoned=1)
LATE = Counts(n_people=1, n_abandoned=1, n_connected=1)
LEFT = Counts(n_people=1)
ENDED = Counts(n_machines=1)
MET = Counts(n_machines_met=1)


def record(outcome: Outcome, *, after_s: float | None = None, **more: object) -> AttemptRecord:
    """Answered at NOW; `after_s`: connected so much later."""
    known = AttemptRecord(
        attempt_id="1a1",
        campaign_id=1,
        contact_id=1,
        number=1,
        phone="+12025550101",
        caller_id="+12025550100",
        trunk="carrier",
        node="pbx",
        started_at=NOW - timedelta(seconds=9),
        ringing_at=NOW - timedelta(seconds=7),
        answered_at=NOW,
        bridged_at=None if after_s is None else NOW + timedelta(seconds=after_s),
        ended_at=NOW + timedelta(seconds=60),
        ring_s=7.0,
        outcome=outcome,
        answered_by=answered_by(outcome, more.get("amd")),  # type: ignore[arg-type]
    )
    return replace(known, **more)  # type: ignore[arg-type]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (record(Outcome.ANSWERED, after_s=0.4), SERVED),
        (record(Outcome.ANSWERED, after_s=2.0), SERVED),
        # In whole milliseconds, as records are kept.
        (record(Outcome.ANSWERED, after_s=2.0004), SERVED),
        (record(Outcome.ANSWERED, after_s=2.001), LATE),
        # The time runs from the end of the greeting where that is known.
        (record(Outcome.ANSWERED, after_s=3.5, greeting_end_at=at(1.6)), SERVED),
        (record(Outcome.ANSWERED, after_s=3.7, greeting_end_at=at(1.6)), LATE),
        (record(Outcome.ABANDONED), ABANDONED),
        (record(Outcome.HUNG_UP_EARLY, ended_at=at(1.2)), LEFT),
        (record(Outcome.HUNG_UP_EARLY, ended_at=at(2.4)), ABANDONED),
        # Without agents there is nobody to wait for.
        (record(Outcome.MESSAGE_PLAYED, message_played=True), Counts()),
        (record(Outcome.HUNG_UP_EARLY, ended_at=at(9), message_played=True), Counts()),
        (record(Outcome.ANSWERED, after_s=30.0, message_played=True), Counts()),
        (record(Outcome.MACHINE, amd="MACHINE"), ENDED),
        (record(Outcome.FAX), ENDED),
        (record(Outcome.ANSWERED, after_s=0.4, answered_by="machine"), MET),
        (record(Outcome.ANSWERED, after_s=9.0, answered_by="machine"), MET),
        # Answered, and then nobody knows: an agent who is not known of did not come.
        (record(Outcome.UNKNOWN), ABANDONED),
        (record(Outcome.UNKNOWN, answered_at=None), Counts()),
        (record(Outcome.NO_ANSWER, answered_at=None), Counts()),
        (record(Outcome.BUSY, answered_at=None), Counts()),
        (record(Outcome.CANCELLED, answered_at=None), Counts()),
    ],
)
def test_what_a_call_counts_as(one: AttemptRecord, counts: Counts):
    assert counts_of(entry_of(one)) == counts


def test_an_entry_has_all_that_an_auditor_asks_for():
    one = record(Outcome.ABANDONED, message_played=True, greeting_end_at=at(1), amd="HUMAN")
    entry = entry_of(one)
    assert entry is not None
    assert (entry.answered_at, entry.greeting_end_at, entry.bridged_at) == (NOW, at(1), None)
    assert entry.answered_by is AnsweredBy.HUMAN
    assert entry.abandoned and entry.message_played
    assert (entry.ring_s, entry.caller_id) == (7.0, "+12025550100")


def test_without_detection_nobody_knows_who_heard_the_message():
    entry = entry_of(record(Outcome.ABANDONED))
    assert entry is not None and entry.answered_by is AnsweredBy.UNKNOWN


def test_the_rate_is_of_people_who_answered():
    assert Counts().abandon_rate == 0
    assert Counts(n_people=200, n_abandoned=6, n_machines=80).abandon_rate == 0.03


def test_people_taken_for_machines_are_estimated_and_rounded_up():
    counts = Counts(n_people=100, n_machines=120)
    assert counts.with_misjudged(0) == counts
    assert counts.with_misjudged(0.02) == Counts(n_people=103, n_abandoned=3, n_machines=117)
    assert counts.with_misjudged(1).n_abandoned == 120


def test_ofcoms_own_example():
    """29 drops, 9 people and 7 machines met: 16.3125 of 25.3125."""
    counts = Counts(n_people=38, n_abandoned=29, n_connected=9, n_machines_met=7)
    assert ofcom_rate(counts) == pytest.approx(16.3125 / 25.3125)
    assert ofcom_rate(Counts()) == 0
    assert ofcom_rate(Counts(n_people=5, n_abandoned=5)) == 1
    judged = replace(counts, n_machines_met=0, n_machines=50)
    assert ofcom_rate(judged, 0.02) == pytest.approx(30 / 39)
