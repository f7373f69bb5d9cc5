"""A real Asterisk, our real processes as children, and networks between them that can fail."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from cli.asterisk_cdr import CarrierCall
from cli.asterisk_process import tail, wait_until
from cli.asterisk_rig import Rig
from cli.processes import Child
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign, CampaignStatus, Command, decide_transition
from engine.core.contact import COMPLETE, Contact, NewContact
from engine.core.errors import StoreUnavailable
from engine.core.hours import hours_class
from engine.core.outcome import Outcome
from engine.core.settings import CampaignSettings
from engine.store import RedisStore, loopback
from engine.store.embedded import EmbeddedRedis
from telephony.fake_proxy import FakeProxy

N_AGENTS = 5
TALK_S = 2.0
POLL_S = 0.1
PATIENCE_S = 90.0
#: What a number may come to when nothing is lost; docs/carrier.md.
OUTCOMES: Mapping[str, frozenset[Outcome]] = {
    "00": frozenset({Outcome.ANSWERED, Outcome.ABANDONED}),
    "01": frozenset({Outcome.BUSY}),
    "02": frozenset({Outcome.NO_ANSWER}),
    "03": frozenset({Outcome.FAILED}),
    "04": frozenset({Outcome.INVALID_NUMBER}),
    "07": frozenset({Outcome.ANSWERED, Outcome.HUNG_UP_EARLY}),
    "09": frozenset({Outcome.REJECTED}),
    "13": frozenset({Outcome.INVALID_NUMBER}),
    "15": frozenset({Outcome.FAILED}),
    "25": frozenset({Outcome.ANSWERED, Outcome.ABANDONED}),
}
PEOPLE = ("00", "25")
#: An answer that crosses our hang-up on the wire lasts milliseconds at the carrier.
CROSSED_S = 0.1
SETTINGS = {
    "dialing": {
        "trunk": "carrier",
        "caller_ids": ["+12025550100"],
        "ring_timeout_s": 5,
        "max_cps": 50,
    },
    "redial": {
        "max_attempts": 3,
        "max_trunk_faults": 1,
        "rules": {
            "busy": {"delay_s": 2, "max": 1},
            "no_answer": {"delay_s": 2, "max": 1},
            "failed": {"delay_s": 2, "max": 1},
            "hung_up_early": {"delay_s": 2, "max": 1},
            "unknown": {"delay_s": 2, "max": 1},
            "cancelled": {"delay_s": 2, "max": 1},
        },
    },
    "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
    "wrap_up_s": 0,
}


def now() -> datetime:
    return datetime.now(UTC)


def scenario_of(number: str) -> str:
    return number.lstrip("+")[7:9]


@dataclass
class Floor:
    """One contact centre: Redis, Asterisk, agents, and processes to start and to kill."""

    folder: Path
    rig: Rig
    server: EmbeddedRedis
    url: str
    store: RedisStore
    area: int
    began_at: datetime = field(default_factory=now)
    children: list[Child] = field(default_factory=list)
    exit: ExitStack = field(default_factory=ExitStack)
    agent_ids: list[int] = field(default_factory=list)

    # ---------------------------------------------------------------------- processes

    def start(self, command: str = "engine", **env: str) -> Child:
        """`dialer <command>`; settings of the environment over those of this floor."""
        log_file = self.folder / f"{command}-{len(self.children)}.log"
        child = Child([command], {**self.env(), **env}, log_file)
        child.start()
        self.children.append(child)
        return child

    def env(self) -> dict[str, str]:
        return {
            **self.rig.env(),
            "DIALER_REDIS_URL": self.url,
            "REDIS_URL": self.url,
            "DIALER_RQ_REDIS_URL": self.url,
            "RQ_REDIS_URL": self.url,
            "DIALER_DATA_DIR": str(self.folder),
            "DIALER_LEASE_S": "3",
            "DIALER_LOG_LEVEL": "info",
            "NO_COLOR": "1",
        }

    def proxy_to_asterisk(self) -> tuple[FakeProxy, dict[str, str]]:
        """A network between one engine and Asterisk, and the settings that go through it."""
        proxy = self.exit.enter_context(FakeProxy(self.rig.ami_host, self.rig.ami_port))
        return proxy, {"DIALER_AMI_HOST": "127.0.0.1", "DIALER_AMI_PORT": str(proxy.port)}

    def channels(self) -> str:
        roles, ask = ("pbx", "carrier", "phones"), "core show channels concise"
        return "\n".join(f"--- {role}\n{self.rig.cli(role, ask)}" for role in roles)

    def logs(self) -> str:
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{tail(file, 25)}" for file in files)

    # ----------------------------------------------------------------------- campaigns

    async def hire(self, n: int = N_AGENTS, mode: str = "off_hook") -> list[int]:
        for extension in self.rig.extensions[:n]:
            agent = await self.store.agents.create(
                name=f"agent {extension}", extension=extension, mode=mode, actor="t", now=now()
            )  # type: ignore[arg-type]
            await self.store.agents.set_wanted(
                agent.id, wanted_in=True, wanted_pause=None, now=now()
            )
            self.agent_ids.append(agent.id)
        return self.agent_ids

    def numbers(self, **n_of_scenario: int) -> list[str]:
        """`numbers(s00=3)`; no other test of this run calls them. Mixed, the same each time."""
        groups = [
            [f"+1{self.area}555{name.removeprefix('s')}{number:02d}" for number in range(n)]
            for name, n in n_of_scenario.items()
        ]
        spread = [(i / len(group), phone) for group in groups for i, phone in enumerate(group)]
        return [phone for _, phone in sorted(spread)]

    async def campaign(self, numbers: Sequence[str], *, play: bool = True, **edits: object) -> int:
        """`edits` are groups of settings in place of those of SETTINGS."""
        settings = CampaignSettings.model_validate({**SETTINGS, **edits})
        campaign = await self.store.campaigns.create("test", settings, self.agent_ids, "t", now())
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

    # ------------------------------------------------------------------------- looking

    async def until(
        self, what: Callable[[], object], patience_s: float = PATIENCE_S, why: str = ""
    ) -> None:
        deadline = time.monotonic() + patience_s
        while not what():
            if time.monotonic() >= deadline:
                late = f"{why} not within {patience_s} s"
                raise AssertionError(f"{late}\n{self.channels()}\n{self.logs()}")
            await asyncio.sleep(POLL_S)

    async def get(self, campaign_id: int) -> Campaign:
        """Also from a Redis that was just restarted: its old connections fail once each."""
        deadline = time.monotonic() + 20
        while True:
            with suppress(StoreUnavailable):
                return await self.store.campaigns.get(campaign_id)
            assert time.monotonic() < deadline, "Redis does not come back"
            await asyncio.sleep(POLL_S)

    async def reaches(self, campaign_id: int, percent: float) -> None:
        """Wait until so much of the campaign is done."""
        deadline = time.monotonic() + PATIENCE_S
        while (await self.get(campaign_id)).progress < percent:
            assert time.monotonic() < deadline, self.logs()
            await asyncio.sleep(POLL_S)

    async def completed(self, campaign_id: int, patience_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + patience_s
        while (campaign := await self.get(campaign_id)).status is not CampaignStatus.COMPLETED:
            if time.monotonic() >= deadline:
                waiting = [c for c in await self.contacts(campaign_id) if c.state not in COMPLETE]
                raise AssertionError(f"{campaign}\n{waiting}\n{self.channels()}\n{self.logs()}")
            await asyncio.sleep(POLL_S)
        assert campaign.progress == 100

    async def attempts(self, campaign_id: int) -> list[AttemptRecord]:
        page, after = await self.store.attempts.list(campaign_id, limit=1000)
        assert after is None
        return list(page)

    async def contacts(self, campaign_id: int) -> list[Contact]:
        page, _ = await self.store.contacts.list(campaign_id, limit=1000)
        return list(page)

    def carrier_calls(self) -> list[CarrierCall]:
        """Of this test, in order of their start."""
        ours = [c for c in self.rig.carrier_calls() if c.number.startswith(f"1{self.area}555")]
        return sorted(ours, key=lambda call: call.started_at)

    def n_live(self, role: str = "carrier") -> int:
        return int(self.rig.cli(role, "core show channels count").split()[0])

    async def carrier_idle(self) -> None:
        """Every call has ended, so the carrier has written its record."""
        await self.until(lambda: self.n_live() == 0, 30, "the carrier idle")

    async def all_settled(self, campaign_id: int) -> None:
        """An ended call is settled a moment after the carrier wrote its record."""
        deadline = time.monotonic() + 30
        while live := await self.store.calls.live(campaign_id):
            assert time.monotonic() < deadline, f"not settled: {live}\n{self.logs()}"
            await asyncio.sleep(POLL_S)

    # ------------------------------------------------------------------------- judging

    async def check(
        self, campaign_id: int, *, may_be_unknown: bool = False, is_final: bool = True
    ) -> list[AttemptRecord]:
        """The carrier's own books against ours."""
        await self.carrier_idle()
        await self.all_settled(campaign_id)
        attempts, calls = await self.attempts(campaign_id), self.carrier_calls()
        of_number, seen = by_number(attempts), calls_by_number(calls)
        assert {n: len(a) for n, a in of_number.items()} == {n: len(c) for n, c in seen.items()}
        assert not overlapping(seen)
        for number, ours in of_number.items():
            judge(ours, seen[number], may_be_unknown=may_be_unknown)
        if is_final:
            contacts = await self.contacts(campaign_id)
            assert all(contact.state in COMPLETE for contact in contacts)
            assert {c.phone.lstrip("+") for c in contacts} == set(seen), "nobody is lost"
        return attempts


def by_number(attempts: Sequence[AttemptRecord]) -> dict[str, list[AttemptRecord]]:
    groups: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda each: each.started_at):
        groups[attempt.phone.lstrip("+")].append(attempt)
    return dict(groups)


def calls_by_number(calls: Sequence[CarrierCall]) -> dict[str, list[CarrierCall]]:
    groups: defaultdict[str, list[CarrierCall]] = defaultdict(list)
    for call in sorted(calls, key=lambda each: each.started_at):
        groups[call.number].append(call)
    return dict(groups)


def overlapping(seen: Mapping[str, Sequence[CarrierCall]]) -> list[str]:
    return [
        number
        for number, calls in seen.items()
        if any(after.started_at < before.ended_at for before, after in pairwise(calls))
    ]


def judge(
    attempts: Sequence[AttemptRecord], calls: Sequence[CarrierCall], *, may_be_unknown: bool
) -> None:
    """One number: outcomes fit what it does, redials are never early, people were served."""
    possible = OUTCOMES[scenario_of(calls[0].number)] | {Outcome.CANCELLED}
    possible |= {Outcome.UNKNOWN} if may_be_unknown else frozenset()
    assert len(attempts) <= 3
    for attempt, call in zip(attempts, calls, strict=True):
        assert attempt.outcome in possible, (attempt, call)
        if is_person(call) and attempt.outcome is not Outcome.UNKNOWN:
            assert attempt.bridged_at or attempt.message_played, (attempt, call)
        if attempt.outcome is Outcome.ANSWERED:
            assert call.answered_at is not None, (attempt, call)
    for before, after in pairwise(range(len(attempts))):
        due_at = attempts[before].next_dial_at
        assert due_at is not None and calls[after].started_at >= due_at, attempts


def is_person(call: CarrierCall) -> bool:
    """Answered, and waits until somebody speaks."""
    if call.answered_at is None or scenario_of(call.number) not in PEOPLE:
        return False
    return (call.ended_at - call.answered_at).total_seconds() > CROSSED_S


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return loopback.free_port


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Pbx, carrier and the agents' phones, shared by all tests of this folder."""
    with Rig(tmp_path_factory.mktemp("rig"), n_phones=N_AGENTS) as running:
        running.set_phones(talk_ms=round(TALK_S * 1000), answer_ms=100)
        yield running


@pytest.fixture(scope="session")
def areas() -> Iterator[int]:
    """An area code for each test, so that the carrier's records of one are told from another's."""
    return iter((202, 212, 305, 312, 415, 404, 214, 617, 713, 206, 303, 602, 702, 503, 619, 818))


@pytest.fixture
async def floor(rig: Rig, tmp_path: Path, areas: Iterator[int]) -> AsyncIterator[Floor]:
    server = EmbeddedRedis(tmp_path / "redis")
    url = server.start()
    try:
        store = await RedisStore.connect(url)
        floor = Floor(tmp_path, rig, server, url, store, next(areas))
        try:
            yield floor
        finally:
            for child in reversed(floor.children):
                end(child)
            floor.exit.close()
            await store.close()
            clear(rig)
    finally:
        server.stop()


def end(child: Child) -> None:
    """Also one that was stopped by a signal."""
    child.kill()


def clear(rig: Rig) -> None:
    """No call, no agent on the line, no record left for the next test."""
    rig.start()
    for role in ("carrier", "phones", "pbx"):
        rig.cli(role, "channel request hangup all")
    wait_until(lambda: not n_channels(rig), 15)
    rig.cli("pbx", "database deltree dialer-r")
    for number in range(1, 4):
        for extension in rig.extensions:
            for interface in (f"Local/{extension}@dialer-agent/n", f"PJSIP/{extension}"):
                with suppress(Exception):
                    rig.cli("pbx", f"queue remove member {interface} from dialer-{number}")


def n_channels(rig: Rig) -> int:
    return sum(
        int(rig.cli(role, "core show channels count").split()[0]) for role in ("pbx", "carrier")
    )
