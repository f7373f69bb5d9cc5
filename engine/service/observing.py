"""What a foretelling pacing rule learns from: calls and seats, looked at before each decision.

Nothing is told twice and no other loop has to know: what changed since the last look is what was
seen. A call that came and went between two looks was of no concern to anybody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.core.agent import AgentState
from engine.core.call_events import Device
from engine.core.call_state import CallState
from engine.core.outcome import is_trunk_fault
from engine.core.pacing import Ages, Kind, Seen
from engine.core.pacing.classes import Known
from engine.core.seat import Seat, is_settling, state_of
from engine.service.calls import Call, Phase

UNANSWERED = (Phase.DIALING, Phase.RINGING)
#: An agent in these is taken; wrap-up and everything else come after.
AT_WORK = (AgentState.RESERVED, AgentState.RINGING, AgentState.ON_CALL)
MACHINE = "MACHINE"
#: Weight of one more pick-up in their running mean.
KEEP = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The part of a snapshot that only a foretelling rule asks for."""

    ringing_ages: Ages
    ringing_classes: Mapping[Known, Ages]
    placed: tuple[Known, ...]
    amd_ages: Ages
    talk_ages: Ages
    wrap_up_ages: Ages
    release_share: float
    pick_up_s: float
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Posture:
    """What an agent was seen doing, with which call, and since when (monotonic)."""

    state: AgentState
    attempt_id: str | None
    since_s: float

    @property
    def is_at_work(self) -> bool:
        return self.state in AT_WORK

    def goes_on(self, after: Posture) -> bool:
        """The same conversation, or the same rest."""
        if not (self.is_at_work and after.is_at_work):
            return self.state is after.state
        known = self.attempt_id and after.attempt_id
        return not known or self.attempt_id == after.attempt_id


@dataclass(slots=True)
class Watch:
    """One campaign's calls and the agents of its queue, as they were at the last look."""

    _open: dict[str, Call] = field(default_factory=dict)
    _known: frozenset[str] = frozenset()
    _seats: dict[int, Posture] = field(default_factory=dict)
    _pick_up_s: float = 0.0

    def look(
        self,
        calls: Iterable[Call],
        seats: Iterable[Seat],
        queues: Iterable[str],
        now: datetime,
        now_s: float,
    ) -> Sight:
        """`calls` of the campaign, `seats` of its queue; `queues` of all that dial now."""
        dialing = set(queues)
        here = {seat.agent.id: seat for seat in seats}
        calls, before = list(calls), self._known
        seen = [*self._calls_seen(calls, now), *self._seats_seen(here, now_s)]
        return Sight(
            ringing_ages=_ages(self._open, UNANSWERED, now),
            ringing_classes=_classes(self._open.values(), now),
            placed=tuple(call.of for call in calls if call.of and call.attempt_id not in before),
            amd_ages=_ages(self._open, (Phase.AMD,), now),
            talk_ages=self._ages_of_seats(AT_WORK, now_s),
            wrap_up_ages=self._ages_of_seats((AgentState.WRAP_UP,), now_s),
            release_share=_share(here.values(), dialing),
            pick_up_s=self._pick_up_s,
            seen=tuple(seen),
        )

    # ------------------------------------------------------------------------------ calls

    def _calls_seen(self, calls: Iterable[Call], now: datetime) -> list[Seen]:
        open_before, known_before = self._open, self._known
        here = {call.attempt_id: call for call in calls}
        self._known = frozenset(here)
        self._open = {attempt_id: call for attempt_id, call in here.items() if _is_open(call)}
        over = [open_before[each] for each in open_before.keys() - self._open.keys()]
        # Answered so fast that nobody saw it ring.
        over += [here[each] for each in here.keys() - self._open.keys() - known_before]
        return [seen for call in over for seen in _resolved(call, now)]

    # ------------------------------------------------------------------------------ seats

    def _seats_seen(self, here: Mapping[int, Seat], now_s: float) -> list[Seen]:
        seen: list[Seen] = []
        before, self._seats = self._seats, {}
        for agent_id, seat in here.items():
            after = Posture(_doing(seat), seat.attempt_id, now_s)
            was = before.pop(agent_id, after)
            self._learn_pick_up(was, after)
            if was.goes_on(after):
                known = after.attempt_id or was.attempt_id
                after = Posture(after.state, known, was.since_s)
            else:
                seen += _moved(was, after)
            self._seats[agent_id] = after
        for was in before.values():
            seen += _moved(was, Posture(AgentState.OFFLINE, None, now_s))
        return seen

    def _learn_pick_up(self, was: Posture, after: Posture) -> None:
        if was.state is AgentState.RINGING and after.state is AgentState.ON_CALL:
            self._pick_up_s += KEEP * (after.since_s - was.since_s - self._pick_up_s)

    def _ages_of_seats(self, states: Iterable[AgentState], now_s: float) -> Ages:
        wanted = set(states)
        postures = self._seats.values()
        return Counter(int(now_s - each.since_s) for each in postures if each.state in wanted)


def _doing(seat: Seat) -> AgentState:
    """As everybody sees it, but for a pause that Asterisk lifts a moment after the wrap-up, and
    for who has just logged in and gets no call yet."""
    if is_settling(seat):
        return AgentState.OFFLINE
    state = state_of(seat)
    is_talking = seat.attempt_id or any(q.device is Device.IN_USE for q in seat.queues.values())
    return AgentState.WRAP_UP if state is AgentState.ON_CALL and not is_talking else state


def _moved(was: Posture, after: Posture) -> list[Seen]:
    """What an agent's change of state tells."""
    seconds = after.since_s - was.since_s
    stays = after.state is AgentState.AVAILABLE or after.is_at_work
    ready = Kind.WRAP_UP if stays else Kind.LEFT_AFTER
    match was.state:
        case AgentState.ON_CALL:
            talk = Seen(Kind.TALK, seconds)
            if was.attempt_id is None:
                # None of ours, such as an inbound one: it took an agent who was counted on.
                return [talk, Seen(Kind.LEFT)]
            rests = after.state is AgentState.WRAP_UP
            return [talk] if rests else [talk, Seen(ready)]
        case AgentState.WRAP_UP:
            return [Seen(ready, seconds)]
        case AgentState.AVAILABLE if not stays:
            return [Seen(Kind.LEFT)]
    return []


def _is_open(call: Call) -> bool:
    """May still come to need an agent. A judged machine shows as waiting until it is gone."""
    return call.phase in UNANSWERED or call.phase is Phase.AMD


def _resolved(call: Call, now: datetime) -> list[Seen]:
    """What became of a call that is open no longer. A fault of our own trunk says nothing of
    people: learned as people who do not answer, it would let calls go out by the dozen when the
    trunk is back."""
    state = call.state
    if not state.is_answered and _is_trunk_fault(state):
        return []
    came = state.connected_at or state.message_at
    is_person = state.amd != MACHINE and (came is not None or state.answered_at is not None)
    end = state.hung_up_at or now
    if is_person and not call.amd:
        end = state.answered_at or came or end
    kind = Kind.PERSON if is_person else Kind.NO_PERSON
    seen = [Seen(kind, _s(call.started_at, end), call.of)]
    if call.amd and state.answered_at:
        kind = Kind.JUDGED_PERSON if is_person else Kind.JUDGED_MACHINE
        seen.append(Seen(kind, _s(state.answered_at, end)))
    return seen


def _is_trunk_fault(state: CallState) -> bool:
    record = state.record
    if record is None:
        return state.never_began or is_trunk_fault(state.cause, state.sip)
    return record.trunk_silent or is_trunk_fault(record.cause, record.sip)


def _ages(calls: Mapping[str, Call], phases: Iterable[Phase], now: datetime) -> Ages:
    """In AMD counted from the answer, else from the order."""
    wanted = set(phases)
    return Counter(int(_s(_since(call), now)) for call in calls.values() if call.phase in wanted)


def _classes(calls: Iterable[Call], now: datetime) -> Mapping[Known, Ages]:
    found = defaultdict[Known, Counter[int]](Counter)
    for call in calls:
        if call.phase in UNANSWERED:
            found[call.of][int(_s(call.started_at, now))] += 1
    return found


def _since(call: Call) -> datetime:
    answered_at = call.state.answered_at if call.phase is Phase.AMD else None
    return answered_at or call.started_at


def _share(seats: Iterable[Seat], dialing: set[str]) -> float:
    """Agents of several campaigns that dial now are divided among them."""
    parts = [1 / max(1, len(dialing & seat.queues.keys())) for seat in seats]
    return sum(parts) / len(parts) if parts else 1.0


def _s(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
