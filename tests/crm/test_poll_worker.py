"""Live campaigns polled by real worker processes, some of them killed, from a fake CRM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from crm.fake_crm import Asked, FakeCrm, Reply
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import ContactState
from engine.core.settings import CampaignSettings
from engine.store import RedisStore

BOUND_S = 60.0


@pytest.fixture
async def fake() -> AsyncIterator[FakeCrm]:
    async with FakeCrm() as crm:
        yield crm


@pytest.fixture
def campaign(own: RedisStore, fake: FakeCrm):
    """Active, and its id."""

    async def make(config: dict[str, Any] | None = None, **listing: Any) -> int:
        now = datetime.now(UTC)
        row = await own.connectors.create(
            name="fake", kind="rest", config=config or fake.description(), sealed="",
            secret_names=(), actor="test", now=now,
        )  # fmt: skip
        values = {"method": "crm", "connector_id": row.id, "poll_interval_s": 5, **listing}
        settings = CampaignSettings.model_validate({"list": values})
        campaign_id = (await own.campaigns.create("A", settings, [], "test", now)).id
        await move(own, campaign_id, "draft", "active")
        return campaign_id

    return make


async def move(store: RedisStore, campaign_id: int, from_: str, to: str, reason: str = "") -> None:
    step = Transition(CampaignStatus(from_), CampaignStatus(to), reason)
    await store.campaigns.move(campaign_id, step, "test", datetime.now(UTC))


async def until(holds: Callable[[], Awaitable[object]], bound_s: float = BOUND_S) -> None:
    deadline = time.monotonic() + bound_s
    while not await holds():
        assert time.monotonic() < deadline, "did not come in time"
        await asyncio.sleep(0.05)


async def n_contacts(store: RedisStore, campaign_id: int) -> int:
    return (await store.campaigns.get(campaign_id)).n_contacts


async def test_new_leads_come_by_themselves_and_withdrawn_ones_go(own, fake, campaign, workers):
    fake.add(3)
    campaign_id = await campaign(live=True)
    workers()
    await until(lambda: _is(n_contacts(own, campaign_id), 3))
    fake.add(2)
    fake.touch(1, archived=True)
    fake.touch(2, dnc=True)
    await until(lambda: _is(n_contacts(own, campaign_id), 5))
    states = [(await own.contacts.get(campaign_id, i)).state for i in (1, 2, 3)]
    assert states == [ContactState.WITHDRAWN, ContactState.WITHDRAWN, ContactState.READY]
    assert await own.dnc.contains("+12022000002")

    async def is_counted() -> bool:
        status = await own.polls.status(campaign_id)
        return (status.n_failures, status.counts["added"]) == (0, 5)

    await until(is_counted)


async def test_polled_on_while_paused_by_itself_not_while_paused_by_hand(
    own, fake, campaign, workers
):
    campaign_id = await campaign(live=True)
    workers()
    await until(lambda: _is(_n_asked(fake), 1))
    await move(own, campaign_id, "active", "paused", "no_contacts")
    fake.add(1)
    await until(lambda: _is(n_contacts(own, campaign_id), 1))
    await move(own, campaign_id, "paused", "paused", "manual")
    await asyncio.sleep(2.5)
    n = len(fake.asked)
    fake.add(1)
    await asyncio.sleep(6)
    assert len(fake.asked) == n
    await move(own, campaign_id, "paused", "active")
    await until(lambda: _is(n_contacts(own, campaign_id), 2))


async def test_a_list_that_is_not_live_is_read_once_and_then_completes(
    own, fake, campaign, workers
):
    fake.add(250)
    campaign_id = await campaign()
    workers()

    async def is_read() -> bool:
        status = await own.polls.status(campaign_id)
        return status is not None and status.done

    await until(is_read)
    assert await n_contacts(own, campaign_id) == 250
    n = len(fake.asked)
    await asyncio.sleep(7)
    assert len(fake.asked) == n == 3


async def test_an_error_is_told_and_poll_now_tries_again(own, fake, campaign, workers):
    fake.faults.append(Reply(401, {"error": "expired"}))
    campaign_id = await campaign(live=True)
    workers()

    async def failed() -> bool:
        status = await own.polls.status(campaign_id)
        return status is not None and status.n_failures == 1

    await until(failed)
    status = await own.polls.status(campaign_id)
    assert (status.error_code, "401" in status.error) == ("auth", True)

    async def backs_off() -> bool:
        found = await own.polls.status(campaign_id)
        return (found.next_at - datetime.now(UTC)).total_seconds() > 60

    await until(backs_off)
    fake.add(1)
    await own.polls.now([campaign_id], datetime.now(UTC))
    await until(lambda: _is(n_contacts(own, campaign_id), 1))

    async def is_well() -> bool:
        return (await own.polls.status(campaign_id)).n_failures == 0

    await until(is_well)


async def test_workers_are_killed_and_nothing_is_lost_or_twice(own, fake, campaign, workers):
    campaign_id = await campaign(live=True)
    for _ in range(6):
        process = workers()
        for _ in range(4):
            fake.add(60)
            await asyncio.sleep(0.3)
        process.kill()
        process.join(10)
    workers()
    total = len(fake.leads)
    await own.polls.now([campaign_id], datetime.now(UTC))
    await until(lambda: _is(n_contacts(own, campaign_id), total), bound_s=120)
    contacts, _ = await own.contacts.list(campaign_id, limit=10_000)
    assert sorted(int(contact.external_id) for contact in contacts) == sorted(fake.leads)


# ------------------------------------------------------------------------------ write-back


async def test_calls_are_written_back_in_order_and_once_through_errors(
    own, fake, campaign, workers, settle_one
):
    fake.add(6)
    campaign_id = await campaign(live=True)
    workers()
    await until(lambda: _is(n_contacts(own, campaign_id), 6))
    await own.polls.plan({}, datetime.now(UTC))
    ids = []
    for n in range(6):
        if n == 2:
            fake.faults.append(Reply(500, {}))
        if n == 4:
            fake.faults.append(Reply(400, {"error": "no such lead"}))
        ids.append(await settle_one(own, campaign_id))
        await asyncio.sleep(0.1)
    await move(own, campaign_id, "active", "stopped")

    async def is_told() -> bool:
        status = await own.outbox.status(campaign_id)
        return status.n_waiting == 0 and status.n_pushed + status.n_dead == 6

    await until(is_told)
    told = [call["uniq"] for call in fake.calls]
    dead = [letter.attempt_id for letter in await own.outbox.dead(campaign_id)]
    assert sorted(told + dead) == sorted(ids) and len(dead) <= 1
    assert told == [one for one in ids if one not in dead], "in order"
    assert await own.outbox.redo(campaign_id) == len(dead)
    await own.outbox.follow([campaign_id])
    await until(lambda: _is(_n_calls(fake), 6))


async def test_a_batch_that_is_refused_is_told_one_by_one(own, fake, campaign, workers, settle_one):
    batch = {"path": "/batch", "max": 10, "body": {"all": "{calls}"},
             "item": {"uniq": "{call.attempt_id}"}, "results": "results", "id": "id",
             "failed": "error"}  # fmt: skip
    description = fake.description()
    description["push"]["batch"] = batch
    description["push"]["opt_out"] = {"method": "PUT", "path": "/opt-out",
                                      "body": {"lead": "{call.external_id}"}}  # fmt: skip
    seen: list[list[str]] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/opt-out":
            return Reply(204)
        if asked.path != "/batch":
            return fake._list(asked)
        ids = [one["uniq"] for one in asked.json()["all"]]
        seen.append(ids)
        return Reply(400, {"error": "one of them is bad"})

    fake.listing = answer
    fake.add(4)
    campaign_id = await campaign(description, live=True)
    process = workers()
    await until(lambda: _is(n_contacts(own, campaign_id), 4))
    process.kill()
    process.join(10)
    first = await own.contacts.get(campaign_id, 1)
    await own.dnc.add(first.phone, source="key", actor="t", now=datetime.now(UTC))
    ids = [await settle_one(own, campaign_id) for _ in range(4)]
    workers()

    async def is_told() -> bool:
        status = await own.outbox.status(campaign_id)
        return status.n_waiting == 0 and status.n_pushed + status.n_dead == 4

    await until(is_told, bound_s=120)
    assert seen == [ids], "all at once, then one by one"
    assert [call["uniq"] for call in fake.calls] == ids
    opted_out = [asked.json() for asked in fake.asked if asked.path == "/opt-out"]
    assert opted_out == [{"lead": "1"}]


async def test_leads_that_were_deleted_are_withdrawn(own, fake, campaign, workers):
    description = fake.description()
    description["existing"] = {"path": "/exist", "params": {"ids": "{ids|csv}"}, "items": "data"}

    def answer(asked: Asked) -> Reply:
        if asked.path != "/exist":
            return fake._list(asked)
        asked_for = [int(one) for one in asked.query["ids"].split(",")]
        return Reply(200, {"data": [one for one in asked_for if one in fake.leads]})

    fake.listing = answer
    fake.add(3)
    campaign_id = await campaign(description, live=True)
    workers()
    await until(lambda: _is(n_contacts(own, campaign_id), 3))
    del fake.leads[2]
    # As if it had been looked for long ago.
    await own.polls.note_checked(campaign_id, datetime(2026, 1, 1, tzinfo=UTC))

    async def is_gone() -> bool:
        contact = await own.contacts.get(campaign_id, 2)
        return contact.state is ContactState.WITHDRAWN

    await until(is_gone)
    states = [(await own.contacts.get(campaign_id, i)).state for i in (1, 3)]
    assert states == [ContactState.READY] * 2


async def _is(count: Awaitable[int], wanted: int) -> bool:
    return await count >= wanted


async def _n_asked(fake: FakeCrm) -> int:
    return len(fake.asked)


async def _n_calls(fake: FakeCrm) -> int:
    return len(fake.calls)
