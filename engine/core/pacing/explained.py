"""Why a rule placed as many calls as it did, for those who ask."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.pacing.snapshot import Pacing, Snapshot


@dataclass(frozen=True, slots=True)
class Explained:
    """The last decision.

    `why`: one_each (a call for each free agent), ratio, warming_up, predicting, limit_reached (one
    call for each free agent until the abandon rate allows more), no_agents_needed.
    """

    why: str
    #: Chance to be abandoned that one more call may carry.
    risk: float = 0.0
    #: Part of the calls that people are expected to answer.
    share_answered: float = 0.0
    caution: float = 0.0
    #: The period whose limit was reached, as of Tally.
    period: str = ""


def explained(rule: Pacing, snapshot: Snapshot, n: int) -> Explained:
    """Of a rule that just decided on n calls; it may know better itself."""
    known = getattr(rule, "explained", None)
    if isinstance(known, Explained):
        return known
    tell = getattr(rule, "explain", None)
    return tell(snapshot, n) if tell is not None else Explained("one_each")


def at_risk(rule: Pacing, snapshot: Snapshot, n: int) -> float:
    """People who may be abandoned by what is in flight once n more calls have left."""
    known = getattr(rule, "at_risk", None)
    return float(known if known is not None else max(0, snapshot.in_flight + n - snapshot.idle))
