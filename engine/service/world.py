"""What the leading engine holds in memory; everything in it can be built again from outside."""

from __future__ import annotations

import asyncio
import functools
import math
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from engine.core.campaign import Campaign, CampaignStatus
from engine.core.hours import is_open, open_until
from engine.core.pacing import Explained, Knowledge, Pacing, Predictive, pacing_of
from engine.core.preview import Offer
from engine.core.settings import CampaignSettings
from engine.core.sound import is_ours
from engine.core.trunk import TokenBucket, TrunkHealth
from engine.ports import Clock, Fence, SoundPlace, Store, Telephony
from engine.service.calls import CallTable
from engine.service.ledgers import Ledgers
from engine.service.observing import Watch
from engine.service.roster import Roster
from engine.service.sounds import SoundKeeper
from engine.service.waking import Wake

log = structlog.get_logger()

#: Hours that go on and on are known for a shift; how long they go on is looked up again after this.
CLOSES_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How the engine itself behaves; durations in seconds."""

    owner: str
    #: Name of the Asterisk node that calls leave through.
    node: str = "pbx"
    lease_s: float = 3.0
    tick_s: float = 0.2
    #: Decisions are gathered for so long, so that many events cost one claim.
    gather_s: float = 0.05
    #: The same for ended calls, which nobody waits for.
    settle_gather_s: float = 0.2
    #: Longest time between marking an attempt as sent and writing it to Asterisk.
    send_within_s: float = 1.0
    #: A claim that was not sent is given back after this.
    claim_lease_s: float = 5.0
    #: Longest call set-up beyond the ring timeout.
    set_up_s: float = 10.0
    #: Records stay in Asterisk so long after they are settled: longer than an AOF can lose.
    acknowledge_after_s: float = 3.0
    #: Folder of our recordings as Asterisk names it.
    sounds_path: str = ""
    queues: tuple[str, ...] = tuple(f"dialer-{n}" for n in range(1, 21))
    #: So many random bits; a simulation gives its own, so that a seed repeats a run.
    entropy: Callable[[int], int] = secrets.randbits


@dataclass(slots=True)
class CampaignView:
    """One campaign that is led: its settings as of now, and what paces it."""

    campaign: Campaign
    pacing: Pacing
    bucket: TokenBucket
    #: Epoch under which it was taken on: every lower one is shut out of it.
    epoch: int
    #: The last decision, and whom it may cause to be abandoned.
    explained: Explained = field(default_factory=functools.partial(Explained, "one_each"))
    at_risk: float = 0.0
    #: When it was last told that the limit is reached (monotonic).
    told_at: float = -math.inf
    #: What a rule that learns starts from.
    taught: Knowledge | None = None
    #: When its knowledge was last kept (monotonic), and how many calls it had seen then.
    kept_at: float = 0.0
    n_kept: int = 0
    #: Monotonic instant before which another claim would find nothing.
    no_claim_before: float = 0.0
    #: Monotonic instant of the last claim that found somebody.
    placed_at: float = 0.0
    classes: tuple[str, ...] = ()
    classes_read_at: float = 0.0
    next_caller_id: int = 0
    #: How many more calls each caller id may show; None: without limit.
    calls_left: dict[str, int] | None = None
    #: Counters moved: look whether it is complete.
    dirty: bool = True
    #: Caps (max_attempts, hard_cap) that were held against all who wait.
    caps_swept: tuple[int, int] | None = None
    #: Classes whose hours never open, and those that may; looked at one by one.
    never_open: set[str] = field(default_factory=set)
    may_open: set[str] = field(default_factory=set)
    classes_judged_at: float = -math.inf
    #: Contacts that agents look at, by attempt id.
    offers: dict[str, Offer] = field(default_factory=dict)
    idle_reasons: tuple[str, ...] = ()
    watch: Watch = field(default_factory=Watch)
    #: Classes that were asked for in this minute of UTC, and whether they are open.
    _open: dict[str, bool] = field(default_factory=dict)
    _open_minute: datetime | None = None
    #: When the hours of each class end, and when that was looked up; of which classes last.
    _closes: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _closes_for: tuple[datetime, tuple[str, ...]] | None = None
    _closes_at: datetime | None = None

    def refresh(self, campaign: Campaign, now: datetime) -> None:
        """Edits act on the next decision."""
        if campaign.settings != self.campaign.settings:
            self._repace(campaign.settings)
            if campaign.settings.dialing.max_cps != self.bucket.rate:
                self.bucket = TokenBucket.full(campaign.settings.dialing.max_cps, now)
        self.campaign = campaign
        self.no_claim_before = self.classes_read_at = 0.0
        self._open_minute = self._closes_for = None
        self._closes = {}
        self.never_open, self.may_open = set(), set()
        self.dirty = True

    def _repace(self, settings: CampaignSettings) -> None:
        """Another rule only where it is another; what the old one learned goes to the new one."""
        before = self.campaign.settings
        if (settings.pacing, _hold_s(settings)) != (before.pacing, _hold_s(before)):
            knows = self.pacing.knowledge() if isinstance(self.pacing, Predictive) else self.taught
            self.pacing = pacing_of(settings.pacing, hold_s=_hold_s(settings), knowledge=knows)

    def is_open(self, hours_class: str, now: datetime) -> bool:
        """As core's is_open; windows begin and end with a minute, so each is asked once in it."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._open_minute:
            self._open, self._open_minute = {}, minute
        found = self._open.get(hours_class)
        if found is None:
            hours = self.campaign.settings.hours
            found = self._open[hours_class] = is_open(hours, hours_class, now)
        return found

    def hour_at(self, now: datetime) -> int:
        """Of the day, by the campaign's own clock."""
        return now.astimezone(ZoneInfo(self.campaign.settings.hours.timezone)).hour

    def closes_in_s(self, now: datetime) -> float:
        """Until the calling hours of everybody who waits are over; looked at once a minute."""
        minute = now.replace(second=0, microsecond=0)
        if (minute, self.classes) != self._closes_for:
            self._closes_for = (minute, self.classes)
            self._closes_at = max((self._closes_of(c, minute) for c in self.classes), default=None)
        return max(0.0, (self._closes_at - now).total_seconds()) if self._closes_at else 0.0

    def _closes_of(self, hours_class: str, minute: datetime) -> datetime:
        """An end that was found holds until it comes; whether it comes later is asked rarely,
        because the search goes through the day and lists have hundreds of classes."""
        end, found_at = self._closes.get(hours_class, (minute, minute))
        if end <= minute or minute - found_at >= CLOSES_AGAIN:
            end = open_until(self.campaign.settings.hours, (hours_class,), minute)
            self._closes[hours_class] = (end, minute)
        return end

    @property
    def has_place(self) -> bool:
        """Where an answered person goes: a queue, or without agents the message."""
        settings = self.campaign.settings
        if settings.pacing.needs_agents:
            return bool(self.campaign.queue)
        return settings.agentless.message is not None

    @property
    def is_active(self) -> bool:
        return self.campaign.status is CampaignStatus.ACTIVE


def view_of(
    campaign: Campaign, epoch: int, now: datetime, taught: Knowledge | None = None
) -> CampaignView:
    settings = campaign.settings
    bucket = TokenBucket.full(settings.dialing.max_cps, now)
    pacing = pacing_of(settings.pacing, hold_s=_hold_s(settings), knowledge=taught)
    return CampaignView(campaign, pacing, bucket, epoch, taught=taught)


def _hold_s(settings: CampaignSettings) -> float:
    return settings.dialing.connect_deadline_s


@dataclass(slots=True)
class World:
    store: Store
    telephony: Telephony
    clock: Clock
    settings: EngineSettings
    fence: Fence | None = None
    #: Monotonic instant at which our lease ends, counted from before it was asked for.
    lead_until: float = 0.0
    #: False from a lost link or a restarted Redis until the channels have been read back.
    is_synced: bool = False
    #: Set when the channels must be read back before anything is dialled.
    resync: asyncio.Event = field(default_factory=asyncio.Event)
    pbx_started_at: dict[str, datetime] = field(default_factory=dict)
    #: Since when the link to each node has been up.
    link_up_at: dict[str, datetime] = field(default_factory=dict)
    campaigns: dict[int, CampaignView] = field(default_factory=dict)
    calls: CallTable = field(default_factory=CallTable)
    roster: Roster = field(default_factory=Roster)
    trunks: defaultdict[str, TrunkHealth] = field(default_factory=lambda: defaultdict(TrunkHealth))
    #: Trunks that Asterisk does not know; a campaign that names one of them dials nothing.
    unknown_trunks: Set[str] = frozenset()
    sound_place: SoundPlace | None = None
    sounds: SoundKeeper = field(init=False)
    #: An agent's seat is to be brought into line with what is wanted.
    seat_changed: Callable[[int], None] = field(default=lambda _agent_id: None)
    #: Something happened that a decision may follow from.
    wake: Wake = field(default_factory=Wake)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    ledgers: Ledgers = field(init=False)

    def __post_init__(self) -> None:
        self.ledgers = Ledgers(self.store, self.clock)
        self.sounds = SoundKeeper(self.store.sounds, self.sound_place)

    def sound_file(self, name: str | None) -> str | None:
        """A recording as Asterisk finds it: those of the PBX by their own names."""
        if name is None or not is_ours(name) or not self.settings.sounds_path:
            return name
        return f"{self.settings.sounds_path.rstrip('/')}/{name}"

    @property
    def our_queues(self) -> set[str]:
        """A contact centre's own queues have the same agents; those are not ours to touch."""
        named = {view.campaign.queue for view in self.campaigns.values()}
        return (named | set(self.settings.queues)) - {""}

    @property
    def leads(self) -> bool:
        return self.fence is not None and self.clock.monotonic() < self.lead_until

    @property
    def may_dial(self) -> bool:
        return self.leads and self.is_synced and self.telephony.is_up()

    def knows_trunk(self, view: CampaignView) -> bool:
        return view.campaign.settings.dialing.trunk not in self.unknown_trunks

    def may_place(self, view: CampaignView) -> bool:
        """An answered person has a place, and the trunk and the recordings are there."""
        trunk = self.trunks[view.campaign.settings.dialing.trunk or ""]
        ready = view.has_place and self.knows_trunk(view)
        has_sounds = self.sounds.has_all(view.campaign.settings)
        return ready and has_sounds and not trunk.is_resting(self.clock.now())

    def deposed(self) -> None:
        """Another engine has fenced us: nothing leaves until the lease tells who leads."""
        self.lead_until = 0.0

    def doubt(self) -> None:
        """Something may have been missed: nothing is dialled before it has been read back."""
        self.is_synced = False
        self.resync.set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start work that nobody waits for; kept, so that it is neither lost nor unseen."""
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("task_failed", task=task.get_name(), error=repr(error))
