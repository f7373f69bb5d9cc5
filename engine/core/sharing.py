"""Agents who serve several campaigns: each available one is counted for one campaign only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set


def share_agents(
    available: Mapping[int, Set[int]], in_flight: Mapping[int, int], hungry: Sequence[int]
) -> dict[int, int]:
    """How many available agents each campaign may count on.

    `available`: agents by campaign. `in_flight`: calls by campaign that may still need an agent;
    they get agents first, so that two campaigns never dial for the same one. What is left goes
    round among the `hungry`, those that could place a call now, in their order. Agents with the
    fewest campaigns are taken first.
    """
    n_campaigns = Counter(agent for agents in available.values() for agent in agents)
    free = {
        campaign: sorted(agents, key=lambda agent: (-n_campaigns[agent], agent))
        for campaign, agents in available.items()
    }
    taken: set[int] = set()
    given = dict.fromkeys(available, 0)
    for campaign in available:
        while given[campaign] < in_flight.get(campaign, 0) and _take(free[campaign], taken):
            given[campaign] += 1
    while hungry:
        hungry = [campaign for campaign in hungry if _take(free[campaign], taken)]
        for campaign in hungry:
            given[campaign] += 1
    return given


def _take(free: list[int], taken: set[int]) -> bool:
    while free:
        agent = free.pop()
        if agent not in taken:
            taken.add(agent)
            return True
    return False
