"""A person to be called by one campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from engine.core.outcome import Outcome


class ContactState(StrEnum):
    READY = "ready"  # may be claimed as soon as its hours are open
    SCHEDULED = "scheduled"  # a redial or callback waits for its instant
    INACTIVE = "inactive"  # set aside by hand, until it is set active again
    IN_FLIGHT = "in_flight"  # one live attempt, never two
    WRAP_UP = "wrap_up"  # bridged and ended; a disposition may still come
    DONE = "done"
    WITHDRAWN = "withdrawn"


#: States in which no dial, redial or callback is possible any more.
COMPLETE = frozenset({ContactState.DONE, ContactState.WITHDRAWN})


DEFAULT_PRIORITY: Final = 500


class NewContact(NamedTuple):
    """A contact as it arrives, its phone already E.164 and its hours class known.

    A tuple, since an import makes a million of them: a frozen dataclass takes four times as long.
    """

    phone: str
    hours_class: str
    name: str = ""
    timezone: str | None = None
    #: 1 to 1000, lower is called first.
    priority: int = DEFAULT_PRIORITY
    external_id: str | None = None
    source: str | None = None
    url: str | None = None
    variables: Mapping[str, str] = MappingProxyType({})
    #: Phones besides `phone`, in the order in which they are tried.
    phones: tuple[str, ...] = ()
    #: Whom limits per person count; None: the external id.
    person_key: str | None = None
    #: State (US-FL) and postal code as given; what they mean is in `hours_class` already.
    region: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact as stored."""

    contact_id: int
    phone: str
    hours_class: str
    name: str
    timezone: str | None
    priority: int
    external_id: str | None
    source: str | None
    url: str | None
    variables: Mapping[str, str]
    state: ContactState
    #: Attempts that count towards max_attempts.
    n_attempts: int
    #: Attempts that a fault of our own trunk ended.
    n_trunk_faults: int
    #: Ended attempts by outcome.
    outcomes: Mapping[Outcome, int]
    #: The live attempt, while in flight.
    attempt_id: str | None
    next_dial_at: datetime | None
    last_outcome: Outcome | None
    #: Why it is done: answered, max_attempts, dnc, opted_out, no_redial, disposition, …
    done_reason: str | None
    #: Phones that wait for their turn, and those that are not in use.
    other_phones: tuple[str, ...] = ()
    dropped_phones: tuple[str, ...] = ()
    person_key: str | None = None
    #: The agent who is to make the callback.
    callback_agent_id: int | None = None
    #: When that callback was agreed on.
    callback_at: datetime | None = None
    #: What its calls showed, where redials are to show the same.
    caller_id: str | None = None
    #: The last dial, where nobody was talked to and no callback was agreed on.
    fruitless_at: datetime | None = None
    #: How often each disposition has had another dial follow.
    dispositions: Mapping[str, int] = field(default_factory=dict)
    is_active: bool = True
    #: The campaign's calling list that it came with: 0, or the number of an import or a connector.
    list_id: int = 0
    region: str | None = None
    postal_code: str | None = None
