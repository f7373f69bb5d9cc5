"""Keeps the agents' seats as they were asked for, ends wrap-ups, and wakes waiting callers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import structlog

from engine.core.agent import AgentState
from engine.core.errors import StoreUnavailable, TelephonyError
from engine.core.redial import Done
from engine.core.seat import (
    EndWrapUp,
    Join,
    Leave,
    LogIn,
    LogOff,
    Pause,
    Seat,
    Step,
    Unpause,
    plan,
    state_of,
)
from engine.service.world import World

log = structlog.get_logger()

#: All seats are looked at so often, and every tick while somebody waits for an agent.
LOOK_AT_ALL_S = 1.0
#: A caller who was woken is left so long before the next try.
WAKE_AGAIN_S = 0.2
#: State, the call in hand, and the end of its wrap-up.
Shown = tuple[AgentState, str | None, datetime | None]


class Seating:
    """One task; seats that changed are looked at at once, all of them every second."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changed: set[int] = set()
        self._has_changed = asyncio.Event()
        #: State as last written to the store, by agent.
        self._written: dict[int, Shown] = {}
        self._busy: set[int] = set()
        self._looked_at_all = 0.0
        #: Callers whom an agent was announced to lately, and when (monotonic).
        self._woken: dict[str, float] = {}

    def changed(self, agent_id: int) -> None:
        self._changed.add(agent_id)
        self._has_changed.set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._wait()
            if not self._world.leads:
                continue
            due = self._due(self._world.clock.now())
            for agent_id in due:
                self._attend(agent_id)

    def forget(self) -> None:
        """Another engine may have written meanwhile: every seat is looked at anew, at once."""
        self._written.clear()
        for seat in self._world.roster:
            self.changed(seat.agent.id)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._world.settings.tick_s):
                await self._has_changed.wait()
        except TimeoutError:
            if self._is_time_for_all():
                self._changed.update(seat.agent.id for seat in self._world.roster)
        self._has_changed.clear()

    def _is_time_for_all(self) -> bool:
        now = self._world.clock.monotonic()
        if now - self._looked_at_all < LOOK_AT_ALL_S and not self._world.calls.n_waiting():
            return False
        self._looked_at_all = now
        return True

    def _due(self, now: datetime) -> set[int]:
        changed, self._changed = self._changed, set()
        ending = {
            seat.agent.id
            for seat in self._world.roster
            if seat.wrap_up_until and seat.wrap_up_until <= now
        }
        return changed | ending

    def _attend(self, agent_id: int) -> None:
        seat = self._world.roster.get(agent_id)
        if seat is None:
            return
        if agent_id in self._busy:
            self._changed.add(agent_id)  # again at the next tick
            return
        if self._steps(seat) or self._written.get(agent_id) != _shown(seat):
            self._busy.add(agent_id)
            self._world.spawn(self._bring_into_line(seat), f"seat {agent_id}")
        else:
            # As it should be: mostly so, and not worth a task.
            self._wake_caller(agent_id)

    async def _bring_into_line(self, seat: Seat) -> None:
        agent_id = seat.agent.id
        try:
            await self._take_steps(seat)
            await self._write(agent_id)
        except (TelephonyError, StoreUnavailable) as error:
            log.warning("seat_postponed", agent_id=agent_id, error=error.message)
            self._changed.add(agent_id)  # again at the next tick
        finally:
            self._busy.discard(agent_id)
        self._wake_caller(agent_id)
        self._world.wake.set()

    async def _take_steps(self, seat: Seat) -> None:
        for step in self._steps(seat):
            await self._take(seat.agent.id, step)

    def _steps(self, seat: Seat) -> list[Step]:
        if not self._world.is_synced:
            return []
        return plan(seat, self._queues_of(seat), self._world.clock.now())

    def _queues_of(self, seat: Seat) -> set[str]:
        """Also of stopped campaigns whose last people may still answer."""
        calls, views = self._world.calls, self._world.campaigns
        return {
            views[each].campaign.queue
            for each in seat.agent.campaign_ids
            if each in views and (not views[each].campaign.is_final or calls.of_campaign(each))
        } - {""}

    async def _take(self, agent_id: int, step: Step) -> None:
        telephony, roster, now = self._world.telephony, self._world.roster, self._world.clock.now()
        seat = roster.get(agent_id)
        if seat is None:
            return
        match step:
            case LogIn():
                roster.put(replace(seat, login_asked_at=now, just_logged_in=False))
                await telephony.log_in(seat.agent)
            case LogOff():
                await telephony.log_off(seat.agent)
            case Join(queue):
                await telephony.add_member(queue, seat.agent)
            case Leave(queue):
                await telephony.remove_member(queue, seat.agent)
            case Pause(reason):
                await telephony.pause(seat.agent, reason)
                await self._wrap_up_ended(agent_id)
            case Unpause():
                await telephony.unpause(seat.agent)
                await self._wrap_up_ended(agent_id)
            case EndWrapUp():
                await self._wrap_up_ended(agent_id)

    async def _wrap_up_ended(self, agent_id: int) -> None:
        seat = self._world.roster.get(agent_id)
        if seat and seat.wrap_up_until and seat.wrap_up_until <= self._world.clock.now():
            self._world.roster.put(replace(seat, wrap_up_until=None))

    async def _write(self, agent_id: int) -> None:
        """Show the state to the pages and to a successor, when it is another than before."""
        seat = self._world.roster.get(agent_id)
        if seat is None:
            return
        shown = _shown(seat)
        if self._written.get(agent_id) == shown:
            return
        await self._world.store.agents.set_state(
            agent_id,
            shown[0],
            self._world.clock.now(),
            attempt_id=shown[1],
            wrap_up_until=shown[2],
        )
        self._written[agent_id] = shown

    def _wake_caller(self, agent_id: int) -> None:
        """The queue looks for agents only once a second; the longest waiting caller should not.

        One caller for each agent: the next agent is for the next caller. Not to a phone that rings:
        Queue() would let it ring for whole seconds from then on, past the caller's deadline.
        """
        seat, calls = self._world.roster.get(agent_id), self._world.calls
        if not calls.n_waiting() or seat is None or not _takes_at_once(seat):
            return
        now = self._world.clock.monotonic()
        self._woken = {each: at for each, at in self._woken.items() if now - at < WAKE_AGAIN_S}
        waiting = (call.attempt_id for call in calls.waiting(set(seat.queues)))
        attempt_id = next((each for each in waiting if each not in self._woken), None)
        if attempt_id is not None:
            self._woken[attempt_id] = now
            self._world.spawn(self._wake(attempt_id), f"wake {attempt_id}")

    async def _wake(self, attempt_id: str) -> None:
        try:
            await self._world.telephony.wake_caller(attempt_id)
        except TelephonyError as error:
            # The queue itself looks again within a second.
            log.info("wake_failed", attempt_id=attempt_id, error=error.message)


def _takes_at_once(seat: Seat) -> bool:
    return seat.agent.mode == "off_hook" and state_of(seat) is AgentState.AVAILABLE


def _shown(seat: Seat) -> Shown:
    in_hand = seat.attempt_id or (seat.wrapping_id if seat.wrap_up_until else None)
    return state_of(seat), in_hand, seat.wrap_up_until


class WrapUps:
    """Contacts whose conversation ended are complete when the time for a disposition is over."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def finish_due(self) -> None:
        world, now = self._world, self._world.clock.now()
        for campaign_id, attempt_id in await world.store.calls.wrapped_up(
            list(world.campaigns), now
        ):
            await world.store.calls.finish(campaign_id, attempt_id, None, Done("answered"), now)
            view = world.campaigns.get(campaign_id)
            if view is not None:
                view.dirty = True
