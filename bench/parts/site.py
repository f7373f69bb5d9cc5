"""What is measured: a rig, a Redis, and one campaign that is paused between measurements."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.parts.cpu import Sample, sample
from cli.asterisk import Rig
from cli.processes import Child, Children
from engine.core.agent import AgentState
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Command, decide_transition
from engine.core.contact import NewContact
from engine.core.hours import hours_class
from engine.core.settings import CampaignSettings
from engine.store import RedisStore
from engine.store.embedded import EmbeddedRedis

READY_TIMEOUT_S = 60.0
DRAIN_TIMEOUT_S = 30.0
COMPLETE_TIMEOUT_S = 120.0
POLL_S = 0.1
#: So long a person of the benchmarks stays who answers: talk time must not bound the rate.
TALK_S = 1


class Site:
    """Async context manager; everything in it ends with it."""

    def __init__(self, n_agents: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dialer-bench-"))
        self.n_agents = n_agents
        self.rig: Rig
        self.store: RedisStore
        self.campaign_id = 0
        self.agent_ids: list[int] = []
        self._exit = ExitStack()
        self._children = Children()
        self._redis = EmbeddedRedis(self.folder / "redis")
        self._engine: Child | None = None

    async def __aenter__(self) -> Self:
        self._exit.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.rig = self._exit.enter_context(Rig(self.folder / "rig", n_phones=self.n_agents))
            self.rig.set_carrier(SILENCE_S=TALK_S)
            self._redis_url = self._redis.start()
            self._exit.callback(self._redis.stop)
            self._exit.enter_context(self._children)
            self.store = await RedisStore.connect(self._redis_url)
        except BaseException:
            self._exit.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.store.close()
        self._exit.close()

    # ------------------------------------------------------------------------ the campaign

    async def make_campaign(self, phones: Sequence[str]) -> None:
        """Paused, with all agents; every number is called once."""
        agents = [
            await self.store.agents.create(
                name=f"Agent {ext}", extension=ext, mode="off_hook", actor="bench", now=now()
            )
            for ext in self.rig.extensions
        ]
        self.agent_ids = [agent.id for agent in agents]
        for agent in agents:
            await self.store.agents.set_wanted(
                agent.id, wanted_in=True, wanted_pause=None, now=now()
            )
        await self.make_another(phones, settings(1))

    async def make_another(self, phones: Sequence[str], how: CampaignSettings) -> None:
        """A campaign with the same agents, paused; from now on it is the one."""
        campaign = await self.store.campaigns.create("bench", how, self.agent_ids, "bench", now())
        self.campaign_id = campaign.id
        contacts = [NewContact(phone=p, hours_class=hours_class(p, None)) for p in phones]
        await self.store.contacts.add(campaign.id, contacts, now())
        await self.move(Command.PLAY)
        await self.move(Command.PAUSE)

    async def move(self, command: Command) -> None:
        campaign = await self.store.campaigns.get(self.campaign_id)
        transition = decide_transition(campaign, command)
        assert transition is not None
        await self.store.campaigns.move(self.campaign_id, transition, "bench", now())

    async def set_rate(self, calls_per_s: float) -> None:
        await self.store.campaigns.update(
            self.campaign_id, settings=settings(calls_per_s), actor="bench", now=now()
        )

    async def attempts(self) -> list[AttemptRecord]:
        found: list[AttemptRecord] = []
        after: str | None = None
        while True:
            listed = self.store.attempts.list(self.campaign_id, after=after, limit=1000)
            page, after = await listed
            found += page
            if after is None:
                return found

    async def drained(self, timeout_s: float = DRAIN_TIMEOUT_S) -> None:
        """Until no call is in flight any more."""

        async def none_in_flight() -> bool:
            counts = await self.store.calls.counts(self.campaign_id)
            return counts.get("in_flight", 0) == 0

        await self._until(none_in_flight, timeout_s, "the calls did not end")

    async def completed(self) -> None:
        """Until every contact was called."""

        async def is_final() -> bool:
            return (await self.store.campaigns.get(self.campaign_id)).is_final

        await self._until(is_final, COMPLETE_TIMEOUT_S, "the campaign did not complete")

    # -------------------------------------------------------------------------- processes

    def start(self, command: str, **more: str) -> Child:
        """`dialer <command>`; `more` settings of its environment."""
        env = {**os.environ, **self.rig.env(), "REDIS_URL": self._redis_url, **more}
        env["DIALER_REDIS_URL"] = self._redis_url
        return self._children.start(Child([command], env, self.folder / f"{command}.log"))

    async def start_engine(self) -> int:
        """`dialer engine`, until all agents are available. Its pid."""
        self._engine = self.start("engine")

        async def all_available() -> bool:
            # What this engine says: the agents' own states may be left from the one before.
            figures = await self.store.campaigns.live_figures(self.campaign_id) or {}
            agents = figures.get("agents")
            return isinstance(agents, Mapping) and agents[AgentState.AVAILABLE] == self.n_agents

        await self._until(all_available, READY_TIMEOUT_S, "the agents did not become available")
        assert self._engine.pid is not None
        return self._engine.pid

    async def _until(
        self, condition: Callable[[], Awaitable[bool]], timeout_s: float, otherwise: str
    ) -> None:
        """Poll. Raises TimeoutError with the given words and what the engine said last."""
        deadline = time.monotonic() + timeout_s
        while not await condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise}\n{self.engine_log()}")
            await asyncio.sleep(POLL_S)

    async def stop_engine(self) -> None:
        """Until its last word is out of date, so that the next engine is not taken for ready."""
        assert self._engine is not None
        self._engine.terminate()
        self._children.children.remove(self._engine)
        self._engine = None

        async def is_silent() -> bool:
            return await self.store.campaigns.live_figures(self.campaign_id) is None

        await self._until(is_silent, READY_TIMEOUT_S, "the live figures stayed")

    def engine_log(self) -> str:
        return (self.folder / "engine.log").read_text()[-2000:]

    def sample(self, **more: int) -> Sample:
        """Processor time of Redis and the three Asterisks, and of the named pids."""
        asterisks = {name: pid for name, pid in self.rig.status().items() if pid is not None}
        return sample({**asterisks, "redis": self._redis.pid, **more})

    def forget_records(self) -> None:
        """Hangup records that nobody settles."""
        self.rig.cli("pbx", "database deltree dialer-r")


def settings(calls_per_s: float) -> CampaignSettings:
    """Redial off, all hours open, nothing but the rate and idle agents limits."""
    return CampaignSettings.model_validate({
        "dialing": {
            "trunk": "carrier",
            "caller_ids": ["+12025550100"],
            "ring_timeout_s": 10,
            "max_channels": 1000,
            "max_cps": calls_per_s,
        },
        "redial": {"max_attempts": 1},
        "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
        "wrap_up_s": 0,
    })  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)
