"""A scriptable AMI server, an adapter connected to it, and what came out of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.core import ids
from engine.core.agent import Agent
from engine.core.call_events import LinkUp, TelephonyEvent
from engine.ports import DialOrder
from telephony.asterisk import AsteriskTelephony
from telephony.config import AmiConfig
from telephony.fake_asterisk import FakeAsterisk

BOUND_S = 10.0
ATTEMPT = ids.attempt_id(5, datetime(2026, 11, 23, tzinfo=UTC), 1)


async def eventually(condition: Callable[[], Any]) -> None:
    """Returns when it holds; fails when it does not within a bound."""
    async with asyncio.timeout(BOUND_S):
        while not condition():
            await asyncio.sleep(0.005)


class Seen:
    """All events of an adapter, in order, collected by its one consumer."""

    def __init__(self, telephony: AsteriskTelephony) -> None:
        self.events: list[TelephonyEvent] = []
        self.task = asyncio.create_task(self._collect(telephony))

    async def _collect(self, telephony: AsteriskTelephony) -> None:
        async for event in telephony.events():
            self.events.append(event)

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    async def n(self, kind: type, count: int) -> list[Any]:
        """The events of this kind, once there are so many."""
        await eventually(lambda: len(self.of(kind)) >= count)
        return self.of(kind)


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    async with FakeAsterisk() as fake:
        yield fake


@pytest.fixture
def config(fake: FakeAsterisk) -> AmiConfig:
    """Every wait short, so that faults are noticed within a test."""
    return AmiConfig(
        host=fake.host,
        port=fake.port,
        username=fake.username,
        secret=fake.secret,
        connect_timeout_s=5.0,
        boot_timeout_s=5.0,
        write_timeout_s=0.2,
        action_timeout_s=1.0,
        list_timeout_s=1.0,
        ping_every_s=30.0,
        ping_timeout_s=0.5,
        backoff_s=0.02,
        backoff_max_s=0.1,
        backoff_refused_s=0.2,
        doubt_turn_s=0.2,
    )


@pytest.fixture
async def connect(config: AmiConfig) -> AsyncIterator[Callable[..., Any]]:
    """Makes an adapter with changes to the configuration; returns it and what it sees."""
    made: list[tuple[AsteriskTelephony, Seen]] = []

    def connect(**changes: Any) -> tuple[AsteriskTelephony, Seen]:
        telephony = AsteriskTelephony(replace(config, **changes))
        telephony.start()
        made.append((telephony, Seen(telephony)))
        return made[-1]

    yield connect
    for telephony, seen in made:
        await telephony.close()
        seen.task.cancel()
        await asyncio.wait({seen.task})


@pytest.fixture
async def up(connect: Callable[..., Any]) -> tuple[AsteriskTelephony, Seen]:
    """An adapter that is connected, and what it sees."""
    telephony, seen = connect()
    await seen.n(LinkUp, 1)
    return telephony, seen


@pytest.fixture
def attempt() -> str:
    return ATTEMPT


@pytest.fixture
def order() -> DialOrder:
    return DialOrder(
        attempt_id=ATTEMPT,
        campaign_id=5,
        contact_id=7,
        phone="+12025550123",
        caller_id="+12025550100",
        trunk="carrier",
        queue="dialer-1",
        ring_timeout_s=20,
    )


@pytest.fixture
def agent() -> Agent:
    return Agent(
        id=1,
        name="Ann",
        extension="1001",
        mode="off_hook",
        campaign_ids=(5,),
        state_since=datetime(2026, 11, 23, tzinfo=UTC),
    )


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    return eventually
