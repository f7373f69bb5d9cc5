"""Campaign-hours that the whole engine lives through in a minute of processor time.

The engine with its loops, on a real store, a simulated PBX and a virtual clock; with faults, and
judged at the end of each run (`bench/virtual`). `--seed` repeats one run exactly.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

# Else `engine` would be a file of this folder.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import structlog

from bench.parts import report
from bench.virtual.plan import Plan, plan_of
from bench.virtual.run import Report, run
from engine.store import EmbeddedRedis

N_RUNS, FIRST_SEED = 8, 1
GOAL_PER_MIN = 100.0
GOAL = f"every run holds; at least {GOAL_PER_MIN:g} campaign-hours in a minute of processor time"


def main() -> None:
    options = _options()
    if not options.verbose:
        level = structlog.make_filtering_bound_logger(logging.ERROR)
        structlog.configure(wrapper_class=level)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder), unix_socket=True)
        try:
            url = options.redis or server.start()
            found = [_told(run(plan, url), options.json) for plan in _plans(options)]
        finally:
            server.stop()
    hours, cpu_s = sum(r.campaign_hours for r in found), sum(r.cpu_s for r in found)
    per_min = 60 * hours / cpu_s
    figures = {
        "runs": [asdict(each) for each in found],
        "campaign_hours": round(hours, 1),
        "calls": sum(each.n_calls for each in found),
        "engines": sum(each.n_engines for each in found),
        "campaign_hours_per_cpu_min": round(per_min, 1),
        "campaign_hours_per_min": round(60 * hours / sum(each.wall_s for each in found), 1),
    }
    ratio = round(per_min / GOAL_PER_MIN, 3)
    report.finish("whole_engine", figures, GOAL, meets_goal=ratio >= 1, ratio=ratio)


def _told(one: Report, as_json: bool) -> Report:
    if not as_json:
        print(one, flush=True)
    return one


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print only the last line")
    parser.add_argument("--quick", action="store_true", help="a short smoke run")
    parser.add_argument("--seed", type=int, help="one run, with this seed")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--campaigns", type=int, default=5)
    parser.add_argument("--agents", type=int, help="for each campaign; else 3 to 6, by the seed")
    parser.add_argument("--ease", type=int, default=10, help="how much slower idle loops turn")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--redis", help="URL of a server; without it one is started")
    parser.add_argument("--verbose", action="store_true", help="the engine's own log")
    return parser.parse_args()


def _plans(options: argparse.Namespace) -> list[Plan]:
    seeds = range(FIRST_SEED, FIRST_SEED + (1 if options.quick else N_RUNS))
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    return [
        plan_of(
            seed,
            hours=0.1 if options.quick else options.hours,
            n_campaigns=options.campaigns,
            faults=not options.no_faults,
            ease=options.ease,
            agents_each=options.agents,
        )
        for seed in seeds
    ]


if __name__ == "__main__":
    main()
