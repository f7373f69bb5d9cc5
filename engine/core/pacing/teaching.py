"""Which knowledge a campaign starts from, and how much of it still counts."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.core.pacing.hazards import Kept
from engine.core.pacing.knowledge import Knowledge
from engine.core.pacing.limit import FIRST_CAUTION

#: Half of what was learned is forgotten after this.
HALF_LIFE = timedelta(days=14)
#: Observations of another campaign that are believed: the team is the same, the list is not, and
#: how its people answer is soon known better.
FOREIGN_TALKS, FOREIGN_LINES = 200.0, 100.0
#: A team that shares fewer of its agents is another one.
SAME_TEAM = 0.5
#: With fewer calls remembered, another campaign of the team knows more.
ENOUGH_LINES = 30.0


@dataclass(frozen=True, slots=True)
class Taught:
    """What a campaign had learned at an instant, and with whom."""

    campaign_id: int
    kept_at: datetime
    agent_ids: Set[int]
    knowledge: Knowledge


def chosen(
    own: Taught | None, others: Iterable[Taught], agent_ids: Set[int], now: datetime
) -> Knowledge | None:
    """What the campaign itself learned, else what its team learned last; None: a cold start."""
    found = aged(own.knowledge, now - own.kept_at) if own else None
    if found is not None and weight(found.lines) >= ENOUGH_LINES:
        return found
    team = max(
        (each for each in others if likeness(each.agent_ids, agent_ids) >= SAME_TEAM),
        key=lambda each: (likeness(each.agent_ids, agent_ids), each.kept_at),
        default=None,
    )
    if team is None:
        return found
    return of_another(aged(team.knowledge, now - team.kept_at))


def likeness(some: Set[int], others: Set[int]) -> float:
    """Agents in both teams, of those in either (Jaccard)."""
    return len(some & others) / len(some | others) if some | others else 0.0


def aged(knowledge: Knowledge, age: timedelta) -> Knowledge:
    """Old observations count less; clocks may differ, so none counts more."""
    keep = min(1.0, 0.5 ** (age / HALF_LIFE))
    return replace(
        knowledge,
        talk=scaled(knowledge.talk, keep),
        wrap_up=scaled(knowledge.wrap_up, keep),
        lines=scaled(knowledge.lines, keep),
        judged=scaled(knowledge.judged, keep),
        caution=FIRST_CAUTION + keep * (knowledge.caution - FIRST_CAUTION),
    )


def of_another(knowledge: Knowledge) -> Knowledge:
    """What a campaign of the same team knows, as far as it holds for a new one."""
    return replace(
        knowledge,
        talk=at_most(knowledge.talk, FOREIGN_TALKS),
        wrap_up=at_most(knowledge.wrap_up, FOREIGN_TALKS),
        lines=at_most(knowledge.lines, FOREIGN_LINES),
        judged=at_most(knowledge.judged, FOREIGN_LINES),
    )


def weight(kept: Kept) -> float:
    """Observations, each by what is left of it."""
    return sum(sum(each.values()) for each in kept.counts)


def at_most(kept: Kept, most: float) -> Kept:
    n = weight(kept)
    return kept if n <= most else scaled(kept, most / n)


def scaled(kept: Kept, factor: float) -> Kept:
    counts = tuple({at: factor * n for at, n in each.items()} for each in kept.counts)
    return Kept(counts, factor * kept.total_s)
