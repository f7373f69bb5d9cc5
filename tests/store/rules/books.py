"""What happened, as somebody outside would write it down, and under which settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.core.attempt import Claim
from engine.core.contact import NewContact
from engine.core.hours import hours_class
from engine.core.outcome import Outcome
from engine.core.settings import CampaignSettings
from engine.ports import Fence

NOW = datetime(2026, 3, 6, 20, tzinfo=UTC)  # two days before the clocks change
ZONES = ("America/New_York", "America/Denver", "America/Phoenix")
#: By outcome the delay of its rule; the others have none.
DELAY_S = {"busy": 300, "no_answer": 3600, "unknown": 900, "failed": 60, "abandoned": 60}
OPENS, CLOSES = 9, 20
MAX_OF_NUMBER, MAX_OF_PERSON, REST_S = 3, 4, 7200
SPREAD_AFTER, MAX_AGAIN, DISPOSED_S = 2, 2, 600
MAX_FAULTS = 2


def rules(max_attempts: int = 3, hard_cap: int = 6) -> CampaignSettings:
    return CampaignSettings.model_validate({
        "redial": {
            "max_attempts": max_attempts, "hard_cap": hard_cap, "max_trunk_faults": MAX_FAULTS,
            "spread_after": SPREAD_AFTER,
            "rules": {
                "busy": {"delay_s": 300, "max": 9, "counts": False},
                "no_answer": {"delay_s": 3600, "max": 9, "phone": "next"},
                "unknown": {"delay_s": 900, "max": 9, "phone": "next"},
                "failed": {"delay_s": 60, "max": 9},
                "abandoned": {"delay_s": 60, "max": 9},
            },
        },
        "hours": {"windows": [{"start": f"{OPENS:02}:00", "end": f"{CLOSES}:00"}]},
        "limits": {
            "max_per_24h": MAX_OF_NUMBER, "person_max_per_24h": MAX_OF_PERSON,
            "after_abandon_s": REST_S,
        },
        "dispositions": [
            {"code": "done"}, {"code": "never", "action": "dnc"},
            {"code": "again", "action": "redial", "delay_s": DISPOSED_S, "max": MAX_AGAIN},
            {"code": "free", "action": "redial", "delay_s": DISPOSED_S, "counts": False},
            {"code": "other", "action": "redial", "delay_s": DISPOSED_S, "phone": "next"},
            *({"code": code, "action": "callback", "delay_s": DISPOSED_S}
              for code in ("later", "at", "mine", "past")),
        ],
    })  # fmt: skip


def people(side: int) -> Iterator[NewContact]:
    """Five; three have a number that the other campaign has as well, and persons have two each."""
    for i in range(5):
        phone = f"+1212555{i:04}" if i < 3 else f"+1212556{side}{i:03}"
        others = tuple(f"+1212557{side}{i}{j:02}" for j in range(i % 3))
        zone = ZONES[i % 3]
        yield NewContact(
            phone=phone, phones=others, timezone=zone, person_key=f"P{i // 2}",
            hours_class=hours_class(phone, zone, None, others),
        )  # fmt: skip


@dataclass
class Dialled:
    """One call that left."""

    attempt_id: str
    side: int
    contact_id: int
    phone: str
    person: str
    claimed_at: datetime
    at: datetime
    ended: datetime | None = None
    outcome: Outcome | None = None
    #: When the next one may be at the earliest; None: never.
    next_at: datetime | None = None
    counted: bool = True
    #: Counted while its fate was unknown: a contact that this ended stays ended.
    was_counted: bool = False
    fault: bool = False
    code: str | None = None
    callback: bool = False
    agent: int | None = None
    #: When it became known that the phone is not in use.
    dead_at: datetime | None = None
    #: Phones that the contact was sure to have besides, when the call ended with "next phone".
    others: frozenset[str] = frozenset()


@dataclass
class Step:
    """A claimed contact in an engine's hands."""

    claim: Claim
    claimed_at: datetime
    reserved: bool = False


@dataclass
class Side:
    """A campaign, and the engine that leads it."""

    id: int
    contacts: dict[int, NewContact] = field(default_factory=dict)
    settings: CampaignSettings = field(default_factory=rules)
    active: bool = True
    done: bool = False
    epoch: int = 1
    steps: list[Step] = field(default_factory=list)
    #: The lowest that max_attempts and hard_cap ever were.
    least_cap: tuple[int, int] = (3, 6)
    withdrawn: set[int] = field(default_factory=set)
    inactive: set[int] = field(default_factory=set)
    #: Imports that wait for a worker, and what each may add.
    imports: dict[str, list[NewContact]] = field(default_factory=dict)

    @property
    def fence(self) -> Fence:
        return Fence(owner=f"e{self.epoch}", epoch=self.epoch)


@dataclass
class Books:
    """All calls in the order in which they left, and what is forbidden."""

    calls: list[Dialled] = field(default_factory=list)
    #: Numbers and prefixes with the list that each is on; empty: the list for all campaigns.
    listed: set[tuple[str, str]] = field(default_factory=set)
    ever_listed: set[str] = field(default_factory=set)

    def of(self, side: Side, contact_id: int) -> list[Dialled]:
        return [d for d in self.calls if d.side == side.id and d.contact_id == contact_id]

    def live(self) -> list[Dialled]:
        return [dial for dial in self.calls if not dial.ended]

    def was_listed(self, phone: str) -> bool:
        return any(phone.startswith(each) for each in self.ever_listed)

    def usable(self, side: Side, contact_id: int) -> set[str]:
        """Phones of a contact that nothing ever forbade and that are in use, as far as is known."""
        contact, calls = side.contacts[contact_id], self.of(side, contact_id)
        dead = {d.phone for d in calls if d.outcome is Outcome.INVALID_NUMBER}
        phones = {contact.phone, *contact.phones} - dead
        return {phone for phone in phones if not self.was_listed(phone)}
