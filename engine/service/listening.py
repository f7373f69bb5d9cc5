"""The one consumer of telephony's events: facts go to calls and seats, causes wake the loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from engine.core.call_events import (
    AgentLoggedIn,
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    CallEvent,
    Connected,
    HungUp,
    LinkLost,
    LinkUp,
    Recorded,
    TelephonyEvent,
)
from engine.service.calls import Call, Phase
from engine.service.settling import Settler
from engine.service.world import World

log = structlog.get_logger()


class Listener:
    def __init__(self, world: World, settler: Settler, seat_changed: Callable[[int], None]) -> None:
        self._world = world
        self._settler = settler
        self._seat_changed = seat_changed

    async def run(self, stop: asyncio.Event) -> None:
        async for event in self._world.telephony.events():
            self.hear(event)
            if stop.is_set():
                return

    def hear(self, event: TelephonyEvent) -> None:
        match event:
            case CallEvent():
                self._hear_call(event)
            case AgentSeen() | AgentRemoved() if event.queue not in self._world.our_queues:
                return
            case AgentSeen() | AgentRemoved() | AgentLoggedIn() | AgentLoggedOff():
                seat = self._world.roster.apply(event)
                if seat:
                    self._seat_changed(seat.agent.id)
            case LinkUp():
                self._take_note_of_start(event)
                self._world.link_up_at[event.node] = event.at
                log.info("link_up", node=event.node)
                self._world.doubt()
            case LinkLost():
                log.warning("link_lost", node=event.node)
                self._world.doubt()

    def _take_note_of_start(self, event: LinkUp) -> None:
        before = self._world.pbx_started_at.get(event.node)
        self._world.pbx_started_at[event.node] = event.pbx_started_at
        if before is not None and before != event.pbx_started_at:
            log.warning("asterisk_restarted", node=event.node)
            self._world.roster.lines_lost()

    def _hear_call(self, event: CallEvent) -> None:
        known = self._world.calls.get(event.attempt_id)
        if known is None:
            return
        before = known.phase
        call = self._settler.see(event)
        if call is None:
            return
        match event:
            case Connected():
                seat = self._world.roster.connected(event.agent, event.attempt_id)
                if seat:
                    self._seat_changed(seat.agent.id)
            case HungUp() | Recorded():
                self._free_agent(call)
        # Ringing is no news to the pacing: the call was counted when it was placed.
        if call.phase not in (before, Phase.RINGING):
            self._world.wake.set()

    def _free_agent(self, call: Call) -> None:
        view = self._world.campaigns.get(call.campaign_id)
        wrap_up_s = view.campaign.settings.wrap_up_s if view else 0
        until = self._world.clock.now() + timedelta(seconds=wrap_up_s)
        seat = self._world.roster.call_ended(call.attempt_id, until)
        if seat:
            self._seat_changed(seat.agent.id)
