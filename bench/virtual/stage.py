"""Engines, a store and a PBX on one virtual clock, and what people and faults do to them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.virtual.people import FaultyTelephony, LivelyPbx
from bench.virtual.plan import BEGAN_AT, Plan
from bench.virtual.store import BlockingLink, Network, store_on
from bench.virtual.time import VirtualClock, VirtualLoop
from engine.core.agent import Agent
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Command, decide_transition
from engine.core.contact import Contact, NewContact
from engine.core.errors import CampaignFinal, InvalidTransition
from engine.core.hours import hours_class
from engine.service.engine import Engine
from engine.service.world import EngineSettings
from engine.store import RedisStore

#: Numbers are drawn from so many times as many as there are contacts: some are called by several.
NUMBERS_PER_CONTACT = 3
LOOK_S, LEASE_S, TICK_S = 0.2, 3.0, 0.2


@dataclass
class Running:
    """One engine with its own link and connection, as a process would be."""

    engine: Engine
    telephony: FaultyTelephony
    link: BlockingLink
    task: asyncio.Task[None]
    stop: asyncio.Event

    async def crash(self) -> None:
        """As kill -9 would end it: nothing more is sent or settled."""
        self.telephony.leave()
        tasks = {self.task, *self.engine.world.tasks}
        for task in sorted(tasks, key=asyncio.Task.get_name):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.link.close()

    async def end(self) -> None:
        """As SIGTERM would."""
        self.stop.set()
        await self.task
        self.telephony.leave()
        await self.link.close()


@dataclass
class Stage:
    plan: Plan
    clock: VirtualClock
    pbx: LivelyPbx
    #: Of the engines; what people do never fails.
    network: Network
    store: RedisStore
    prefix: str
    dice: random.Random
    running: list[Running] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    campaign_ids: list[int] = field(default_factory=list)
    n_engines: int = 0

    @classmethod
    def of(cls, plan: Plan, loop: VirtualLoop, url: str, prefix: str) -> Stage:
        clock = VirtualClock(loop, BEGAN_AT)
        calm = Network(url, random.Random(f"{plan.seed} calm"))
        return cls(
            plan=plan,
            clock=clock,
            pbx=LivelyPbx(plan.public, plan.seed, clock.now),
            network=Network(
                url,
                random.Random(f"{plan.seed} network"),
                tidings=calm.tidings,
                look_s=LOOK_S * plan.ease,
            ),
            store=store_on(calm, prefix)[0],
            prefix=prefix,
            dice=random.Random(f"{plan.seed} stage"),
        )

    # ----------------------------------------------------------------------------- making

    async def furnish(self) -> None:
        for number, mode in enumerate(self.plan.agents):
            extension = str(1001 + number)
            agent = await self.store.agents.create(
                name=extension, extension=extension, mode=mode, actor="p", now=self.clock.now()
            )
            self.agents.append(agent)
            await self.want(agent, wanted_in=True)
        for campaign in self.plan.campaigns:
            agent_ids = [self.agents[place].id for place in campaign.agents]
            made = await self.store.campaigns.create(
                "simulated", campaign.settings, agent_ids, "p", self.clock.now()
            )
            await self.store.contacts.add(
                made.id, self._contacts(campaign.n_contacts), self.clock.now()
            )
            self.campaign_ids.append(made.id)
            await self.tell(made.id, Command.PLAY)

    def _contacts(self, n: int) -> list[NewContact]:
        of_all = range(NUMBERS_PER_CONTACT * n)
        phones = [f"+1212{2_000_000 + number}" for number in self.dice.sample(of_all, n)]
        return [NewContact(phone=phone, hours_class=hours_class(phone, None)) for phone in phones]

    def start(self) -> Running:
        self.n_engines += 1
        store, link = store_on(self.network, self.prefix)
        dice = random.Random(f"{self.plan.seed} engine {self.n_engines}")
        telephony, stop = FaultyTelephony(self.pbx, dice), asyncio.Event()
        settings = EngineSettings(
            owner=f"engine-{self.n_engines}",
            entropy=dice.getrandbits,
            lease_s=LEASE_S * self.plan.ease,
            tick_s=TICK_S * min(self.plan.ease, 5),
        )
        engine = Engine(store, telephony, self.clock, settings)
        task = asyncio.create_task(engine.run(stop), name=settings.owner)
        self.running.append(Running(engine, telephony, link, task, stop))
        return self.running[-1]

    async def close(self) -> None:
        for one in self.running:
            await one.crash()
        await self.pbx.close()
        await self.store.close()

    # ------------------------------------------------------------------- what people do

    async def want(self, agent: Agent, *, wanted_in: bool, pause: str | None = None) -> None:
        now = self.clock.now()
        await self.store.agents.set_wanted(
            agent.id, wanted_in=wanted_in, wanted_pause=pause, now=now
        )

    async def tell(self, campaign_id: int, command: Command) -> None:
        """As a page would: what the state does not allow is refused."""
        campaign = await self.store.campaigns.get(campaign_id)
        try:
            transition = decide_transition(campaign, command)
            assert transition is not None
            await self.store.campaigns.move(campaign_id, transition, "p", self.clock.now())
        except (CampaignFinal, InvalidTransition):
            return

    # --------------------------------------------------------------------------- looking

    async def until(self, what: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        """False when `what` does not come true within so many virtual seconds."""
        end_s = self.clock.monotonic() + seconds
        while not await what():
            self.raise_the_dead()
            if self.clock.monotonic() >= end_s:
                return False
            await asyncio.sleep(1.0)
        return True

    def raise_the_dead(self) -> None:
        if self.pbx.faults:
            raise self.pbx.faults[0]
        for one in self.running:
            if one.task.done():
                one.task.result()
                raise AssertionError("an engine ended by itself")

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
