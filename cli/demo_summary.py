"""What a demo found at its end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli import demo_truth
from cli.asterisk_cdr import CarrierCall
from cli.demo_truth import Check, Row
from engine.core.attempt import AttemptRecord


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment: the campaign and its statistics as the API gives them."""

    campaign: Mapping[str, Any]
    stats: Mapping[str, Any]
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The last picture, and what attempts and the carrier's records say."""

    picture: Picture
    outcomes: Mapping[str, int]
    n_attempts: int
    n_bridged: int
    abandon_rate: float
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    checks: Sequence[Check]
    rows: Sequence[Row] = ()

    @property
    def is_good(self) -> bool:
        """Completed, and the carrier confirms every call."""
        stats = self.picture.stats
        is_complete = stats["status"] == "completed" and stats["progress"] == 100
        return is_complete and all(check.holds for check in self.checks)


def summary_of(
    picture: Picture,
    attempts: Sequence[AttemptRecord],
    calls: Sequence[CarrierCall],
    watched_ms: Sequence[float] | None = None,
) -> Summary:
    """`watched_ms`: seen on the bridges; without it Asterisk's stamp of handing over stands in."""
    took_ms = demo_truth.connect_ms(attempts) if watched_ms is None else watched_ms
    return Summary(
        picture=picture,
        outcomes=demo_truth.outcomes(attempts),
        n_attempts=len(attempts),
        n_bridged=sum(attempt.bridged_at is not None for attempt in attempts),
        abandon_rate=demo_truth.abandon_rate(attempts),
        p50_ms=demo_truth.percentile(took_ms, 50),
        p99_ms=demo_truth.percentile(took_ms, 99),
        max_ms=demo_truth.percentile(took_ms, 100),
        checks=demo_truth.checks(attempts, calls),
        rows=demo_truth.rows(attempts, calls),
    )


def as_json(summary: Summary, wall_s: float) -> str:
    """The last line of `dialer demo --json`."""
    stats = summary.picture.stats
    result = {
        "status": stats["status"],
        "contacts": stats["n_contacts"],
        "progress": stats["progress"],
        "attempts": summary.n_attempts,
        "outcomes": summary.outcomes,
        "bridged": summary.n_bridged,
        "abandon_rate": summary.abandon_rate,
        "connect_ms": {"p50": summary.p50_ms, "p99": summary.p99_ms},
        "wall_s": round(wall_s, 1),
    }
    return json.dumps(result)
