"""The calls that live now, in memory: facts of each, and how many are in which phase."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.core.call_events import CallEvent
from engine.core.call_state import CallState, apply
from engine.core.contact import Contact
from engine.core.ledger import CONNECT_S, MACHINE_VERDICT, NOTHING, Counts
from engine.core.pacing.classes import Known
from engine.core.redial import History


class Phase(StrEnum):
    DIALING = "dialing"
    RINGING = "ringing"
    AMD = "amd"
    WAITING = "waiting"
    MESSAGE = "message"
    TALKING = "talking"
    ENDED = "ended"


@dataclass(slots=True, kw_only=True)
class Call:
    """One live attempt: what was ordered and what is known."""

    campaign_id: int
    contact_id: int
    phone: str
    number: int
    caller_id: str
    trunk: str
    node: str
    queue: str
    amd: bool
    started_at: datetime
    state: CallState
    external_id: str | None = None
    hours_class: str = ""
    #: Whom limits per person count; empty: nobody is named.
    person_key: str = ""
    #: The agent who is to get a callback: extension and mode; None: whoever is free.
    agent: tuple[str, str] | None = None
    rules: str = ""
    #: How often calls such as this one are answered is learned by it; None after a recovery.
    of: Known = None
    #: None where the contact has to be read again (after a recovery).
    history: History | None = None
    phase: Phase = Phase.DIALING
    #: True from the moment it is handed to be settled.
    settling: bool = False
    #: The store's ledger has it.
    counted: bool = False
    #: What is sure to be counted of it.
    sure: Counts = NOTHING
    hang_up_asked: bool = False
    #: Its fate is in doubt: ask Asterisk from this instant on.
    check_at: datetime | None = None

    @property
    def attempt_id(self) -> str:
        return self.state.attempt_id

    def is_for(self, contact: Contact) -> None:
        """After a recovery only the contact tells whom the call is for."""
        self.hours_class, self.external_id = contact.hours_class, contact.external_id
        self.person_key = contact.person_key or contact.external_id or ""


def phase_of(call: Call) -> Phase:
    state = call.state
    if state.is_over or state.hung_up_at:
        return Phase.ENDED
    if state.connected_at:
        return Phase.TALKING
    if state.message_at or state.prompt_at:
        return Phase.MESSAGE
    if state.answered_at:
        return Phase.AMD if call.amd and state.amd is None else Phase.WAITING
    return Phase.RINGING if state.ringing_at else Phase.DIALING


def is_abandoned(call: Call) -> bool:
    """Nobody came in time: sure while the message plays, long before the call is settled."""
    return call.state.message_at is not None and call.state.connected_at is None


def sure_of(call: Call) -> Counts:
    """A person who is connected, waits, or hears the message; nothing where that is in doubt."""
    state = call.state
    if call.counted or state.amd == MACHINE_VERDICT:
        return NOTHING
    if state.connected_at is not None:
        since = state.answered_at or state.connected_at
        is_late = (state.connected_at - since).total_seconds() > CONNECT_S
        return Counts(n_people=1, n_abandoned=int(is_late), n_connected=1)
    if is_abandoned(call):
        return Counts(n_people=1, n_abandoned=1)
    return Counts(n_people=1) if call.phase is Phase.WAITING else NOTHING


class CallTable:
    """Live calls by attempt id, counted by campaign and phase."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        # Each decision asks for its campaign's calls.
        self._by_campaign: defaultdict[int, dict[str, Call]] = defaultdict(dict)
        self._phases: defaultdict[int, Counter[Phase]] = defaultdict(Counter)
        #: Calls that have an agent of their own.
        self._n_given: Counter[int] = Counter()
        self._phones: Counter[str] = Counter()
        self._sure: defaultdict[int, Counts] = defaultdict(Counts)

    def __contains__(self, attempt_id: object) -> bool:
        return attempt_id in self._calls

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, attempt_id: str) -> Call | None:
        return self._calls.get(attempt_id)

    def add(self, call: Call) -> None:
        call.phase = phase_of(call)
        self._calls[call.attempt_id] = call
        self._by_campaign[call.campaign_id][call.attempt_id] = call
        self._phases[call.campaign_id][call.phase] += 1
        self._n_given[call.campaign_id] += call.agent is not None
        self._phones[call.phone] += 1
        self._recount(call, sure_of(call))

    def remove(self, attempt_id: str) -> None:
        call = self._calls.pop(attempt_id, None)
        if call:
            self._recount(call, NOTHING)
            del self._by_campaign[call.campaign_id][attempt_id]
            self._phases[call.campaign_id][call.phase] -= 1
            self._n_given[call.campaign_id] -= call.agent is not None
            self._phones[call.phone] -= 1
            if not self._phones[call.phone]:
                del self._phones[call.phone]

    def apply(self, event: CallEvent) -> Call | None:
        """Add the event's facts; None for a call that is not ours."""
        call = self._calls.get(event.attempt_id)
        if call is None:
            return None
        call.state = apply(call.state, event)
        before, call.phase = call.phase, phase_of(call)
        if before is not call.phase:
            counts = self._phases[call.campaign_id]
            counts[before] -= 1
            counts[call.phase] += 1
        self._recount(call, sure_of(call))
        return call

    def counted(self, attempt_id: str) -> None:
        """The store's ledger has this call now."""
        call = self._calls.get(attempt_id)
        if call:
            call.counted = True
            self._recount(call, NOTHING)

    def sure(self, campaign_id: int) -> Counts:
        """People among the calls that the store has not counted yet."""
        return self._sure[campaign_id]

    def has_phone(self, phone: str) -> bool:
        """A call to this number lives, whatever any store says."""
        return phone in self._phones

    def phases(self, campaign_id: int) -> Counter[Phase]:
        return self._phases[campaign_id]

    def phases_of_shared(self, campaign_id: int) -> Counter[Phase]:
        """As `phases`, without calls that have an agent of their own: nobody else is for those."""
        phases = self._phases[campaign_id]
        if not self._n_given[campaign_id]:
            return phases
        return phases - Counter(c.phase for c in self._by_campaign[campaign_id].values() if c.agent)

    def of_campaign(self, campaign_id: int) -> list[Call]:
        return list(self._by_campaign[campaign_id].values())

    def n_waiting(self) -> int:
        return sum(phases[Phase.WAITING] for phases in self._phases.values())

    def waiting(self, queues: set[str]) -> list[Call]:
        """Answered people who wait in these queues, the longest first."""
        held = [c for c in self._calls.values() if c.phase is Phase.WAITING and c.queue in queues]
        return sorted(held, key=lambda call: call.state.answered_at or call.started_at)

    def clear(self) -> None:
        self._calls.clear()
        self._by_campaign.clear()
        self._phases.clear()
        self._n_given.clear()
        self._phones.clear()
        self._sure.clear()

    def _recount(self, call: Call, sure: Counts) -> None:
        if sure != call.sure:
            self._sure[call.campaign_id] += sure + -call.sure
            call.sure = sure
