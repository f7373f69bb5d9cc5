"""Webhooks that we send: signed, once for each event, through errors, bounded, by real workers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Standard

from crm import hook_run
from crm.fake_crm import Asked, FakeCrm, Reply
from crm.hook_queue import HookQueue
from crm.hook_run import RETRIES_S, send_waiting
from crm.outbound import Outbound
from crm.secrets import Vault
from crm.signature import new_secret
from engine.core.campaign import CampaignStatus, Transition
from engine.core.settings import CampaignSettings
from engine.store import Delivery, DeliveryStatus, Message, RedisStore, Webhook

LOCAL = Outbound(("127.0.0.1",))
SECRET = new_secret()
KEY = "a key of the tests that is long"
OK = Reply(204)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def receiver() -> AsyncIterator[FakeCrm]:
    async with FakeCrm(listing=lambda _asked: OK) as fake:
        yield fake


@pytest.fixture
def make(store: RedisStore, receiver: FakeCrm):
    async def one(of: RedisStore | None = None, **more) -> Webhook:
        values = {"name": "A", "url": f"{receiver.url}/in?x=1", "events": (), "campaign_ids": ()}
        sealed = Vault([KEY]).seal({"secret": SECRET})
        return await (of or store).webhooks.create(
            **{**values, **more}, sealed=sealed, actor="t", now=now()
        )

    return one


async def new_campaign(store: RedisStore, name: str = "A") -> int:
    return (await store.campaigns.create(name, CampaignSettings(), [], "test", now())).id


async def move(store: RedisStore, campaign_id: int, from_: str, to: str) -> None:
    step = Transition(CampaignStatus(from_), CampaignStatus(to), "")
    await store.campaigns.move(campaign_id, step, "test", now())


async def pump(store: RedisStore, webhook: Webhook) -> int:
    await HookQueue(store).fill(now())
    return await send_waiting(store, webhook, SECRET, LOCAL, lambda: True)


async def only(store: RedisStore, webhook: Webhook) -> Delivery:
    (one,) = await store.webhooks.deliveries(webhook.id)
    return one


def checked(asked: Asked) -> dict:
    """Another implementation of the standard agrees that it is from us."""
    return Standard(SECRET).verify(asked.body, dict(asked.headers))


async def ping(store: RedisStore, webhook: Webhook, name: str = "p") -> None:
    await store.webhooks.add(webhook.id, Message(f"msg_{name}", "ping", "{}"), now())


async def test_events_of_campaigns_are_told_once_and_signed(store, receiver, make):
    old = await new_campaign(store, "before")
    await asyncio.sleep(0.005)  # a webhook hears of what happens in the millisecond of its making
    webhook = await make()
    campaign_id = await new_campaign(store)
    await move(store, campaign_id, "draft", "active")
    await move(store, old, "draft", "stopped")
    for _ in range(2):
        await pump(store, webhook)
    told = [checked(asked) for asked in receiver.asked]
    kinds = sorted((one["type"], one["data"]["id"]) for one in told)
    assert kinds == [
        ("campaign.created", campaign_id), ("campaign.status", old),
        ("campaign.status", campaign_id),
    ]  # fmt: skip
    status = next(one["data"] for one in told if one["data"].get("status") == "active")
    assert status == {
        "id": campaign_id, "name": "A", "actor": "test", "status": "active",
        "status_reason": "", "previous_status": "draft",
    }  # fmt: skip
    ids = [asked.headers["webhook-id"] for asked in receiver.asked]
    assert len(set(ids)) == 3
    assert receiver.asked[0].query == {"x": "1"}


async def test_only_what_is_wanted_is_told(store, receiver, make):
    first, second = await new_campaign(store), await new_campaign(store)
    webhook = await make(events=("campaign.status",), campaign_ids=(second,))
    for campaign_id in (first, second):
        await move(store, campaign_id, "draft", "active")
    await pump(store, webhook)
    assert [checked(asked)["data"]["id"] for asked in receiver.asked] == [second]


async def test_what_happens_while_it_is_disabled_is_told_later(store, receiver, make):
    webhook = await make(events=("campaign.status",))
    off = await store.webhooks.save(replace(webhook, enabled=False), "t", now())
    campaign_id = await new_campaign(store)
    await move(store, campaign_id, "draft", "stopped")
    other = await make(events=("campaign.status",))
    await pump(store, other)
    assert await store.webhooks.deliveries(webhook.id) == []
    on = await store.webhooks.save(replace(off, enabled=True), "t", now())
    await pump(store, on)
    assert (await only(store, webhook)).status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize(
    ("reply", "answer", "wait_s"),
    [
        (Reply(500, {"error": "no"}), 500, RETRIES_S[0]),
        (Reply(302, {}, {"Location": "http://127.0.0.1/"}), 302, RETRIES_S[0]),
        (Reply(429, {}, {"Retry-After": "120"}), 429, 120),
        (Reply(200, None, swells=10_000_000), None, RETRIES_S[0]),
        (Reply(200, None, drips=400), None, RETRIES_S[0]),
    ],
)
async def test_an_error_is_tried_again_later(
    store, receiver, make, monkeypatch, reply, answer, wait_s
):
    monkeypatch.setattr(hook_run, "TIMEOUT_S", 1.0)
    receiver.faults.append(reply)
    webhook = await make()
    await ping(store, webhook)
    before = now()
    assert await pump(store, webhook) == 0
    one = await only(store, webhook)
    assert (one.status, one.tries, one.answer) == (DeliveryStatus.WAITING, 1, answer)
    assert one.error
    assert one.next_at >= before + timedelta(seconds=0.79 * wait_s)
    assert one.next_at <= now() + timedelta(seconds=1.21 * wait_s)
    assert (await store.webhooks.tally(webhook.id)).rests_until is not None


async def test_it_gives_up_in_the_end_and_can_be_replayed(store, receiver, make, monkeypatch):
    monkeypatch.setattr(hook_run, "RETRIES_S", (0,) * len(RETRIES_S))
    webhook = await make()
    await ping(store, webhook)
    receiver.faults.extend([Reply(500, {})] * (len(RETRIES_S) + 1))
    for _ in range(len(RETRIES_S) + 1):
        await send_waiting(store, webhook, SECRET, LOCAL, lambda: True)
    one = await only(store, webhook)
    assert (one.status, one.tries) == (DeliveryStatus.FAILED, len(RETRIES_S) + 1)
    assert not await store.webhooks.begin(webhook.id, 10, now() + timedelta(days=9))
    assert await store.webhooks.again(webhook.id, [one.id], now()) == 1
    assert await send_waiting(store, webhook, SECRET, LOCAL, lambda: True) == 1
    ids = {asked.headers["webhook-id"] for asked in receiver.asked}
    assert ids == {"msg_p"}, "every try and replay has the event's id"
    tally = await store.webhooks.tally(webhook.id)
    assert (tally.n_delivered, tally.n_failed, tally.rests_until) == (1, 1, None)


async def test_a_receiver_that_is_gone_is_told_no_more(store, receiver, make):
    receiver.faults.append(Reply(410, {}))
    webhook = await make()
    await ping(store, webhook)
    await pump(store, webhook)
    found = await store.webhooks.get(webhook.id)
    assert (found.enabled, "410" in found.note) == (False, True)
    assert (await only(store, webhook)).status is DeliveryStatus.FAILED


async def test_a_receiver_that_is_away_is_not_asked_for_each(store, receiver, make):
    webhook = await make()
    await receiver.__aexit__()
    for n in range(20):
        await ping(store, webhook, str(n))
    await pump(store, webhook)
    tried = [one for one in await store.webhooks.deliveries(webhook.id) if one.tries]
    assert len(tried) == hook_run.AT_ONCE
    assert await store.webhooks.has_due([webhook.id], now()) == []
    assert await store.webhooks.has_due([webhook.id], now() + timedelta(hours=1)) == [webhook.id]


@pytest.mark.parametrize("url", ["http://10.1.2.3/x", "https://localhost/x", "http://1.1.1.1/x"])
async def test_addresses_that_are_not_allowed_fail_at_once(store, make, url):
    webhook = await make(url=url)
    await ping(store, webhook)
    await send_waiting(store, webhook, SECRET, Outbound(), lambda: True)
    one = await only(store, webhook)
    assert (one.status, one.tries) == (DeliveryStatus.FAILED, 1)


async def test_what_waits_and_what_is_remembered_is_bounded(store, receiver, make, monkeypatch):
    monkeypatch.setattr("engine.store.webhooks.MAX_WAITING", 5)
    monkeypatch.setattr("engine.store.webhooks.MAX_LOGGED", 3)
    webhook = await make(events=("campaign.edited",))
    campaign_id = await new_campaign(store)
    for n in range(12):
        await store.campaigns.update(campaign_id, name=f"n{n}", actor="t", now=now())
    queue = HookQueue(store)
    for _ in range(3):
        await queue.fill(now())
    assert (await store.webhooks.tally(webhook.id)).n_waiting == 5
    for _ in range(5):
        await pump(store, webhook)
    assert len(receiver.asked) == 12, "what had no room came later"
    assert len(await store.webhooks.deliveries(webhook.id)) == 3
    assert (await store.webhooks.tally(webhook.id)).n_delivered == 12


async def test_a_delivery_whose_worker_was_lost_comes_again(store, make):
    webhook = await make()
    await ping(store, webhook)
    (begun,) = await store.webhooks.begin(webhook.id, 10, now())
    assert not await store.webhooks.begin(webhook.id, 10, now())
    (again,) = await store.webhooks.begin(webhook.id, 10, now() + timedelta(seconds=41))
    assert again == begun
    await store.webhooks.delete(webhook, "t", now())
    await store.webhooks.end(webhook.id, begun)
    assert await store.webhooks.deliveries(webhook.id) == []


async def test_two_leaders_at_once_make_each_delivery_once(store, make):
    webhook = await make()
    for n in range(10):
        await new_campaign(store, str(n))
    await asyncio.gather(*(HookQueue(store).fill(now()) for _ in range(4)))
    found = [one.message_id for one in await store.webhooks.deliveries(webhook.id)]
    assert len(found) == len(set(found)) == 10


async def test_campaigns_that_ended_are_not_looked_at_for_ever(store, make):
    await make()
    campaign_id = await new_campaign(store)
    await move(store, campaign_id, "draft", "stopped")
    queue = HookQueue(store)
    for _ in range(3):
        await queue.fill(now())
    assert campaign_id in await store.webhooks.done_campaigns()


# --------------------------------------------------------------------------- real workers


async def tell(own, receiver, make, workers, settle_one, n_kills: int) -> None:
    webhook = await make(of=own)
    settings = CampaignSettings.model_validate({"list": {"method": "api", "live": True}})
    campaign_id = (await own.campaigns.create("A", settings, [], "test", now())).id
    await move(own, campaign_id, "draft", "active")
    expected, process = set(), workers()
    for n in range(n_kills + 1):
        for i in range(5):
            expected.add(await settle_one(own, campaign_id, f"+1202555{n}{i:03}"))
            await asyncio.sleep(0.1)
        if n < n_kills:
            receiver.faults.append(Reply(503, {}))
            process.kill()
            process.join(10)
            process = workers()

    def told() -> set[str]:
        bodies = [json.loads(asked.body) for asked in receiver.asked]
        return {b["data"]["attempt_id"] for b in bodies if b["type"] == "attempt.settled"}

    deadline = time.monotonic() + 150
    while told() != expected or (await own.webhooks.tally(webhook.id)).n_waiting:
        assert time.monotonic() < deadline, (len(told()), len(expected))
        await asyncio.sleep(0.2)
    assert all(checked(asked) for asked in receiver.asked[-3:])
    data = next(json.loads(a.body)["data"] for a in receiver.asked if b"attempt.settled" in a.body)
    assert (data["phone"][:8], data["outcome"]) == ("+1202555", "busy")


async def test_a_real_worker_tells(own, receiver, make, workers, settle_one, monkeypatch):
    monkeypatch.setenv("DIALER_SECRET_KEY", KEY)
    await tell(own, receiver, make, workers, settle_one, n_kills=0)


@pytest.mark.soak
async def test_workers_that_are_killed_lose_no_event(
    own, receiver, make, workers, settle_one, monkeypatch
):
    monkeypatch.setenv("DIALER_SECRET_KEY", KEY)
    await tell(own, receiver, make, workers, settle_one, n_kills=4)
