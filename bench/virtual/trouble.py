"""What goes wrong in a run, and what people do in it, at random instants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from bench.virtual.stage import Running, Stage
from engine.core.campaign import Command

#: One event of a call in so many is lost, and late; so are round trips and orders.
EVENTS_LOST, EVENTS_LATE, TRIPS_LOST, ORDERS_SILENT = 200, 50, 2000, 200


async def faults(stage: Stage) -> None:
    """Until cancelled. Two engines at most, and at times none."""
    if not stage.plan.fault_every_s:
        return
    dice = random.Random(f"{stage.plan.seed} faults")
    stage.network.lost_one_in = TRIPS_LOST
    unnerve(stage)
    while True:
        await asyncio.sleep(dice.expovariate(1 / stage.plan.fault_every_s))
        await dice.choice(FAULTS)(stage, dice)
        unnerve(stage)


def unnerve(stage: Stage) -> None:
    for one in stage.running:
        one.telephony.lost_one_in = EVENTS_LOST
        one.telephony.late_one_in = EVENTS_LATE
        one.telephony.silent_one_in = ORDERS_SILENT


def heal(stage: Stage) -> None:
    stage.network.lost_one_in, stage.network.is_up = 0, True
    for one in stage.running:
        one.telephony.lost_one_in = one.telephony.late_one_in = one.telephony.silent_one_in = 0
        if not one.telephony.up:
            one.telephony.restore()
    if not stage.running:
        stage.start()


async def _kill(stage: Stage, dice: random.Random) -> None:
    if stage.running:
        await _out(stage, dice).crash()
    await asyncio.sleep(dice.uniform(0, 10))
    stage.start()


async def _end(stage: Stage, dice: random.Random) -> None:
    if stage.running:
        await _out(stage, dice).end()
    await asyncio.sleep(dice.uniform(0, 5))
    stage.start()


async def _second(stage: Stage, dice: random.Random) -> None:
    if len(stage.running) < 2:
        stage.start()


async def _cut(stage: Stage, dice: random.Random) -> None:
    if stage.running:
        one = dice.choice(stage.running)
        one.telephony.cut()
        await asyncio.sleep(dice.uniform(0, 20))
        one.telephony.restore()


async def _silence(stage: Stage, dice: random.Random) -> None:
    stage.network.is_up = False
    await asyncio.sleep(dice.uniform(0, 10))
    stage.network.is_up = True


def _out(stage: Stage, dice: random.Random) -> Running:
    return stage.running.pop(dice.randrange(len(stage.running)))


FAULTS: tuple[Callable[[Stage, random.Random], Awaitable[None]], ...] = (
    _kill, _end, _second, _cut, _cut, _silence,
)  # fmt: skip


async def people(stage: Stage) -> None:
    """Until cancelled: agents pause and go home, somebody plays with the buttons."""
    dice = random.Random(f"{stage.plan.seed} people")
    while True:
        await asyncio.sleep(dice.expovariate(1 / stage.plan.meddle_every_s))
        if dice.random() < 0.8:
            agent = dice.choice(stage.agents)
            wanted_in = dice.random() < 0.85
            pause = "break" if wanted_in and dice.random() < 0.3 else None
            await stage.want(agent, wanted_in=wanted_in, pause=pause)
        else:
            commands = [Command.PAUSE, *[Command.PLAY] * 4, *[Command.STOP] * (dice.random() < 0.1)]
            await stage.tell(dice.choice(stage.campaign_ids), dice.choice(commands))


async def all_to_work(stage: Stage) -> None:
    for agent in stage.agents:
        await stage.want(agent, wanted_in=True)
