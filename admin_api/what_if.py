"""Foretelling for the page: comparisons in a process of their own, one at a time and bounded.

    python -m admin_api.what_if        reads comparisons as JSON, writes their figures

A simulation takes seconds of a processor: in this process it would hold up every other request.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from engine.core.simulation import Scenario
from engine.core.simulation.compare import AGENTLESS_CPS, MODES, Comparison, compare

#: A request waits so long for its turn, and a process has so long for its answer.
TURN_S, ANSWER_S = 10.0, 30.0
#: Agent hours that are simulated for one answer: a small team's shift is long enough to say
#: something, a large one's short enough to wait for.
AGENT_HOURS, MIN_H, MAX_H = 20.0, 0.25, 1.0
MAX_AGENTS = 300
#: Without agents so many calls say enough, and at least so long, which many lines take to fill.
AGENTLESS_CALLS, AGENTLESS_MIN_H = 20_000, 0.1
#: What agents and limits are compared for; without agents neither matters.
WITH_AGENTS = tuple(mode for mode in MODES if mode != "agentless")
TICK_S = 1.0
NICE = 10
SEED = 1


class Busy(Exception):
    """Others are being answered, or the answer took too long."""


class Foreteller:
    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def foretell(self, comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
        """Figures by mode of each. Raises Busy."""
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Busy from error
        try:
            return await _answer(json.dumps([asdict(each) for each in comparisons]))
        finally:
            self._turn.release()


async def _answer(asked: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "admin_api.what_if",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(ANSWER_S):
            told, _ = await process.communicate(asked.encode())
    except TimeoutError as error:
        raise Busy from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    found: list[dict[str, Any]] = json.loads(told)
    return found


def hours_for(agents: int) -> float:
    return min(MAX_H, max(MIN_H, AGENT_HOURS / agents))


def without_agents(comparison: Comparison) -> Comparison:
    """As long as it takes to place `AGENTLESS_CALLS`."""
    scenario = comparison.scenario
    takes_h = AGENTLESS_CALLS / (3600 * (scenario.max_cps or AGENTLESS_CPS))
    hours = min(scenario.hours, max(AGENTLESS_MIN_H, takes_h))
    return replace(comparison, modes=("agentless",), scenario=replace(scenario, hours=hours))


def _compared(document: dict[str, Any]) -> dict[str, Any]:
    scenario = Scenario(**document.pop("scenario"))
    comparison = Comparison(scenario=scenario, **document)
    return compare(comparison, lambda number: random.Random(f"{SEED} {number}"))  # noqa: S311


def main() -> None:
    os.nice(NICE)
    json.dump([_compared(each) for each in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()

__all__ = [
    "MAX_AGENTS",
    "TICK_S",
    "WITH_AGENTS",
    "Busy",
    "Foreteller",
    "hours_for",
    "without_agents",
]
