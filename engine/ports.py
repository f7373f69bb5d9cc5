"""What the loops of the engine need from the outside: telephony, a store, a clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from engine.core.agent import Agent, AgentState
from engine.core.attempt import AttemptRecord, Claim, LiveAttempt
from engine.core.call_events import AgentSeen, HangupRecord, TelephonyEvent
from engine.core.campaign import Campaign, Transition
from engine.core.contact import Contact
from engine.core.ledger_periods import Ledger
from engine.core.limits import Refusal
from engine.core.outcome import Outcome
from engine.core.pacing.teaching import Taught
from engine.core.preview import Offer
from engine.core.redial import History, Next
from engine.core.settings import LimitSettings

# ------------------------------------------------------------------------------ telephony


@dataclass(frozen=True, slots=True)
class CallbackWait:
    """Whom a callback of one agent waits for, how long at most, and when it is looked at again."""

    agents_there: frozenset[int]
    most: timedelta
    retry: timedelta


NO_WAIT = CallbackWait(frozenset(), timedelta(), timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The message of a campaign without agents, and its keys in place of a queue."""

    message: str
    #: Key to action: `confirm`, `repeat`, `optout`, `queue:NAME`, `goto:CONTEXT:EXTENSION`.
    keys: Mapping[str, str]
    wait_for_key_s: int = 5
    max_repeats: int = 3
    transfer_wait_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class DialOrder:
    """One call to place. `phone` and `caller_id` are E.164 with a plus."""

    attempt_id: str
    campaign_id: int
    contact_id: int
    phone: str
    caller_id: str
    trunk: str
    queue: str
    ring_timeout_s: int
    connect_deadline_s: int = 2
    connect_deadline_from: str = "answer"
    amd: bool = False
    message: str | None = None
    opt_out_key: str = "9"
    ringback: bool = False
    #: Extension and mode of the one agent who is to get the call; None: whoever the queue finds.
    agent: str | None = None
    agent_mode: str = "off_hook"
    #: No agents: the person hears this at once, and no queue.
    prompt: Prompt | None = None
    #: Left on an answering machine; None: it is hung up.
    machine_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A customer's channel that exists in Asterisk now."""

    attempt_id: str
    node: str
    is_up: bool
    created_at: datetime
    #: True when it is in a bridge (with an agent).
    is_bridged: bool


class Telephony(Protocol):
    """Asterisk, one node or several. Every method has a deadline of its own.

    Raises LinkDown (nothing was sent), ActionRefused, ActionUnknown (may have happened).
    """

    def events(self) -> AsyncIterator[TelephonyEvent]:
        """All events, in the order in which Asterisk sent them. One consumer."""
        ...

    def is_up(self) -> bool: ...

    async def has_trunk(self, name: str) -> bool:
        """Asterisk knows an endpoint of this name to place calls through."""
        ...

    async def originate(self, order: DialOrder) -> None:
        """Returns when Asterisk accepted the order; its fate comes as events."""
        ...

    async def hang_up(self, attempt_id: str) -> None:
        """Hang up an unanswered call with CAUSE_CANCELLED; nothing happens if it is gone."""
        ...

    async def wake_caller(self, attempt_id: str) -> None:
        """Make the queue look for an agent at once for this waiting caller."""
        ...

    async def live_calls(self) -> Sequence[LiveCall]:
        """Every customer's channel of ours that exists now."""
        ...

    async def whom(self, attempt_id: str) -> tuple[int, str] | None:
        """Contact id and phone that a live channel was placed for; None when it is gone."""
        ...

    async def records(self) -> Mapping[str, HangupRecord]:
        """All hangup records that Asterisk still keeps, by attempt id."""
        ...

    async def acknowledge(self, attempt_ids: Sequence[str]) -> None:
        """The records of these attempts are settled: delete them."""
        ...

    async def members(self) -> Sequence[AgentSeen]:
        """Every queue member of ours, one entry for each queue it is in."""
        ...

    async def add_member(self, queue: str, agent: Agent) -> None:
        """Put the agent into the queue, paused; already there is fine."""
        ...

    async def remove_member(self, queue: str, agent: Agent) -> None:
        """Take the agent out of the queue; not there is fine."""
        ...

    async def pause(self, agent: Agent, reason: str) -> None:
        """No call is offered to the agent any more, in any queue."""
        ...

    async def unpause(self, agent: Agent) -> None: ...

    async def log_in(self, agent: Agent) -> None:
        """Call an off-hook agent's phone to put it on the line; its outcome comes as events."""
        ...

    async def log_off(self, agent: Agent) -> None:
        """Take an off-hook agent off the line, after the conversation if there is one."""
        ...


# ---------------------------------------------------------------------------------- store


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Proof of leadership: a higher epoch makes every lower one void."""

    owner: str
    epoch: int


class Heard(NamedTuple):
    """How a call to a number ended, and the person whom it was for, empty where none is known."""

    phone: str
    person: str
    outcome: Outcome


class Wanted(NamedTuple):
    """A number that an attempt asks for, and the person whose limits count, empty where none is.

    `hours_class` names states with limits of their own; `scopes` the do-not-call lists besides
    the one for all campaigns.
    """

    phone: str
    attempt_id: str
    person: str = ""
    hours_class: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The end of an attempt, to be made true in one step."""

    record: AttemptRecord
    #: None: the bridged contact waits for its disposition until `wrap_up_until`.
    next: Next | None
    wrap_up_until: datetime | None = None
    #: False when the attempt is not held against the contact.
    counts: bool = True
    trunk_fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapping:
    """A bridged attempt that waits for its disposition."""

    attempt_id: str
    contact_id: int
    agent_id: int | None
    until: datetime
    #: False when the attempt is not held against the contact.
    counts: bool = True


class Leadership(Protocol):
    async def acquire(self, owner: str, now: datetime, lease_s: float) -> Fence | None:
        """Become or stay leader; None while another's lease runs."""
        ...

    async def renew(self, fence: Fence, now: datetime, lease_s: float) -> bool: ...

    async def release(self, fence: Fence) -> None: ...


class Campaigns(Protocol):
    async def get(self, campaign_id: int) -> Campaign: ...

    async def open_ids(self) -> Sequence[int]:
        """Campaigns that are active or paused, and stopped ones that still have live attempts."""
        ...

    async def fence(self, campaign_id: int, fence: Fence) -> None:
        """From now on only this epoch or a higher one may claim and dial; else raises Fenced."""
        ...

    async def move(
        self, campaign_id: int, transition: Transition, actor: str, now: datetime
    ) -> Campaign:
        """Compare-and-set of the status, with its audit entry. Raises InvalidTransition."""
        ...

    async def complete_if_exhausted(self, campaign_id: int, now: datetime) -> bool:
        """active → completed when every contact is complete, nothing imports, and not Live."""
        ...

    async def assign_queue(self, campaign_id: int, queue: str) -> None:
        """The Asterisk queue that the campaign's answered people wait in; empty: none."""
        ...

    async def pool_queues_in_use(self) -> Mapping[str, int]:
        """Queue name to campaign id."""
        ...

    async def publish_live(self, campaign_id: int, figures: Mapping[str, object]) -> None:
        """Live figures (agents and calls by state, idle reasons), kept a few seconds."""
        ...

    async def publish_live_of(self, figures_of: Mapping[int, Mapping[str, object]]) -> None:
        """The same of several campaigns, in one round trip."""
        ...


class Calls(Protocol):
    """The life of a contact's attempts in one campaign; see engine/store/lua."""

    async def hours_classes(self, campaign_id: int) -> Sequence[str]:
        """Classes that have contacts waiting now."""
        ...

    async def ready_classes(self, campaign_id: int, now: datetime) -> Sequence[str]:
        """Classes with contacts that only their hours keep back: ready, or due by now."""
        ...

    async def claim(
        self,
        campaign_id: int,
        fence: Fence,
        attempt_ids: Sequence[str],
        open_classes: Sequence[str],
        now: datetime,
        lease_s: float,
        *,
        order: str = "redials_first",
        callbacks: CallbackWait = NO_WAIT,
    ) -> Sequence[Claim]:
        """Up to len(attempt_ids) contacts; due redials are among them. Empty unless active.

        `order`: as of ListSettings.
        """
        ...

    async def redial_lists(self, campaign_id: int) -> Sequence[str]:
        """Names of the lists in which contacts wait that have been dialled."""
        ...

    async def histories(
        self, campaign_id: int, waits_in: str, start: int, n: int
    ) -> Sequence[tuple[int, History]]:
        """Contacts of one of those lists from a place on, and what has become of each."""
        ...

    async def end_waiting(self, campaign_id: int, ended: Sequence[tuple[int, str]]) -> int:
        """(contact, reason) each; done where it still waits. How many were."""
        ...

    async def mark_sent(
        self,
        campaign_id: int,
        fence: Fence,
        sent: Sequence[tuple[str, str, str, str]],
        now: datetime,
        lease_s: float,
        *,
        keep_caller_id: bool = False,
    ) -> Sequence[bool]:
        """(attempt id, caller id, trunk, node) each: True where it may be originated now."""
        ...

    async def give_back(
        self, campaign_id: int, attempt_id: str, next: Next | None, now: datetime
    ) -> bool:
        """Nothing was sent: the contact is ready again, parked until an instant, or done."""
        ...

    async def settle(
        self, campaign_id: int, settlements: Sequence[Settlement], now: datetime
    ) -> Sequence[bool]:
        """One script call each, in one pipeline. False: settled before, nothing changed."""
        ...

    async def adopt(
        self, campaign_id: int, attempts: Sequence[LiveAttempt], now: datetime
    ) -> Sequence[bool]:
        """Calls that live although the store lost them (a server died with its last second).

        Where neither a live nor a settled attempt of that id is known and the contact is not in
        flight, the contact is in flight again with this attempt, which counts as sent.
        """
        ...

    async def finish(
        self,
        campaign_id: int,
        attempt_id: str,
        disposition: str | None,
        next: Next,
        now: datetime,
        *,
        is_machine: bool = False,
        counts: bool = True,
    ) -> bool:
        """End of wrap-up, with or without a disposition. False when it had ended before.

        `is_machine`: the disposition says that no person was met. `counts` false: the attempt is
        held against the contact no more.
        """
        ...

    async def live(self, campaign_id: int) -> Sequence[LiveAttempt]: ...

    async def expired(self, campaign_id: int, now: datetime) -> Sequence[LiveAttempt]:
        """Live attempts whose lease has passed: a call for the reaper, not a permission."""
        ...

    async def expired_of(
        self, campaign_ids: Sequence[int], now: datetime
    ) -> Mapping[int, Sequence[LiveAttempt]]:
        """The same of several campaigns, in one round trip; those that have any."""
        ...

    async def extend(
        self, campaign_id: int, attempt_ids: Sequence[str], now: datetime, lease_s: float
    ) -> None:
        """These calls are known to live."""
        ...

    async def wrapping(self, campaign_id: int) -> Sequence[Wrapping]: ...

    async def wrapped_up(
        self, campaign_ids: Sequence[int], now: datetime
    ) -> Sequence[tuple[int, str]]:
        """Campaign and attempt of each wrap-up whose time is over, in one round trip."""
        ...

    async def contact(self, campaign_id: int, contact_id: int) -> Contact: ...

    async def counts(self, campaign_id: int) -> Mapping[str, int]:
        """Counters kept by the scripts: attempts, outcome:<name>, in_flight, complete, …"""
        ...

    async def next_due_at(self, campaign_id: int) -> datetime | None:
        """When the earliest scheduled redial or callback is due."""
        ...


class Numbers(Protocol):
    """What holds for a phone number across campaigns."""

    async def reserve(
        self,
        wanted: Sequence[Wanted | tuple[str, str]],
        limits: LimitSettings,
        now: datetime,
        *,
        again: bool = False,
    ) -> Sequence[Refusal | None]:
        """None where number and person are ours now, counted in their histories.

        Else what refuses them longest. A plain tuple is a phone and an attempt id. `again`: those
        that are ours already are judged anew and count from now on, not from before; one that is
        refused then is still to be released.
        """
        ...

    async def take(self, made: Sequence[tuple[Wanted, datetime]]) -> None:
        """Hold and count for calls that were made, each at its instant, whatever is against it.

        Beside whoever holds the number or the person; repeated for the same attempt, once.
        """
        ...

    async def remember(self, heard: Sequence[tuple[Heard, datetime]]) -> None:
        """At its instant each, before they are settled: what lock-outs ask for."""
        ...

    async def on_dnc(self, asked: Sequence[tuple[str, Sequence[str]]]) -> Sequence[bool]:
        """(phone, scopes) each: whether a do-not-call list has it now."""
        ...

    async def release(self, held: Sequence[tuple[str, str, bool]]) -> None:
        """(phone, attempt id, was placed) each: free the number; uncount what was never placed."""
        ...

    async def add_dnc(self, phone: str, source: str, actor: str, now: datetime) -> bool: ...


class Agents(Protocol):
    async def all(self) -> Sequence[Agent]: ...

    async def set_state(
        self,
        agent_id: int,
        state: AgentState,
        now: datetime,
        *,
        attempt_id: str | None = None,
        wrap_up_until: datetime | None = None,
    ) -> None: ...

    async def set_wanted(
        self, agent_id: int, *, wanted_in: bool, wanted_pause: str | None, now: datetime
    ) -> None: ...


class Callers(Protocol):
    """How many calls each caller id has shown, over all campaigns."""

    async def take(
        self, callers: Sequence[str], limit: int | None, now: datetime
    ) -> Sequence[bool]:
        """One call each, counted; False where the number has shown as many as it may."""
        ...

    async def left(self, callers: Sequence[str], limit: int, now: datetime) -> Mapping[str, int]:
        """How many more calls each may show now."""
        ...


class Sounds(Protocol):
    """Recordings that callers hear."""

    async def ids(self) -> Sequence[str]: ...

    async def wav(self, sound_id: str) -> bytes:
        """As Asterisk plays it. Raises NotFound."""
        ...


class SoundPlace(Protocol):
    """Where an Asterisk finds recordings. Blocking; raises OSError."""

    def ids(self) -> set[str]: ...

    def place(self, sound_id: str, wav: bytes) -> None: ...

    def remove(self, sound_ids: Iterable[str]) -> None: ...


class Offers(Protocol):
    """Contacts that agents look at before they are dialled."""

    async def put(self, offer: Offer) -> None:
        """A new one, or its next state."""
        ...

    async def remove(self, offer: Offer) -> None: ...

    async def list(self, campaign_id: int) -> Sequence[Offer]: ...

    async def n_skips(self, offer: Offer) -> int: ...

    async def keep(
        self, campaign_id: int, attempt_id: str, epoch: int, lease_until: datetime
    ) -> bool:
        """A new leader goes on with it. False where its contact is not claimed any more."""
        ...


class Changes(Protocol):
    """What other processes changed: campaign, agent and attempt changes, oldest first."""

    async def wait(self, cursor: str, timeout_s: float) -> tuple[str, Sequence[Change]]:
        """Changes after `cursor` (`$`: from now on), at once when there are any."""
        ...


class Ledgers(Protocol):
    async def read(self, campaign_id: int, now: datetime) -> Ledger:
        """What the settled attempts of a campaign count, by period. Old buckets are removed."""
        ...

    async def members(self, group: str) -> Sequence[int]:
        """Campaigns that share this group's limit, of any status."""
        ...


class KnowledgeStore(Protocol):
    """What pacing rules have learned."""

    async def keep(self, taught: Taught) -> None: ...

    async def of(self, campaign_id: int) -> Taught | None: ...

    async def others(self) -> Sequence[Taught]:
        """The newest of all campaigns."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One change: kind is campaign, agent or attempt; `id` names the thing."""

    cursor: str
    kind: str
    id: str
    payload: Mapping[str, object]


class Store(Protocol):
    """Redis. Raises StoreUnavailable when it does not answer."""

    @property
    def leadership(self) -> Leadership: ...
    @property
    def campaigns(self) -> Campaigns: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def numbers(self) -> Numbers: ...
    @property
    def callers(self) -> Callers: ...
    @property
    def ledgers(self) -> Ledgers: ...
    @property
    def knowledge(self) -> KnowledgeStore: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def changes(self) -> Changes: ...
    @property
    def offers(self) -> Offers: ...
    @property
    def sounds(self) -> Sounds: ...

    async def run_id(self) -> str:
        """Changes when the server was restarted."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


__all__ = [
    "Agents", "Callers", "Calls", "Campaigns", "Change", "Changes", "Clock", "DialOrder", "Fence",
    "KnowledgeStore", "Leadership", "Ledgers", "LiveCall", "Numbers", "Offers", "Prompt",
    "Refusal", "Settlement", "SoundPlace", "Sounds", "Store", "Telephony",
    "Wanted", "Wrapping",
]  # fmt: skip
