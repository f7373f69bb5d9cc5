"""What telephony tells about calls, agents and its own link: events, in the past tense.

Instants come from Asterisk's clock. Events of one call may arrive in any order, and any may be
lost; the hangup record is written by Asterisk itself and can be read again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class HangupRecord:
    """What Asterisk wrote down when the customer's channel ended."""

    #: How far the call came: "", amd, wait, connected, message, message-played, machine,
    #: machine-message; without agents prompt, prompt-played, transfer, no-message.
    stage: str
    cause: int | None
    #: Final SIP status where one was received, such as 486.
    sip: int | None
    #: True when our own ring timeout ended it.
    timed_out: bool
    rang: bool
    answered_at: datetime | None
    connected_at: datetime | None
    message_at: datetime | None
    message_end_at: datetime | None
    ended_at: datetime
    #: Extension of the agent, when connected.
    agent: str | None
    amd: str | None
    greeting_end_at: datetime | None
    opted_out: bool
    #: The technology's own words, such as `SIP 486 Busy Here`.
    tech_cause: str | None
    #: Whom the call was for: enough to know the attempt where Redis has lost it.
    contact_id: int | None = None
    phone: str | None = None
    #: Pressed during the message of a campaign without agents, in order.
    keys: str = ""
    #: Not one answer came back from the trunk: it is dead, whatever the callee would have done.
    trunk_silent: bool = False


class Fate(StrEnum):
    """What recovery found out about a call of which nothing lives and no record exists."""

    NEVER_LEFT = "never_left"  # it was not placed: nothing happened to the contact
    UNKNOWN = "unknown"  # it may have been placed


@dataclass(frozen=True, slots=True)
class CallEvent:
    attempt_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ringing(CallEvent):
    pass


@dataclass(frozen=True, slots=True)
class Responded(CallEvent):
    """Asterisk's answer to the originate. Reason: 0 failed, 3 no answer in time, 4 answered."""

    reason: int
    #: False when no channel was made: unknown trunk, or the id is in use.
    made_channel: bool = True


@dataclass(frozen=True, slots=True)
class Answered(CallEvent):
    pass


@dataclass(frozen=True, slots=True)
class AmdDecided(CallEvent):
    verdict: str


@dataclass(frozen=True, slots=True)
class Connected(CallEvent):
    """Bridged to an agent, named by extension."""

    agent: str


@dataclass(frozen=True, slots=True)
class MessageStarted(CallEvent):
    pass


@dataclass(frozen=True, slots=True)
class PromptStarted(CallEvent):
    """The message of a campaign without agents; it may begin again."""


@dataclass(frozen=True, slots=True)
class PromptPlayed(CallEvent):
    """It was heard to its end."""


@dataclass(frozen=True, slots=True)
class KeyPressed(CallEvent):
    key: str


@dataclass(frozen=True, slots=True)
class OptedOut(CallEvent):
    pass


@dataclass(frozen=True, slots=True)
class HungUp(CallEvent):
    cause: int | None
    sip: int | None


@dataclass(frozen=True, slots=True)
class Recorded(CallEvent):
    """The hangup record: by event, late, or read back at recovery."""

    record: HangupRecord


@dataclass(frozen=True, slots=True)
class RecordLost(CallEvent):
    """The call is over, the record was asked for, and there is none."""


@dataclass(frozen=True, slots=True)
class Vanished(CallEvent):
    """Recovery: the call does not live and left no record."""

    fate: Fate


class Device(StrEnum):
    """State of an agent's phone or line, as the queue sees it."""

    NOT_IN_USE = "not_in_use"
    IN_USE = "in_use"
    RINGING = "ringing"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class AgentSeen:
    """A queue member as Asterisk has it; one agent appears once for each queue."""

    node: str
    extension: str
    queue: str
    device: Device
    paused: bool
    pause_reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AgentRemoved:
    """The agent is no longer a member of this queue."""

    node: str
    extension: str
    queue: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AgentLoggedIn:
    """An off-hook agent is on the line."""

    node: str
    extension: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AgentLoggedOff:
    node: str
    extension: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The link is logged in and Asterisk fully booted. What happened meanwhile is not known."""

    node: str
    at: datetime
    pbx_started_at: datetime


@dataclass(frozen=True, slots=True)
class LinkLost:
    node: str
    at: datetime


AgentEvent = AgentSeen | AgentRemoved | AgentLoggedIn | AgentLoggedOff
TelephonyEvent = CallEvent | AgentEvent | LinkUp | LinkLost
