"""Which knowledge a campaign starts from, and how much of it still counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.core.pacing.classes import CallClass
from engine.core.pacing.hazards import Kept
from engine.core.pacing.knowledge import KeptShare, Knowledge
from engine.core.pacing.limit import FIRST_CAUTION
from engine.core.pacing.shares import OTHER_LISTS

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
        shares=tuple(_worth(each, keep) for each in knowledge.shares),
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
        shares=of_another_list(knowledge.shares),
    )


def of_another_list(shares: Iterable[KeptShare]) -> Sequence[KeptShare]:
    """What attempts and hours do holds for other lists as well, whatever lists these were."""
    found: dict[CallClass, KeptShare] = {}
    for each in shares:
        of = each.of._replace(list_id=OTHER_LISTS)
        before = found.get(of, KeptShare(of, 0.0, 0.0, 0.0))
        calls, persons = before.calls + each.calls, before.persons + each.persons
        found[of] = KeptShare(of, calls, persons, before.part + each.part)
    return tuple(
        _worth(each, min(1.0, FOREIGN_LINES / (each.calls or 1.0))) for each in found.values()
    )


def _worth(share: KeptShare, keep: float) -> KeptShare:
    return replace(share, calls=keep * share.calls, persons=keep * share.persons)


def weight(kept: Kept) -> float:
    """Observations, each by what is left of it."""
    return sum(sum(each.values()) for each in kept.counts)


def at_most(kept: Kept, most: float) -> Kept:
    n = weight(kept)
    return kept if n <= most else scaled(kept, most / n)


def scaled(kept: Kept, factor: float) -> Kept:
    counts = tuple({at: factor * n for at, n in each.items()} for each in kept.counts)
    return Kept(counts, factor * kept.total_s)
