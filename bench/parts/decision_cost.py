"""What one decision of the predictive rule costs, by the number of agents."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from engine.core.pacing import Ages, CallClass, Kind, Predictive, Seen, Snapshot
from engine.core.pacing.classes import Known
from engine.core.simulation import Scenario, simulate

LINES_PER_AGENT = 3
N_DECISIONS = 400
#: Decisions follow each other so closely in a busy engine.
EVERY_S = 0.5
HISTORY_H = 0.4
#: Three attempts in two lists: six classes of calls.
CALLS: dict[str, Any] = {
    "answer_rate": 0.2,
    "attempt_rates": (0.25, 0.2, 0.1),
    "redial_s": 240.0,
    "lists": tuple((120.0 * n, n % 2, 1.0 + n % 2) for n in range(12)),
}


def cost_us(agents: int, n: int = N_DECISIONS) -> dict[str, float]:
    """Median and mean microseconds, tables that are made anew on the way included."""
    dice = random.Random(agents)
    rule, now = _experienced(agents, dice), _snapshot(agents, dice)
    took = []
    for number in range(n):
        news = _news(agents, dice)
        placed = [each.of for each in news if each.of]
        now = replace(now, now_s=HISTORY_H * 3600 + number * EVERY_S, seen=news, placed=placed)
        began = time.perf_counter()
        rule.decide(now)
        took.append(1e6 * (time.perf_counter() - began))
    return {"p50": round(statistics.median(took), 1), "mean": round(statistics.mean(took), 1)}


def _experienced(agents: int, dice: random.Random) -> Predictive:
    rule = Predictive(0.03)
    simulate(Scenario(agents=agents, hours=HISTORY_H, **CALLS), rule, dice)
    return rule


def _snapshot(agents: int, dice: random.Random) -> Snapshot:
    idle = max(1, agents // 25)
    talking = int(0.8 * (agents - idle))
    lines = LINES_PER_AGENT * agents
    ringing = _ages(lines, 24, dice)
    return Snapshot(
        idle=idle,
        held=0,
        ringing=lines,
        amd=0,
        answered=100 * agents,
        abandoned=2 * agents,
        room=1000,
        ringing_ages=ringing,
        ringing_classes=_classes(ringing, dice),
        hour=9,
        talk_ages=_ages(talking, 300, dice),
        wrap_up_ages=_ages(agents - idle - talking, 40, dice),
        ends_in_s=7200.0,
    )


def _ages(n: int, oldest_s: int, dice: random.Random) -> Ages:
    return Counter(int(dice.uniform(0, oldest_s)) for _ in range(n))


def _classes(ages: Ages, dice: random.Random) -> dict[Known, Ages]:
    found = defaultdict[Known, Counter[int]](Counter)
    for age, n in ages.items():
        for _ in range(n):
            found[_class(dice)][age] += 1
    return dict(found)


def _class(dice: random.Random) -> CallClass:
    return CallClass(dice.randrange(2), dice.randrange(1, 4), 9)


def _news(agents: int, dice: random.Random) -> list[Seen]:
    """As many calls end in this time as a shift of this size brings."""
    lines = round(agents * 0.05 * EVERY_S + dice.random())
    talks = round(agents * 0.009 * EVERY_S + dice.random() / 2)
    seen = []
    for _ in range(lines):
        kind = Kind.PERSON if dice.random() < 0.2 else Kind.NO_PERSON
        seen.append(Seen(kind, dice.uniform(3, 24), _class(dice)))
    for _ in range(talks):
        seen += [Seen(Kind.TALK, dice.expovariate(1 / 90)), Seen(Kind.WRAP_UP, 20.0)]
    return seen
