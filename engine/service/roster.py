"""The agents' seats in memory, kept by events; says who is available for which queue."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from engine.core.agent import Agent, AgentState
from engine.core.call_events import (
    AgentEvent,
    AgentLoggedIn,
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    Device,
)
from engine.core.seat import Seat, state_of

REACHABLE = frozenset(Device) - {Device.UNAVAILABLE}


class Roster:
    """Seats by agent id; extensions name the same agents in Asterisk."""

    def __init__(self) -> None:
        self._seats: dict[int, Seat] = {}
        self._by_extension: dict[str, int] = {}
        # Kept with every seat that is put: each event and each decision asks.
        self._on_call: dict[str, int] = {}
        self._available: defaultdict[str, set[int]] = defaultdict(set)

    def __iter__(self) -> Iterator[Seat]:
        return iter(list(self._seats.values()))

    def get(self, agent_id: int) -> Seat | None:
        return self._seats.get(agent_id)

    def find(self, extension: str | None) -> Seat | None:
        agent_id = self._by_extension.get(extension or "")
        return None if agent_id is None else self._seats[agent_id]

    def put(self, seat: Seat) -> None:
        self._take_away(seat.agent.id)
        self._seats[seat.agent.id] = seat
        if seat.attempt_id:
            self._on_call[seat.attempt_id] = seat.agent.id
        if state_of(seat) is AgentState.AVAILABLE:
            for queue in seat.queues:
                self._available[queue].add(seat.agent.id)

    def load(self, agents: Sequence[Agent]) -> None:
        """Take over who is there and what is wanted; facts of Asterisk stay."""
        for gone in self._seats.keys() - {agent.id for agent in agents}:
            self._take_away(gone)
        for agent in agents:
            seat = self._seats.get(agent.id)
            if seat is None or seat.agent != agent:
                self.put(self._loaded(agent, seat))
        self._by_extension = {agent.extension: agent.id for agent in agents}

    def apply(self, event: AgentEvent) -> Seat | None:
        """Add what Asterisk shows; the seat, where it is one of ours."""
        seat = self.find(event.extension)
        if seat is None:
            return None
        seat = _with_event(seat, event)
        self.put(seat)
        return seat

    def reset_queues(self, members: Sequence[AgentSeen], now: datetime) -> None:
        """After a lost link: only what Asterisk shows now counts.

        A line that shows as unavailable may be on its probation after a login, so it is not
        called again before the time that a login may take.
        """
        for seat in self:
            self.put(replace(seat, queues={}))
        for seen in members:
            self.apply(seen)
        for seat in self:
            if seat.queues and all(s.device is Device.UNAVAILABLE for s in seat.queues.values()):
                self.put(replace(seat, on_line=False, just_logged_in=False, login_asked_at=now))

    def lines_lost(self) -> None:
        """Asterisk was restarted: nobody is on the line, and everybody may be called at once."""
        for seat in self:
            seat = replace(seat, queues={}, on_line=False, just_logged_in=False)
            self.put(replace(seat, login_asked_at=None))

    def reserve(self, agent_id: int, attempt_id: str | None) -> None:
        """For a call that is still to be dialled; None: no more."""
        seat = self._seats.get(agent_id)
        if seat is not None:
            self.put(replace(seat, reserved_for=attempt_id))

    def connected(self, extension: str, attempt_id: str) -> Seat | None:
        seat = self.find(extension)
        if seat is None:
            return None
        seat = replace(seat, attempt_id=attempt_id, wrap_up_until=None, reserved_for=None)
        self.put(seat)
        return seat

    def call_ended(self, attempt_id: str, wrap_up_until: datetime) -> Seat | None:
        agent_id = self._on_call.get(attempt_id)
        if agent_id is None:
            return None
        return self.wrap_up(self._seats[agent_id], attempt_id, wrap_up_until)

    def wrap_up(self, seat: Seat, attempt_id: str, until: datetime) -> Seat:
        """The agent's conversation has ended, whether or not we knew of it."""
        seat = replace(seat, attempt_id=None, wrap_up_until=until, wrapping_id=attempt_id)
        self.put(seat)
        return seat

    def disposed(self, attempt_id: str, now: datetime) -> Seat | None:
        """A disposition was recorded: the wrap-up of this call is over."""
        for seat in self._seats.values():
            if seat.wrapping_id == attempt_id and seat.wrap_up_until:
                seat = replace(seat, wrap_up_until=min(seat.wrap_up_until, now))
                self.put(seat)
                return seat
        return None

    def available(self, queue: str) -> Set[int]:
        """Agents who can take a call from this queue now."""
        return self._available.get(queue, frozenset())

    def queues(self) -> set[str]:
        """Those that have a member."""
        return {queue for seat in self._seats.values() for queue in seat.queues}

    def states(self, agent_ids: Sequence[int]) -> Mapping[AgentState, int]:
        seats = (self._seats.get(agent_id) for agent_id in agent_ids)
        return Counter(state_of(seat) if seat else AgentState.OFFLINE for seat in seats)

    def _take_away(self, agent_id: int) -> None:
        seat = self._seats.pop(agent_id, None)
        if seat is None:
            return
        if seat.attempt_id:
            self._on_call.pop(seat.attempt_id, None)
        for queue in seat.queues:
            self._available[queue].discard(agent_id)

    def _loaded(self, agent: Agent, seat: Seat | None) -> Seat:
        if seat is not None:
            return replace(seat, agent=agent)
        return Seat(
            agent=agent,
            on_line=agent.state is not AgentState.OFFLINE,
            attempt_id=agent.attempt_id if agent.state is AgentState.ON_CALL else None,
            wrap_up_until=agent.wrap_up_until,
            wrapping_id=agent.attempt_id if agent.wrap_up_until else None,
        )


def _with_event(seat: Seat, event: AgentEvent) -> Seat:
    match event:
        case AgentSeen():
            queues, is_there = {**seat.queues, event.queue: event}, event.device in REACHABLE
            settles = seat.just_logged_in and not is_there
            on_line = seat.on_line or is_there
            return replace(seat, queues=queues, on_line=on_line, just_logged_in=settles)
        case AgentRemoved():
            queues = {name: seen for name, seen in seat.queues.items() if name != event.queue}
            return replace(seat, queues=queues)
        case AgentLoggedIn():
            return replace(seat, on_line=True, just_logged_in=True, login_asked_at=None)
        case AgentLoggedOff():
            return replace(seat, on_line=False, just_logged_in=False, login_asked_at=None)
