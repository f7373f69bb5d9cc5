"""Nobody is lost: engines that go on for a while bring every contact to an end."""

from __future__ import annotations

from datetime import timedelta

from engine.core.contact import COMPLETE
from engine.core.outcome import Outcome

from .books import Side
from .engine import Engine

#: In half hours: the longest limits are a day, callbacks four, and a contact has seven dials.
ROUNDS = 1500


async def drain(world: Engine) -> None:
    for side in world.sides:
        if not side.done:
            await _set_going(world, side)
    for _ in range(ROUNDS):
        for side in world.sides:
            await _go_on(world, side)
        if all(side.done for side in world.sides):
            return
        is_busy = any(side.steps for side in world.sides) or bool(world.books.live())
        world.now += timedelta(seconds=1) if is_busy else timedelta(minutes=30)
    raise AssertionError(await _left_over(world))


async def _set_going(world: Engine, side: Side) -> None:
    if not side.active:
        await world.pause_or_play(side)
    while side.imports:
        await world.read_list(side, dies=False)
    for contact_id in set(side.inactive):
        await world.set_active(side, contact_id, active=True)


async def _go_on(world: Engine, side: Side) -> None:
    for step in list(side.steps):
        if not step.reserved:
            await world.reserve(side, step)
        if step.reserved:
            await world.send(side, step)
    for dial in world.books.live():
        if dial.side == side.id:
            await world.end(dial, Outcome.NO_ANSWER)
    await world.finish_wrap_up(side)
    await world.reap(side)
    if not side.done:
        await world.complete(side)
    if not side.done:
        await world.claim(side, 20)


async def _left_over(world: Engine) -> str:
    left = [c for side in world.sides for c in await world.contacts(side)]
    return "\n".join(str(contact) for contact in left if contact.state not in COMPLETE)
