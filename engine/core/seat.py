"""An agent's seat: what was asked of the agent, what Asterisk shows, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from engine.core.agent import RESERVED, WRAP_UP, Agent, AgentState
from engine.core.call_events import AgentSeen, Device

#: How long a phone that was called to put an off-hook agent on the line is waited for.
LOGIN_RETRY = timedelta(seconds=15)
#: A wrap-up pause that belongs to no call that we know is lifted after this long: the call's own
#: event follows the pause within milliseconds.
STRAY_WRAP_UP = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Facts about one agent."""

    agent: Agent
    #: As a member of each of our queues.
    queues: Mapping[str, AgentSeen] = field(default_factory=dict)
    #: An off-hook agent is on the line.
    on_line: bool = False
    #: An off-hook agent has just gone on the line; see `is_settling`.
    just_logged_in: bool = False
    login_asked_at: datetime | None = None
    attempt_id: str | None = None
    #: Set when the call ended; kept until Asterisk has lifted the pause.
    wrap_up_until: datetime | None = None
    #: The attempt that an agent was reserved for before it is dialled.
    reserved_for: str | None = None
    #: The call that is being wrapped up.
    wrapping_id: str | None = None


@dataclass(frozen=True, slots=True)
class LogIn:
    pass


@dataclass(frozen=True, slots=True)
class LogOff:
    pass


@dataclass(frozen=True, slots=True)
class Join:
    queue: str


@dataclass(frozen=True, slots=True)
class Leave:
    queue: str


@dataclass(frozen=True, slots=True)
class Pause:
    reason: str


@dataclass(frozen=True, slots=True)
class Unpause:
    pass


@dataclass(frozen=True, slots=True)
class EndWrapUp:
    """In no queue any more: there is no pause to lift."""


Step = LogIn | LogOff | Join | Leave | Pause | Unpause | EndWrapUp


def state_of(seat: Seat) -> AgentState:
    """The one state that callers and pages see."""
    if seat.attempt_id:
        return AgentState.ON_CALL
    if not _is_reachable(seat):
        return AgentState.OFFLINE
    if seat.wrap_up_until:
        return AgentState.WRAP_UP
    if seat.agent.wanted_pause is not None:
        return AgentState.PAUSED
    if seat.reserved_for is not None or is_settling(seat):
        return AgentState.RESERVED
    return _state_of_phone(seat)


def is_settling(seat: Seat) -> bool:
    """Logged in, but Asterisk keeps an agent unavailable for 5 s after AgentLogin."""
    is_away = any(seen.device is Device.UNAVAILABLE for seen in seat.queues.values())
    return seat.on_line and seat.just_logged_in and is_away


def can_be_reserved(seat: Seat) -> bool:
    """Free, but for the pause of a reservation that an earlier engine made."""
    members = seat.queues.items()
    if any(seen.paused and seen.pause_reason != RESERVED for _, seen in members):
        return False
    queues = {queue: replace(seen, paused=False) for queue, seen in members}
    return state_of(replace(seat, queues=queues)) is AgentState.AVAILABLE


def offered_again(seat: Seat, attempt_id: str) -> Seat | None:
    """The seat of the agent whom an earlier engine made this offer; None where it is not free.

    The agent was free then: whatever shows of the call before, or of its wrap-up, had no time to
    be noted as over.
    """
    rested = replace(seat, attempt_id=None, wrap_up_until=None, reserved_for=None)
    ours = (RESERVED, WRAP_UP)
    queues = {
        queue: replace(seen, paused=seen.paused and seen.pause_reason not in ours)
        for queue, seen in seat.queues.items()
    }
    if state_of(replace(rested, queues=queues)) is not AgentState.AVAILABLE:
        return None
    return replace(rested, reserved_for=attempt_id)


def plan(seat: Seat, queues: Set[str], now: datetime) -> list[Step]:
    """What to tell Asterisk so that the seat becomes what was asked for.

    `queues` are those of the agent's campaigns that can have calls. An agent in a conversation
    or in wrap-up keeps the queues: leaving them would drop the pause.
    """
    if not seat.agent.wanted_in:
        return _log_off(seat)
    steps: list[Step] = []
    if seat.agent.mode == "off_hook" and not _is_on_line(seat, now):
        steps += _log_in(seat, now)
    steps += [Join(queue) for queue in sorted(queues - seat.queues.keys())]
    if not seat.attempt_id:
        steps += [Leave(queue) for queue in sorted(seat.queues.keys() - queues)]
        steps += _pause_steps(seat, queues, now)
    return steps


def _is_reachable(seat: Seat) -> bool:
    agent = seat.agent
    if not agent.wanted_in or (agent.mode == "off_hook" and not seat.on_line):
        return False
    is_there = all(seen.device is not Device.UNAVAILABLE for seen in seat.queues.values())
    return is_there or is_settling(seat)


def _state_of_phone(seat: Seat) -> AgentState:
    devices = {seen.device for seen in seat.queues.values()}
    if Device.RINGING in devices:
        return AgentState.RINGING
    if Device.IN_USE in devices or _paused_as(seat, WRAP_UP):
        return AgentState.ON_CALL
    if any(seen.paused for seen in seat.queues.values()):
        return AgentState.PAUSED
    return AgentState.AVAILABLE


def _log_off(seat: Seat) -> list[Step]:
    if seat.attempt_id or seat.reserved_for:
        return []
    steps: list[Step] = [Leave(queue) for queue in sorted(seat.queues)]
    if seat.agent.mode == "off_hook" and seat.on_line:
        steps.append(LogOff())
    return steps


def _is_on_line(seat: Seat, now: datetime) -> bool:
    """A line that shows as unavailable for longer than a login takes is none, whatever we heard."""
    seen = seat.queues.values()
    gone = bool(seen) and all(each.device is Device.UNAVAILABLE for each in seen)
    return seat.on_line and not (gone and now - max(s.at for s in seen) >= LOGIN_RETRY)


def _log_in(seat: Seat, now: datetime) -> list[Step]:
    asked = seat.login_asked_at
    return [LogIn()] if asked is None or now - asked >= LOGIN_RETRY else []


def _pause_steps(seat: Seat, queues: Set[str], now: datetime) -> list[Step]:
    if seat.wrap_up_until and now < seat.wrap_up_until:
        return []
    if not seat.queues.keys() & queues:
        return [EndWrapUp()] if seat.wrap_up_until else []
    wanted = seat.agent.wanted_pause
    if wanted is not None:
        return [] if _paused_as(seat, wanted) and not seat.wrap_up_until else [Pause(wanted)]
    if seat.reserved_for is not None:
        return [] if _paused_as(seat, RESERVED) else [Pause(RESERVED)]
    if seat.wrap_up_until:
        return [Unpause()]
    paused = [seen for seen in seat.queues.values() if seen.paused]
    if not paused or any(_may_belong_to_a_call(seen, now) for seen in paused):
        return []
    return [Unpause()]


def _paused_as(seat: Seat, reason: str) -> bool:
    """Paused in every queue, and for this reason."""
    seen = seat.queues.values()
    return bool(seen) and all(each.paused and each.pause_reason == reason for each in seen)


def _may_belong_to_a_call(seen: AgentSeen, now: datetime) -> bool:
    is_wrap_up = seen.pause_reason == WRAP_UP
    return is_wrap_up and (seen.device is Device.IN_USE or now - seen.at < STRAY_WRAP_UP)
