"""One dial of a contact: what is known while it lives, and the record that stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.core.outcome import Outcome
from engine.core.redial import History


class AttemptStage(StrEnum):
    """How far a live attempt has come in the store."""

    CLAIMED = "claimed"  # nothing was sent: may be given back
    SENT = "sent"  # marked before the originate: only Asterisk can say what became of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A contact that is ours to dial until the lease ends."""

    attempt_id: str
    contact_id: int
    phone: str
    name: str
    external_id: str | None
    hours_class: str
    #: 1 for the first dial of the contact.
    number: int
    #: The contact's ended attempts before this one.
    history: History
    #: Whom limits per person count; empty: nobody is named.
    person_key: str = ""
    #: The campaign's calling list that the contact is in.
    list_id: int = 0
    #: A callback that this agent is to make, and the instant that was agreed on.
    agent_id: int | None = None
    callback_at: datetime | None = None
    #: What the calls before showed, where redials are to show the same.
    caller_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAttempt:
    """An attempt that is not settled, as the store has it."""

    attempt_id: str
    contact_id: int
    phone: str
    number: int
    stage: AttemptStage
    claimed_at: datetime
    sent_at: datetime | None
    lease_until: datetime
    caller_id: str
    trunk: str
    node: str
    #: Epoch of the leader that claimed it.
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """A call detail record. Fields and meaning are contract of the HTTP API.

    `rev` 0 is the record of the call; a higher one replaces it (an unknown fate became known, a
    disposition was added).
    """

    attempt_id: str
    campaign_id: int
    contact_id: int
    external_id: str | None = None
    number: int
    phone: str
    caller_id: str
    trunk: str
    node: str
    started_at: datetime
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    #: Known where machine detection heard a person.
    greeting_end_at: datetime | None = None
    bridged_at: datetime | None = None
    ended_at: datetime
    ring_s: float | None = None
    talk_s: float | None = None
    outcome: Outcome
    disposition: str | None = None
    cause: int | None = None
    tech_cause: str | None = None
    amd: str | None = None
    #: human, machine or unknown; None: nobody is known to have answered.
    answered_by: str | None = None
    abandoned: bool = False
    message_played: bool = False
    agent_id: int | None = None
    recording: str | None = None
    next_dial_at: datetime | None = None
    rev: int = 0
    zones: tuple[str, ...] = ()
    #: Version of the campaign's settings that the call was placed under.
    rules: str = ""
    person_key: str = ""
    seller: str = ""
    purpose: str = ""
    call_kind: str = "outbound"
    consumer_or_business: str = ""
