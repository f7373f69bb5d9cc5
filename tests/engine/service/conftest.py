"""Engines on a fake PBX and a real store, with short ways to say what happens to them."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from engine.core import why_not
from engine.core.agent import Agent
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign, CampaignStatus, Command, decide_transition
from engine.core.contact import COMPLETE, Contact, NewContact
from engine.core.hours import hours_class
from engine.core.settings import CampaignSettings
from engine.ports import DialOrder
from engine.service import dialing, recovery
from engine.service.clock import SystemClock
from engine.service.engine import Engine
from engine.service.world import EngineSettings
from engine.store import RedisStore
from telephony.fake_proxy import FakeProxy
from telephony.fake_telephony import FakePbx, FakeTelephony

POLL_S = 0.02
PATIENCE_S = 20.0
#: Short enough to test a takeover; ring timeouts cannot be below 5 s.
FAST = {
    "dialing": {
        "trunk": "carrier",
        "caller_ids": ["+12025550100"],
        "ring_timeout_s": 5,
        "max_cps": 500,
        "max_channels": 500,
    },
    "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
    "wrap_up_s": 0,
}


def redial(delay_s: int) -> dict[str, object]:
    """One trunk fault is forgiven; everything else is tried three times in all."""
    tried = ("busy", "no_answer", "failed", "hung_up_early", "unknown", "cancelled")
    rules = {outcome: {"delay_s": delay_s, "max": 2} for outcome in tried}
    return {"max_attempts": 3, "max_trunk_faults": 1, "rules": rules}


def now() -> datetime:
    return datetime.now(UTC)


def phones(**n_of_scenario: int) -> list[str]:
    """`phones(s00=3)`: three numbers of scenario 00."""
    return [
        f"+1202555{name.removeprefix('s')}{number:02d}"
        for name, n in n_of_scenario.items()
        for number in range(n)
    ]


class WatchedPbx(FakePbx):
    """Remembers when each call left; nobody's patience is as long as a real ring timeout."""

    def __init__(self, *, patience_s: int = 1, **times: float) -> None:
        super().__init__(**times)
        self.patience_s = patience_s
        self.left: list[tuple[datetime, DialOrder]] = []

    def place(self, order: DialOrder) -> None:
        n_before = len(self.placed)
        super().place(replace(order, ring_timeout_s=self.patience_s))
        if len(self.placed) > n_before:
            self.left.append((now(), order))

    def n_left_after(self, at: datetime) -> int:
        return sum(left_at > at for left_at, _ in self.left)

    def reboot(self) -> None:
        """Asterisk killed and started again: no channel, no record, no member; links are cut."""
        links, self.links = self.links, []
        for link in links:
            link.cut()
        for task in list(self._tasks):
            task.cancel()
        self.channels.clear()
        self.members.clear()
        self.on_line.clear()
        self.started_at = now()
        self.links = links
        for link in links:
            link.restore()

    def calls_to(self, phone: str) -> int:
        return sum(order.phone == phone for order in self.placed)


@dataclass
class Running:
    """One engine with its own link, as a process would be."""

    engine: Engine
    telephony: FakeTelephony
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def crash(self) -> None:
        """As kill -9 would end it: no clean-up of its own, nothing more is sent or settled."""
        self.telephony.leave()
        tasks = {self.task, *self.engine.world.tasks}
        for task in tasks:
            task.cancel()
        _, alive = await asyncio.wait(tasks, timeout=5)
        assert not alive, f"cancelled, and goes on: {alive}"
        self.task.cancelled() or self.task.exception()

    async def end(self) -> None:
        """As SIGTERM would."""
        self.stop.set()
        if not self.task.cancelled():
            await asyncio.wait_for(self.task, 10)


@dataclass
class Stage:
    """One store, one PBX, and any number of engines."""

    store: RedisStore
    pbx: WatchedPbx
    running: list[Running] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)

    # ------------------------------------------------------------------------- making

    async def hire(self, n: int, *, mode: str = "off_hook", log_in: bool = True) -> list[int]:
        hired = []
        for _ in range(n):
            extension = str(1001 + len(self.agents))
            agent = await self.store.agents.create(
                name=f"agent {extension}", extension=extension, mode=mode, actor="t", now=now()
            )  # type: ignore[arg-type]
            self.agents.append(agent)
            hired.append(agent.id)
            if log_in:
                await self.want(agent.id)
        return hired

    async def want(
        self, agent_id: int, *, wanted_in: bool = True, pause: str | None = None
    ) -> None:
        await self.store.agents.set_wanted(
            agent_id, wanted_in=wanted_in, wanted_pause=pause, now=now()
        )

    async def campaign(
        self,
        numbers: Sequence[str],
        agent_ids: Sequence[int],
        *,
        play: bool = True,
        delay_s: int = 0,
        **edits: object,
    ) -> int:
        """A played campaign; `edits` are groups of settings, merged over FAST."""
        campaign = await self.store.campaigns.create(
            "test", settings(delay_s, **edits), list(agent_ids), "t", now()
        )
        new = [NewContact(phone=phone, hours_class=hours_class(phone, None)) for phone in numbers]
        await self.store.contacts.add(campaign.id, new, now())
        if play:
            await self.tell(campaign.id, Command.PLAY)
        return campaign.id

    async def tell(self, campaign_id: int, command: Command) -> None:
        campaign = await self.store.campaigns.get(campaign_id)
        transition = decide_transition(campaign, command)
        assert transition is not None
        await self.store.campaigns.move(campaign_id, transition, "t", now())

    def start(
        self, owner: str = "engine-1", *, store: RedisStore | None = None, **changes: object
    ) -> Running:
        telephony, stop = FakeTelephony(self.pbx), asyncio.Event()
        engine_settings = EngineSettings(owner=owner, **{"set_up_s": 1.0, **changes})  # type: ignore[arg-type]
        engine = Engine(store or self.store, telephony, SystemClock(), engine_settings)
        task = asyncio.create_task(engine.run(stop), name=owner)
        self.running.append(Running(engine, telephony, stop, task))
        return self.running[-1]

    async def end(self) -> None:
        while self.running:
            one = self.running.pop()
            if not one.task.done():
                await one.end()

    # ------------------------------------------------------------------------ looking

    async def until(
        self, what: Callable[[], Awaitable[object] | object], patience_s: float = PATIENCE_S
    ) -> None:
        """Poll until `what` is true; an engine that died meanwhile shows its error."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            found = what()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return
            self._raise_the_dead()
            assert asyncio.get_running_loop().time() < deadline, f"not within {patience_s} s"
            await asyncio.sleep(POLL_S)

    def _raise_the_dead(self) -> None:
        for one in self.running:
            if one.task.done() and not one.task.cancelled():
                one.task.result()

    async def get(self, campaign_id: int) -> Campaign:
        return await self.store.campaigns.get(campaign_id)

    async def completed(self, campaign_id: int, patience_s: float = PATIENCE_S) -> Campaign:
        async def is_complete() -> bool:
            return (await self.get(campaign_id)).status is CampaignStatus.COMPLETED

        try:
            await self.until(is_complete, patience_s)
        except AssertionError:
            contacts = [c for c in await self.contacts(campaign_id) if c.state not in COMPLETE]
            held = [
                (list(one.engine.world.calls), one.engine.world.is_synced) for one in self.running
            ]
            raise AssertionError(f"not complete: {contacts}; held: {held}") from None
        return await self.get(campaign_id)

    async def attempts(self, campaign_id: int) -> list[AttemptRecord]:
        found: list[AttemptRecord] = []
        after: str | None = None
        while True:
            page, after = await self.store.attempts.list(campaign_id, after=after, limit=1000)
            found += page
            if after is None:
                return found

    async def contacts(self, campaign_id: int) -> list[Contact]:
        found: list[Contact] = []
        after: int | None = 0
        while after is not None:
            page, after = await self.store.contacts.list(campaign_id, after=after, limit=1000)
            found += page
        return found

    async def placed(self, n: int) -> None:
        await self.until(lambda: len(self.pbx.placed) >= n)

    # ----------------------------------------------------------------------- judging

    async def check(self, campaign_id: int, *, max_attempts: int = 3) -> list[AttemptRecord]:
        """What must hold of a campaign that is over, whatever happened to it."""
        attempts = await self.attempts(campaign_id)
        contacts = await self.contacts(campaign_id)
        assert all(contact.state in COMPLETE for contact in contacts)
        self.check_calls(campaign_id, attempts)
        for one in _by_contact(attempts):
            assert len([a for a in one if a.next_dial_at or a is one[-1]]) == len(one)
            assert [a.number for a in one] == sorted(a.number for a in one)
            assert len(one) <= max_attempts + 1, "one trunk fault is forgiven"
        return attempts

    def check_calls(self, campaign_id: int, attempts: Sequence[AttemptRecord]) -> None:
        """The PBX's own books against the store's."""
        assert self.pbx.collisions == []
        ours = [(at, order) for at, order in self.pbx.left if order.campaign_id == campaign_id]
        recorded = {attempt.attempt_id for attempt in attempts}
        assert {order.attempt_id for _, order in ours} == recorded
        assert len(recorded) == len(attempts) == len(ours)
        left_at = {order.attempt_id: at for at, order in ours}
        for one in _by_contact(attempts):
            for before, after in pairwise(one):
                assert before.next_dial_at is not None
                assert left_at[after.attempt_id] >= before.next_dial_at, "never early"


def _by_contact(attempts: Iterable[AttemptRecord]) -> list[list[AttemptRecord]]:
    groups: defaultdict[int, list[AttemptRecord]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda each: each.started_at):
        groups[attempt.contact_id].append(attempt)
    return list(groups.values())


def settings(delay_s: int = 0, **edits: object) -> CampaignSettings:
    merged: dict[str, object] = {**FAST, "redial": redial(delay_s)}
    for group, values in edits.items():
        before = merged.get(group)
        both = isinstance(before, dict) and isinstance(values, dict)
        merged[group] = {**before, **values} if both else values
    return CampaignSettings.model_validate(merged)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes 5 s in the open takes 1 s here."""
    second = timedelta(seconds=1)
    monkeypatch.setattr(recovery, "STILL_ON_ITS_WAY", second)
    monkeypatch.setattr(dialing, "STILL_ON_ITS_WAY", second)
    monkeypatch.setattr(dialing, "HELD_NUMBER_RETRY", second)
    monkeypatch.setattr(why_not, "HELD_NUMBER_RETRY", second)
    monkeypatch.setattr(why_not, "AGENT_RETRY", second)


@pytest.fixture
async def pbx() -> AsyncIterator[WatchedPbx]:
    pbx = WatchedPbx()
    yield pbx
    await pbx.close()


@pytest.fixture
async def stage(store: RedisStore, pbx: WatchedPbx) -> AsyncIterator[Stage]:
    stage = Stage(store, pbx)
    yield stage
    await stage.end()
    with warnings.catch_warnings():
        # Whoever is killed while he connects leaves a socket behind.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def numbers() -> Callable[..., list[str]]:
    return phones


@pytest.fixture
def fast_settings() -> Callable[..., CampaignSettings]:
    return settings


@pytest.fixture
async def second_store(valkey_url: str, stage: Stage) -> AsyncIterator[RedisStore]:
    """The same data over a connection of its own."""
    other = await RedisStore.connect(valkey_url, prefix=stage.store._keys.prefix)
    yield other
    await stage.end()
    await other.close()


@pytest.fixture
def network(valkey_url: str) -> Iterator[FakeProxy]:
    where = urlsplit(valkey_url)
    assert where.hostname and where.port
    with FakeProxy(where.hostname, where.port) as proxy:
        yield proxy


@pytest.fixture
async def far_store(network: FakeProxy, stage: Stage) -> AsyncIterator[RedisStore]:
    """The same data, over a network that can fail."""
    url = f"redis://127.0.0.1:{network.port}/0"
    far = await RedisStore.connect(url, prefix=stage.store._keys.prefix)
    yield far
    await stage.end()
    await far.close()
