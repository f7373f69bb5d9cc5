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
    KeyPressed,
    MessageStarted,
    OptedOut,
    PromptPlayed,
    PromptStarted,
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
#: Causes with which a conversation ends as well.
NORMAL_CLEARING = frozenset({None, 0, 16})
#: Stages of a call without agents, and the one in which its message could not be played.
PROMPT_STAGES = frozenset({"prompt", "prompt-played", "transfer"})
NO_MESSAGE = "no-message"
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
    #: The message of a campaign without agents, its end, and the keys that were pressed.
    prompt_at: datetime | None = None
    prompt_end_at: datetime | None = None
    keys: tuple[tuple[datetime, str], ...] = ()
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
        """True also when the answer itself was not seen, only what follows it."""
        prompted = (self.prompt_at, self.prompt_end_at)
        instants = (self.answered_at, self.connected_at, self.message_at, *prompted)
        facts = (
            self.opted_out
            or bool(self.keys)
            or self.amd is not None
            or self.response == REASON_ANSWERED
        )
        return facts or any(at is not None for at in instants)

    @property
    def was_seen(self) -> bool:
        """True when some event shows that the call had a channel."""
        traces = (self.ringing_at, self.response, self.cause, self.sip)
        return self.is_answered or any(trace is not None for trace in traces)

    @property
    def never_began(self) -> bool:
        """True when no channel was made. A second order under an id that lives says so as well,
        so any trace of a channel overrules it.
        """
        return self.no_channel and not self.was_seen

    @property
    def is_over(self) -> bool:
        """True when nothing more will come and the outcome can be told."""
        return (
            self.record is not None
            or self.fate is not None
            or self.never_began
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
    keys: str = ""
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
            return _connected(state, event)
        case MessageStarted():
            return replace(state, message_at=_earliest(state.message_at, event.at))
        case PromptStarted() | PromptPlayed() | KeyPressed():
            return _apply_prompt(state, event)
    return _apply_end(state, event)


def _apply_prompt(state: CallState, event: PromptStarted | PromptPlayed | KeyPressed) -> CallState:
    match event:
        case PromptStarted():
            return replace(state, prompt_at=_earliest(state.prompt_at, event.at))
        case PromptPlayed():
            return replace(state, prompt_end_at=_earliest(state.prompt_end_at, event.at))
        case KeyPressed():
            return replace(state, keys=tuple(sorted({*state.keys, (event.at, event.key)})))


def _connected(state: CallState, event: Connected) -> CallState:
    """The first agent counts; recovery may know that there is one before it knows who."""
    if state.connected_at is not None and state.connected_at <= event.at:
        return replace(state, agent=state.agent or event.agent)
    return replace(state, connected_at=event.at, agent=event.agent or state.agent)


def _apply_end(state: CallState, event: CallEvent) -> CallState:
    match event:
        case OptedOut():
            return replace(state, opted_out=True)
        case Responded(made_channel=False):
            return replace(state, no_channel=True)
        case Responded():
            return replace(state, response=max(state.response or 0, event.reason))
        case HungUp():
            if state.hung_up_at is not None and state.hung_up_at <= event.at:
                return state
            return replace(state, hung_up_at=event.at, cause=event.cause, sip=event.sip)
        case Recorded():
            return replace(state, record=event.record, opted_out=_opted_out(state, event.record))
        case RecordLost():
            return replace(state, record_lost=True)
        case Vanished():
            # Doubt stays: only a record can remove it.
            fate = Fate.UNKNOWN if state.fate is Fate.UNKNOWN else event.fate
            return replace(state, fate=fate)
    return state


def ended(state: CallState, now: datetime) -> Ended | None:
    """How the call ended, once that can be told; None before.

    `now` stands in for an end that nobody saw.
    """
    if state.record is not None:
        return _from_record(state.record, state)
    if state.never_began:
        return Ended(outcome=Outcome.FAILED, trunk_fault=True, ended_at=state.hung_up_at or now)
    if state.fate is Fate.NEVER_LEFT and not state.was_seen:
        return Ended(outcome=None, trunk_fault=False, ended_at=now)
    return _from_events(state, now) if state.is_over else None


def _from_record(record: HangupRecord, state: CallState) -> Ended:
    outcome = _outcome_of_record(record)
    return Ended(
        outcome=outcome,
        # A message that cannot be played is our own fault, like that of a trunk: it must not use
        # up a list.
        trunk_fault=record.trunk_silent
        or record.stage == NO_MESSAGE
        or _is_fault(outcome, record.cause, record.sip),
        ended_at=record.ended_at,
        answered_at=record.answered_at,
        connected_at=record.connected_at,
        agent=record.agent,
        message_at=record.message_at,
        message_end_at=record.message_end_at,
        keys=record.keys,
        opted_out=state.opted_out,
        amd=record.amd,
        greeting_end_at=record.greeting_end_at,
        cause=record.cause,
        tech_cause=record.tech_cause,
    )


def _from_events(state: CallState, now: datetime) -> Ended:
    outcome = _outcome_of_events(state)
    return Ended(
        outcome=outcome,
        trunk_fault=_is_fault(outcome, state.cause, state.sip),
        ended_at=state.hung_up_at or now,
        answered_at=state.answered_at,
        connected_at=state.connected_at,
        agent=state.agent,
        message_at=state.message_at or state.prompt_at,
        message_end_at=state.prompt_end_at,
        keys="".join(key for _, key in state.keys),
        opted_out=state.opted_out,
        amd=state.amd,
        cause=state.cause,
        tech_cause=f"SIP {state.sip}" if state.sip else None,
    )


def _outcome_of_record(record: HangupRecord) -> Outcome:
    prompted = record.stage in PROMPT_STAGES
    message_at = None if prompted else record.message_at
    reached = _reached(record.connected_at, message_at, record.amd)
    if reached is not None:
        return reached
    if prompted and (record.keys or record.message_end_at or record.stage == "transfer"):
        return Outcome.MESSAGE_PLAYED
    if record.stage == NO_MESSAGE:
        return Outcome.FAILED
    if record.answered_at is not None:
        return _left_alone(record.cause, prompted)
    if record.trunk_silent:
        return Outcome.FAILED
    return _unanswered(record.cause, record.sip, record.timed_out, record.rang)


def _outcome_of_events(state: CallState) -> Outcome:
    """What was seen holds; what would follow only from events that may be lost is unknown."""
    reached = _reached(state.connected_at, state.message_at, state.amd)
    if reached is not None:
        return reached
    if state.keys or state.prompt_end_at:
        return Outcome.MESSAGE_PLAYED
    if state.hung_up_at is None or _says_nothing(state):
        return Outcome.UNKNOWN
    if state.is_answered:
        prompted = state.prompt_at is not None
        return _left_alone(state.cause, prompted) if state.record_lost else Outcome.UNKNOWN
    timed_out = state.response == REASON_TIMEOUT
    return _unanswered(state.cause, state.sip, timed_out, state.ringing_at is not None)


def _left_alone(cause: int | None, prompted: bool) -> Outcome:
    """Answered, and nothing came of it: the person left, or our hang-up for a Stop met the answer,
    which the person cannot tell from an abandoned call."""
    cut = cause == CAUSE_CANCELLED and not prompted
    return Outcome.ABANDONED if cut else Outcome.HUNG_UP_EARLY


def _reached(
    connected_at: datetime | None, message_at: datetime | None, amd: str | None
) -> Outcome | None:
    if connected_at is not None:
        return Outcome.ANSWERED
    if amd == "MACHINE":
        return Outcome.MACHINE
    return Outcome.ABANDONED if message_at is not None else None


def _says_nothing(state: CallState) -> bool:
    """A normal clearing without Asterisk's response: it may have been answered, unseen by us."""
    is_bare = state.cause in NORMAL_CLEARING and state.sip is None and state.response is None
    return is_bare and not state.is_answered


def _is_fault(outcome: Outcome, cause: int | None, sip: int | None) -> bool:
    return outcome is Outcome.FAILED and is_trunk_fault(cause, sip)


def _unanswered(cause: int | None, sip: int | None, timed_out: bool, rang: bool) -> Outcome:
    if cause == CAUSE_CANCELLED:
        return Outcome.CANCELLED
    return outcome_of_unanswered(cause, sip, timed_out=timed_out, rang=rang)


def _opted_out(state: CallState, record: HangupRecord) -> bool:
    return state.opted_out or record.opted_out


def _earliest(known: datetime | None, seen: datetime) -> datetime:
    return seen if known is None or seen < known else known
