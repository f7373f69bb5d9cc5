"""Real worker processes on a server of their own, and attempts as the engine leaves them."""

from __future__ import annotations

import multiprocessing
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess

import pytest

from crm.worker import run_worker
from engine.core.attempt import AttemptRecord
from engine.core.contact import NewContact
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.ports import Settlement
from engine.store import EmbeddedRedis, RedisStore


@pytest.fixture
def url(tmp_path) -> Iterator[str]:
    server = EmbeddedRedis(tmp_path)
    yield server.start()
    server.stop()


@pytest.fixture
async def own(url: str) -> AsyncIterator[RedisStore]:
    store = await RedisStore.connect(url)
    yield store
    await store.close()


@pytest.fixture
def workers(url: str, monkeypatch) -> Iterator[Callable[[], BaseProcess]]:
    monkeypatch.setenv("DIALER_OUTBOUND_ALLOW", "127.0.0.1")
    context = multiprocessing.get_context("spawn")
    started: list[BaseProcess] = []

    def start() -> BaseProcess:
        process = context.Process(target=run_worker, args=(url,), daemon=True)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join(10)


@pytest.fixture
def settle_one() -> Callable[..., Awaitable[str]]:
    """Claims the next contact, or the one of `phone`, which is added, and settles it as busy."""

    async def one(store: RedisStore, campaign_id: int, phone: str | None = None) -> str:
        now = datetime.now(UTC)
        if phone is not None:
            new = NewContact(phone=phone, hours_class="America/New_York")
            await store.contacts.add(campaign_id, [new], now)
        fence = await store.leadership.acquire("test", now, 60)
        assert fence is not None
        await store.campaigns.fence(campaign_id, fence)
        attempt_id = f"{campaign_id}a{secrets.token_hex(10)}"
        classes = await store.calls.hours_classes(campaign_id)
        (claim,) = await store.calls.claim(campaign_id, fence, [attempt_id], classes, now, 60)
        sent = [(attempt_id, "+12025550100", "carrier", "pbx")]
        assert await store.calls.mark_sent(campaign_id, fence, sent, now, 60) == [True]
        record = AttemptRecord(
            attempt_id=attempt_id, campaign_id=campaign_id, contact_id=claim.contact_id,
            external_id=claim.external_id, number=1, phone=claim.phone, caller_id="+12025550100",
            trunk="carrier", node="pbx", started_at=now, ended_at=now, outcome=Outcome.BUSY,
        )  # fmt: skip
        settlement = Settlement(record=record, next=Done("max_attempts"), wrap_up_until=None)
        assert await store.calls.settle(campaign_id, [settlement], now) == [True]
        return attempt_id

    return one
