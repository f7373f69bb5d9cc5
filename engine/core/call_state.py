"""One call as the facts known about it; the outcome follows from the facts, not from their order.

Applying an event only adds facts, and merging is commutative: instants keep the earliest, flags
stay set. Asterisk's own hangup record, once known, decides alone; the events decide only when the
record was asked for and is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from engine.core.call_events import (
    AmdDecided,
    Answered,
    CallEvent,
    Connected,
    Fate,
    HangupRecord,
    HungUp,
    MessageStarted,
    OptedOut,
    Recorded,
    RecordLost,
    Responded,
    Ringing,
    Vanished,
)
from engine.core.outcome import Outcome, is_trunk_fault, outcome_of_unanswered

#: Q.850 cause that we give when we hang up a call that nobody answered (26: non-selected user
#: clearing). No network sends it for an outbound leg, so the record tells whose doing it was.
CAUSE_CANCELLED = 26
REASON_TIMEOUT = 3
REASON_ANSWERED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """Facts about one attempt. None and False mean: not known to have happened."""

    attempt_id: str
    sent_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    agent: str | None = None
    message_at: datetime | None = None
    amd: str | None = None
    opted_out: bool = False
    response: int | None = None
    no_channel: bool = False
    hung_up_at: datetime | None = None
    cause: int | None = None
    sip: int | None = None
    record: HangupRecord | None = None
    record_lost: bool = False
    fate: Fate | None = None

    @property
    def is_answered(self) -> bool:
        return self.answered_at is not None or self.connected_at is not None

    @property
    def is_over(self) -> bool:
        """True when nothing more will come and the outcome can be told."""
        return (
            self.record is not None
            or self.fate is not None
            or self.no_channel
            or (self.hung_up_at is not None and self.record_lost)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An ended call, ready to be settled. `outcome` None: it never left, give the contact back."""

    outcome: Outcome | None
    trunk_fault: bool
    ended_at: datetime
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    agent: str | None = None
    message_at: datetime | None = None
    message_end_at: datetime | None = None
    opted_out: bool = False
    amd: str | None = None
    greeting_end_at: datetime | None = None
    cause: int | None = None
    tech_cause: str | None = None


def apply(state: CallState, event: CallEvent) -> CallState:
    """The state with the event's facts added."""
    match event:
        case Ringing():
            return replace(state, ringing_at=_earliest(state.ringing_at, event.at))
        case Answered():
            return replace(state, answered_at=_earliest(state.answered_at, event.at))
        case AmdDecided():
            return replace(state, amd=state.amd or event.verdict)
        case Connected():
            at = _earliest(state.connected_at, event.at)
            return replace(state, connected_at=at, agent=state.agent or event.agent)
        case MessageStarted():
            return replace(state, message_at=_earliest(state.message_at, event.at))
    return _apply_end(state, event)


def _apply_end(state: CallState, event: CallEvent) -> CallState:
    match event:
        case OptedOut():
            return replace(state, opted_out=True)
        case Responded():
            no_channel = state.no_channel or not event.made_channel
            return replace(state, response=event.reason, no_channel=no_channel)
        case HungUp():
            at = _earliest(state.hung_up_at, event.at)
            return replace(state, hung_up_at=at, cause=event.cause, sip=event.sip)
        case Recorded():
            return replace(state, record=event.record, opted_out=_opted_out(state, event.record))
        case RecordLost():
            return replace(state, record_lost=True)
        case Vanished():
            return replace(state, fate=event.fate)
    return state


def ended(state: CallState, now: datetime) -> Ended | None:
    """How the call ended, once that can be told; None before.

    `now` stands in for an end that nobody saw.
    """
    if state.record is not None:
        return _from_record(state.record, state)
    if state.hung_up_at is not None and state.record_lost:
        return _from_events(state)
    if state.no_channel:
        return Ended(outcome=Outcome.FAILED, trunk_fault=True, ended_at=state.hung_up_at or now)
    if state.fate is Fate.NEVER_LEFT:
        return Ended(outcome=None, trunk_fault=False, ended_at=now)
    if state.fate is Fate.UNKNOWN:
        return _unknown(state, now)
    return None


def _from_record(record: HangupRecord, state: CallState) -> Ended:
    answered = record.answered_at is not None or record.connected_at is not None
    outcome = _answered_outcome(
        connected=record.connected_at is not None,
        message=record.message_at is not None,
        amd=record.amd,
    )
    if not answered:
        outcome = _unanswered(record.cause, record.sip, record.timed_out, record.rang)
    return Ended(
        outcome=outcome,
        trunk_fault=not answered and is_trunk_fault(record.cause, record.sip),
        ended_at=record.ended_at,
        answered_at=record.answered_at,
        connected_at=record.connected_at,
        agent=record.agent,
        message_at=record.message_at,
        message_end_at=record.message_end_at,
        opted_out=state.opted_out,
        amd=record.amd,
        greeting_end_at=record.greeting_end_at,
        cause=record.cause,
        tech_cause=record.tech_cause,
    )


def _from_events(state: CallState) -> Ended:
    assert state.hung_up_at is not None
    answered = state.is_answered or state.response == REASON_ANSWERED
    outcome = _answered_outcome(
        connected=state.connected_at is not None,
        message=state.message_at is not None,
        amd=state.amd,
    )
    if not answered:
        timed_out = state.response == REASON_TIMEOUT
        outcome = _unanswered(state.cause, state.sip, timed_out, state.ringing_at is not None)
    return Ended(
        outcome=outcome,
        trunk_fault=not answered and is_trunk_fault(state.cause, state.sip),
        ended_at=state.hung_up_at,
        answered_at=state.answered_at,
        connected_at=state.connected_at,
        agent=state.agent,
        message_at=state.message_at,
        opted_out=state.opted_out,
        amd=state.amd,
        cause=state.cause,
        tech_cause=f"SIP {state.sip}" if state.sip else None,
    )


def _unknown(state: CallState, now: datetime) -> Ended:
    """A call that was seen to reach an agent was answered, whatever else is lost of it."""
    return Ended(
        outcome=Outcome.ANSWERED if state.connected_at else Outcome.UNKNOWN,
        trunk_fault=False,
        ended_at=state.hung_up_at or now,
        answered_at=state.answered_at,
        connected_at=state.connected_at,
        agent=state.agent,
        message_at=state.message_at,
        opted_out=state.opted_out,
        amd=state.amd,
    )


def _answered_outcome(*, connected: bool, message: bool, amd: str | None) -> Outcome:
    if connected:
        return Outcome.ANSWERED
    if amd == "MACHINE":
        return Outcome.MACHINE
    return Outcome.ABANDONED if message else Outcome.HUNG_UP_EARLY


def _unanswered(cause: int | None, sip: int | None, timed_out: bool, rang: bool) -> Outcome:
    if cause == CAUSE_CANCELLED:
        return Outcome.CANCELLED
    return outcome_of_unanswered(cause, sip, timed_out=timed_out, rang=rang)


def _opted_out(state: CallState, record: HangupRecord) -> bool:
    return state.opted_out or record.opted_out


def _earliest(known: datetime | None, seen: datetime) -> datetime:
    return seen if known is None or seen < known else known
