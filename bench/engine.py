"""Calls per second and processor time per call of the whole engine, beside a bare panoramisk loop.

Both dial the same kinds of numbers through the same Asterisk, in turns: nine in ten are busy after
half a second, one in ten answers. A call is counted when the carrier's own record has it. The
engine is `dialer engine`, with everything that it does: claim, reserve, mark, originate, events,
settle, agents. Processor time is user and system of its process over a window in which calls
start at the asked rate; Redis and the Asterisks are reported beside.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Else `engine` would be this very file.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.cpu import Sample
from bench.parts.numbers import numbers
from bench.parts.site import Site
from engine.core.campaign import Command

ROOT = Path(__file__).resolve().parents[1]
MAX_RATIO = 3.0
MIN_ACHIEVED = 0.95
TOP_RATE = 100
GOAL = (
    f"engine CPU per call <= {MAX_RATIO:g} x bare at every rate;"
    f" achieved >= {MIN_ACHIEVED:g} of asked at {TOP_RATE} calls/s"
)


@dataclass(frozen=True, slots=True)
class Plan:
    rates: tuple[int, ...]
    n_rounds: int
    warm_up_s: float
    window_s: float
    n_agents: int

    @property
    def n_contacts(self) -> int:
        seconds = self.warm_up_s + self.window_s + 2
        return int(sum(self.rates) * self.n_rounds * seconds)


FULL = Plan(rates=(20, 50, TOP_RATE), n_rounds=3, warm_up_s=3, window_s=10, n_agents=100)
QUICK = Plan(rates=(20,), n_rounds=1, warm_up_s=1, window_s=2, n_agents=25)


@dataclass(frozen=True, slots=True)
class Window:
    """Calls that started in a window, and processor seconds per second in it, by process."""

    n_calls: int
    wall_s: float
    per_s: Mapping[str, float]

    @property
    def calls_per_s(self) -> float:
        return self.n_calls / self.wall_s

    def ms_per_call(self, name: str) -> float:
        return self.per_s[name] * 1000 / self.calls_per_s


class Bench:
    def __init__(self, site: Site, plan: Plan) -> None:
        self._site, self._plan = site, plan

    async def bare(self, rate: int) -> Window:
        plan, site = self._plan, self._site
        phones = numbers(int(rate * (plan.warm_up_s + plan.window_s + 2)))
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.parts.bare", str(rate)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), **site.rig.env()},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            assert process.stdin is not None
            process.stdin.write("\n".join(phones).encode())
            process.stdin.close()
            before, after = await self._window(bare=process.pid)
        finally:
            process.terminate()
            process.wait(10)
        await asyncio.sleep(2)  # its last calls end by themselves
        site.forget_records()
        return self._measured(before, after)

    async def engine(self, rate: int) -> tuple[Window, float]:
        """The window, and what the engine used in a second without calls."""
        site = self._site
        await site.set_rate(rate)
        pid = await site.start_engine()
        idle = site.sample(engine=pid)
        await asyncio.sleep(1)
        idle_per_s = site.sample(engine=pid).per_s_since(idle)["engine"]
        await site.move(Command.PLAY)
        before, after = await self._window(engine=pid)
        await site.move(Command.PAUSE)
        await site.drained()
        await site.stop_engine()
        return self._measured(before, after), idle_per_s

    async def _window(self, **pid: int) -> tuple[Sample, Sample]:
        await asyncio.sleep(self._plan.warm_up_s)
        before = self._site.sample(**pid)
        await asyncio.sleep(self._plan.window_s)
        return before, self._site.sample(**pid)

    def _measured(self, before: Sample, after: Sample) -> Window:
        starts = (call.started_at.timestamp() for call in self._site.rig.carrier_calls())
        n_calls = sum(before.at <= start < after.at for start in starts)
        if not n_calls:
            raise RuntimeError(f"no call was placed\n{self._site.engine_log()}")
        return Window(n_calls, after.at - before.at, after.per_s_since(before))


async def measure(plan: Plan, *, talks: bool) -> tuple[dict[str, object], dict[str, float], bool]:
    """Figures, ratios by rate, and whether the goal is met."""
    bare: defaultdict[int, list[Window]] = defaultdict(list)
    engine: defaultdict[int, list[Window]] = defaultdict(list)
    idle: list[float] = []
    async with Site(plan.n_agents) as site:
        await site.make_campaign(numbers(plan.n_contacts))
        bench = Bench(site, plan)
        for _ in range(plan.n_rounds):
            for rate in plan.rates:
                bare[rate].append(await bench.bare(rate))
                window, idle_per_s = await bench.engine(rate)
                engine[rate].append(window)
                idle.append(idle_per_s)
                if talks:
                    say(rate, bare[rate][-1], window)
    figures: dict[str, object] = {
        f"{rate}_per_s": _figures(rate, bare[rate], engine[rate]) for rate in plan.rates
    }
    figures["engine_idle_cpu_ms_per_s"] = report.median([per_s * 1000 for per_s in idle], 1)
    ratios = {f"{rate}_per_s": _ratio(bare[rate], engine[rate]) for rate in plan.rates}
    achieved = report.median([window.calls_per_s for window in engine[plan.rates[-1]]])
    meets = max(ratios.values()) <= MAX_RATIO and achieved >= MIN_ACHIEVED * plan.rates[-1]
    return figures, ratios, meets


def say(rate: int, bare: Window, engine: Window) -> None:
    print(
        f"{time.strftime('%X')} {rate:3d}/s: bare {bare.calls_per_s:6.1f}/s"
        f" {bare.ms_per_call('bare'):.2f} ms, engine {engine.calls_per_s:6.1f}/s"
        f" {engine.ms_per_call('engine'):.2f} ms, redis {engine.ms_per_call('redis'):.2f} ms,"
        f" pbx {engine.ms_per_call('pbx'):.2f} ms",
        flush=True,
    )


def _figures(rate: int, bare: list[Window], engine: list[Window]) -> dict[str, object]:
    """Medians of the rounds; milliseconds of processor time per call."""
    beside = ("redis", "pbx", "carrier", "phones")
    return {
        "asked_per_s": rate,
        "achieved_per_s": report.median([one.calls_per_s for one in engine], 1),
        "bare_achieved_per_s": report.median([one.calls_per_s for one in bare], 1),
        "engine_ms_per_call": report.median([one.ms_per_call("engine") for one in engine]),
        "bare_ms_per_call": report.median([one.ms_per_call("bare") for one in bare]),
        "beside_engine_ms_per_call": {
            name: report.median([one.ms_per_call(name) for one in engine]) for name in beside
        },
        "beside_bare_ms_per_call": {
            name: report.median([one.ms_per_call(name) for one in bare]) for name in beside
        },
    }


def _ratio(bare: list[Window], engine: list[Window]) -> float:
    """Median of the ratios of neighbours in time."""
    pairs = zip(bare, engine, strict=True)
    return report.median([e.ms_per_call("engine") / b.ms_per_call("bare") for b, e in pairs], 2)


def main() -> None:
    options = report.arguments(__doc__.splitlines()[0])
    plan = QUICK if options.quick else FULL
    figures, ratios, meets_goal = asyncio.run(measure(plan, talks=not options.json))
    report.finish("engine", figures, GOAL, meets_goal=meets_goal, ratio=ratios)


if __name__ == "__main__":
    main()
