"""What telephony saw of one attempt, from SIP answer codes and Q.850 causes."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt ended. The order is the one in which reports show them."""

    ANSWERED = "answered"  # bridged to an agent
    MESSAGE_PLAYED = "message_played"  # without agents: heard to its end, or answered by a key
    ABANDONED = "abandoned"  # a person answered, no agent in time, the message was played
    MACHINE = "machine"
    FAX = "fax"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    FAILED = "failed"  # network, congestion or trunk
    HUNG_UP_EARLY = "hung_up_early"  # the person left before an agent, inside the wait limit
    CANCELLED = "cancelled"  # we hung up
    UNKNOWN = "unknown"  # sent, and its fate can no longer be known


#: Refusals of our own trunk, not of the callee (RFC 3261 §21.4.2, §21.4.8, §21.4.26, §21.5):
#: the attempt is not held against the contact.
TRUNK_FAULT_SIP = frozenset({401, 407, 488, *range(500, 600)})

#: Final SIP answers whose meaning Q.850 cause 21 or 19 would blur.
#: 483 is a loop between networks (RFC 3261 §21.4.21).
#: 603 RFC 3261 §21.6.2, 607 RFC 8197, 608 RFC 8688.
_BY_SIP = {
    486: Outcome.BUSY,
    600: Outcome.BUSY,
    603: Outcome.REJECTED,
    607: Outcome.REJECTED,
    608: Outcome.REJECTED,
    403: Outcome.REJECTED,
    483: Outcome.FAILED,
    404: Outcome.INVALID_NUMBER,
    410: Outcome.INVALID_NUMBER,
    484: Outcome.INVALID_NUMBER,
    604: Outcome.INVALID_NUMBER,
}

#: ITU-T Q.850 causes, used where no SIP code is known.
_BY_CAUSE = {
    1: Outcome.INVALID_NUMBER,
    17: Outcome.BUSY,
    18: Outcome.NO_ANSWER,
    19: Outcome.NO_ANSWER,
    20: Outcome.FAILED,
    21: Outcome.REJECTED,
    22: Outcome.INVALID_NUMBER,
    28: Outcome.INVALID_NUMBER,
}

#: "Temporarily unavailable" and "request timeout": what a network says both when its own
#: no-answer timer runs out and when the phone cannot be reached. Whether it rang tells.
_UNAVAILABLE_SIP = frozenset({408, 480})


def is_trunk_fault(cause: int | None, sip: int | None) -> bool:
    """True when our own trunk refused the call; such an attempt does not count.

    With a SIP code that code decides. Without one only Q.850 causes that name equipment do
    (34 no circuit, 38 network out of order, 42 switching congestion).
    """
    if sip is not None:
        return sip in TRUNK_FAULT_SIP
    return cause in {34, 38, 42}


def outcome_of_unanswered(
    cause: int | None, sip: int | None, *, timed_out: bool, rang: bool
) -> Outcome:
    """The outcome of a call that nobody answered.

    `timed_out`: our own ring timeout ended it. `rang`: a 180 or 183 was seen.
    """
    if timed_out:
        return Outcome.NO_ANSWER
    if sip in _UNAVAILABLE_SIP:
        return Outcome.NO_ANSWER if rang else Outcome.FAILED
    if sip is not None and sip in _BY_SIP:
        return _BY_SIP[sip]
    if is_trunk_fault(cause, sip):
        return Outcome.FAILED
    return _BY_CAUSE.get(cause or 0, Outcome.FAILED)
