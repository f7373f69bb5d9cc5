"""AMI events into events of the core. Total: what it does not understand is None, never an error.

Instants are Asterisk's: the dialplan's own stamp, else the event's Timestamp header
(`timestampevents = yes`), else the given `now`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from engine.core.call_events import (
    AgentLoggedIn,
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    AmdDecided,
    Answered,
    Connected,
    HungUp,
    KeyPressed,
    MessageStarted,
    OptedOut,
    PromptPlayed,
    PromptStarted,
    Recorded,
    Responded,
    Ringing,
    TelephonyEvent,
)
from engine.core.ids import campaign_of
from telephony.agents import device, extension_of
from telephony.records import instant, number, parse_record, sip_status
from telephony.wire import Block

Translator = Callable[[Block, str, datetime], TelephonyEvent | None]

_NO_UNIQUEID = frozenset({"", "<null>", "<unknown>"})


def translate(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    """None for what does not concern us: other channels, members of others, unknown events."""
    translator = _BY_EVENT.get(headers["Event"])
    return None if translator is None else translator(headers, node, now)


def stamp(headers: Block, now: datetime) -> datetime:
    """The event's own instant, as far as it has one."""
    try:
        return datetime.fromtimestamp(float(headers["Timestamp"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return now


def agent_seen(
    headers: Block, node: str, at: datetime, interface: str = "Interface"
) -> AgentSeen | None:
    """A member as events and QueueStatus show it; the latter calls the interface Location."""
    extension = extension_of(headers.get(interface, ""))
    if extension is None:
        return None
    return AgentSeen(
        node=node,
        extension=extension,
        queue=headers.get("Queue", ""),
        device=device(headers.get("Status", "")),
        paused=headers.get("Paused") == "1",
        pause_reason=headers.get("PausedReason", ""),
        at=at,
    )


def _dial_state(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    attempt_id = headers.get("DestUniqueid", "")
    if headers.get("DialStatus") not in ("RINGING", "PROGRESS") or campaign_of(attempt_id) is None:
        return None
    return Ringing(attempt_id, stamp(headers, now))


def _originate_response(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    attempt_id = headers.get("ActionID", "")
    if campaign_of(attempt_id) is None:
        return None
    made_channel = headers.get("Uniqueid", "") not in _NO_UNIQUEID
    reason = number(headers.get("Reason", "")) or 0
    return Responded(attempt_id, stamp(headers, now), reason, made_channel)


def _hangup(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    attempt_id = headers.get("Uniqueid", "")
    if campaign_of(attempt_id) is None:
        return None
    cause = number(headers.get("Cause", ""))
    return HungUp(attempt_id, stamp(headers, now), cause, sip_status(headers.get("TechCause", "")))


def _agent_connect(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    attempt_id = headers.get("Uniqueid", "")
    extension = extension_of(headers.get("Interface", ""))
    if campaign_of(attempt_id) is None or extension is None:
        return None
    return Connected(attempt_id, stamp(headers, now), extension)


def _user_event(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    attempt_id = headers.get("Attempt", "")
    if campaign_of(attempt_id) is None:
        return None
    at = instant(headers.get("At", "")) or stamp(headers, now)
    return _of_prompt(attempt_id, at, headers) or _of_call(attempt_id, at, headers)


def _of_prompt(attempt_id: str, at: datetime, headers: Block) -> TelephonyEvent | None:
    """Of a campaign without agents."""
    match headers.get("UserEvent"):
        case "DialerPrompt":
            return PromptStarted(attempt_id, at)
        case "DialerPromptPlayed":
            return PromptPlayed(attempt_id, at)
        case "DialerKey":
            return KeyPressed(attempt_id, at, headers.get("Key", "")[:1])
    return None


def _of_call(attempt_id: str, at: datetime, headers: Block) -> TelephonyEvent | None:
    match headers.get("UserEvent"):
        case "DialerEnd":
            record = parse_record(headers.get("Result", ""))
            return None if record is None else Recorded(attempt_id, record.ended_at, record)
        case "DialerAnswered":
            return Answered(attempt_id, at)
        case "DialerConnected":
            return Connected(attempt_id, at, headers.get("Agent", ""))
        case "DialerAmd":
            return AmdDecided(attempt_id, at, headers.get("Status", ""))
        case "DialerMessage":
            return MessageStarted(attempt_id, at)
        case "DialerOptOut":
            return OptedOut(attempt_id, at)
    return None


def _member(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    return agent_seen(headers, node, stamp(headers, now))


def _member_removed(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    extension = extension_of(headers.get("Interface", ""))
    if extension is None:
        return None
    return AgentRemoved(node, extension, headers.get("Queue", ""), stamp(headers, now))


def _logged_in(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    return AgentLoggedIn(node, headers.get("Agent", ""), stamp(headers, now))


def _logged_off(headers: Block, node: str, now: datetime) -> TelephonyEvent | None:
    return AgentLoggedOff(node, headers.get("Agent", ""), stamp(headers, now))


_BY_EVENT: dict[str, Translator] = {
    "UserEvent": _user_event,
    "Hangup": _hangup,
    "OriginateResponse": _originate_response,
    "DialState": _dial_state,
    "AgentConnect": _agent_connect,
    "QueueMemberStatus": _member,
    "QueueMemberPause": _member,
    "QueueMemberAdded": _member,
    "QueueMemberRemoved": _member_removed,
    "AgentLogin": _logged_in,
    "AgentLogoff": _logged_off,
}
#: Names of the events that are worth reading at all.
WANTED = frozenset(_BY_EVENT)
