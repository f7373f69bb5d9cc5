"""One seeded run of the whole engine in virtual time, judged at its end."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.virtual.judge import judge
from bench.virtual.plan import Plan
from bench.virtual.stage import Stage
from bench.virtual.time import VirtualLoop
from bench.virtual.trouble import all_to_work, faults, heal, people
from engine.core.campaign import Command
from engine.service import dialing, seating
from engine.service import engine as loops

#: What rings, talks and wraps up at the end has so long.
DRAIN_S = 1800.0
LOOK_S = 60.0
#: What the engine does every so many seconds.
LOOPS = (
    *[(loops, n) for n in ("HOUSEKEEPING_S", "REPORT_S", "LIVE_S", "LOOK_AGAIN_S", "REREAD_S")],
    *[(loops, n) for n in ("TRUNKS_S", "OFFERS_S", "SOUNDS_S")],
    (seating, "LOOK_AT_ALL_S"), (dialing, "EMPTY_CLAIM_S"), (dialing, "CLASSES_FRESH_S"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    seed: int
    campaign_hours: float
    n_calls: int
    n_engines: int
    n_trips: int
    outcomes: dict[str, int]
    wall_s: float
    cpu_s: float
    #: Of every call with its instant and every outcome: equal for equal seeds.
    digest: str


def run(plan: Plan, url: str) -> Report:
    """Raises AssertionError with the seed when something does not hold."""
    began, cpu_began = time.perf_counter(), time.process_time()
    with _eased(plan.ease), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        stage = Stage.of(plan, loop, url, f"v{secrets.token_hex(6)}")
        try:
            outcomes = runner.run(_play(stage))
        except Exception as error:
            raise AssertionError(f"seed {plan.seed}: {error}") from error
        hours = stage.clock.monotonic() / 3600 * len(plan.campaigns)
    return Report(
        seed=plan.seed,
        campaign_hours=round(hours, 2),
        n_calls=len(stage.pbx.placed),
        n_engines=stage.n_engines,
        n_trips=stage.network.n_trips,
        outcomes=outcomes,
        wall_s=round(time.perf_counter() - began, 2),
        cpu_s=round(time.process_time() - cpu_began, 2),
        digest=_digest(stage, outcomes),
    )


@contextmanager
def _eased(times: int) -> Iterator[None]:
    before = [(module, name, getattr(module, name)) for module, name in LOOPS]
    for module, name, seconds in before:
        setattr(module, name, seconds * times)
    try:
        yield
    finally:
        for module, name, seconds in before:
            setattr(module, name, seconds)


async def _play(stage: Stage) -> dict[str, int]:
    try:
        await stage.furnish()
        stage.start()
        trouble = [asyncio.create_task(each(stage)) for each in (faults, people, _progress)]
        await asyncio.sleep(stage.plan.hours * 3600)
        for task in trouble:
            task.cancel()
        for ended in await asyncio.gather(*trouble, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        await _drain(stage)
        return dict(sorted((await judge(stage)).items()))
    finally:
        await stage.close()


async def _progress(stage: Stage) -> None:
    """It never falls while no contact is added."""
    before: dict[int, float] = {}
    while True:
        stage.raise_the_dead()
        for campaign_id in stage.campaign_ids:
            now = (await stage.store.campaigns.get(campaign_id)).progress
            assert now >= before.get(campaign_id, 0.0), f"progress fell to {now}"
            before[campaign_id] = now
        await asyncio.sleep(LOOK_S)


async def _drain(stage: Stage) -> None:
    heal(stage)
    await all_to_work(stage)
    for campaign_id in stage.campaign_ids:
        await stage.tell(campaign_id, Command.STOP)
    assert await stage.until(lambda: _is_empty(stage), DRAIN_S), await _left(stage)
    for one in stage.running:
        await one.end()
    stage.running.clear()


async def _is_empty(stage: Stage) -> bool:
    if stage.pbx.channels:
        return False
    calls = stage.store.calls
    for campaign_id in stage.campaign_ids:
        if await calls.live(campaign_id) or await calls.wrapping(campaign_id):
            return False
    return not any(len(one.engine.world.calls) for one in stage.running)


async def _left(stage: Stage) -> str:
    live = [[a.attempt_id for a in await stage.store.calls.live(i)] for i in stage.campaign_ids]
    held = [[call.attempt_id for call in one.engine.world.calls] for one in stage.running]
    return f"not settled: channels {list(stage.pbx.channels)}, live {live}, held {held}"


def _digest(stage: Stage, outcomes: dict[str, int]) -> str:
    rows = [f"{at.isoformat()} {order.attempt_id} {n}" for at, order, n in stage.pbx.books]
    return hashlib.sha256("\n".join([*rows, str(outcomes)]).encode()).hexdigest()[:16]
