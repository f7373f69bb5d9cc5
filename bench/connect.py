"""From a person's answer to both being in the bridge, with agents who stay on the line.

The engine places 10 calls a second, all of which are answered. A second AMI session takes the
instants that Asterisk itself gives to the answer (the customer's channel is Up) and to the entries
of both legs into the bridge; the later one counts.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

# Else `engine` would be the file beside this one.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.numbers import numbers
from bench.parts.site import Site
from cli.asterisk_observer import Observer, Seen
from engine.core.campaign import Command

MAX_P99_MS = 50.0
GOAL = f"p99 of answer to both in the bridge <= {MAX_P99_MS:g} ms at 10 calls/s"


@dataclass(frozen=True, slots=True)
class Plan:
    n_calls: int
    calls_per_s: float = 10
    n_agents: int = 30


FULL = Plan(n_calls=200)
QUICK = Plan(n_calls=20, n_agents=20)


async def measure(plan: Plan) -> tuple[Seen, dict[str, int]]:
    """What was seen, and the campaign's counts."""
    async with Site(plan.n_agents) as site:
        await site.make_campaign(numbers(plan.n_calls, answered_one_in=1))
        await site.set_rate(plan.calls_per_s)
        async with Observer(site.rig) as observer:
            await site.start_engine()
            await site.move(Command.PLAY)
            await site.completed()
            counts = dict(await site.store.calls.counts(site.campaign_id))
            await site.stop_engine()
        return observer.seen, counts


def main() -> None:
    options = report.arguments(__doc__.splitlines()[0])
    plan = QUICK if options.quick else FULL
    seen, counts = asyncio.run(measure(plan))
    connect_ms = seen.connect_ms()
    if not connect_ms:
        sys.exit(f"nobody was connected: {counts}")
    figures = {
        "n_calls": plan.n_calls,
        "answers_per_s": seen.answers_per_s(),
        "n_bridged": len(connect_ms),
        "n_abandoned": counts.get("abandoned", 0),
        "median_ms": report.median(connect_ms),
        "p99_ms": round(report.quantile(connect_ms, 0.99), 3),
        "max_ms": round(max(connect_ms), 3),
    }
    meets_goal = figures["p99_ms"] <= MAX_P99_MS and len(connect_ms) == plan.n_calls
    ratio = round(figures["p99_ms"] / MAX_P99_MS, 3)  # nothing to compare with but the goal
    report.finish("connect", figures, GOAL, meets_goal=meets_goal, ratio=ratio)


if __name__ == "__main__":
    main()
