"""Outgoing webhooks over HTTP and on the page; what is sent is in tests/crm/test_webhooks.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm.hook_queue import HookQueue
from crm.hook_run import send_waiting
from crm.outbound import Outbound
from engine.store import DeliveryStatus, RedisStore

SECRET = "a secret that nobody must see"
BODY = {"name": "Books", "url": "https://books.example.com/in"}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("DIALER_SECRET_KEY", "a key of the tests that is long")


@pytest.fixture
def make(api):
    async def one(**more):
        return await api("POST", "/webhooks", 201, json={**BODY, **more})

    return one


async def test_made_read_changed_deleted(api, make):
    made = await make(events=["attempt.settled"], campaign_ids=[7])
    secret = made.pop("secret")
    assert secret.startswith("whsec_") and made["enabled"]
    path = f"/webhooks/{made['id']}"
    assert await api("GET", path) == made
    assert (await api("GET", "/webhooks"))["items"] == [made]
    changed = await api("PATCH", path, json={"name": "B", "events": [], "enabled": False})
    assert (changed["name"], changed["events"], changed["enabled"]) == ("B", [], False)
    assert (changed["campaign_ids"], changed["version"]) == ([7], 2)
    await api("PATCH", path, 409, json={"name": "C", "version": 1})
    refused = await api("PATCH", path, 422, json={"url": None})
    assert refused["errors"] == [{"field": "url", "message": "cannot be empty"}]
    await api("POST", f"{path}/test", 409)
    await api("DELETE", path, 204)
    await api("GET", path, 404)


async def test_secrets_are_kept_encrypted_and_never_shown(api, make, store: RedisStore, admin):
    made = await make(secret=SECRET)
    row = await store.webhooks.get(made["id"])
    assert row.sealed and SECRET not in str(row)
    answer = await admin.get(f"/api/v1/webhooks/{made['id']}")
    assert SECRET not in answer.text and "secret" not in answer.json()
    await api("PATCH", f"/webhooks/{made['id']}", json={"secret": f"{SECRET} 2"})
    assert (await store.webhooks.get(made["id"])).sealed != row.sealed


async def test_a_repeated_request_makes_one_and_does_not_show_the_secret_again(admin):
    headers = {"Idempotency-Key": "k1"}
    first = await admin.post("/api/v1/webhooks", json=BODY, headers=headers)
    again = await admin.post("/api/v1/webhooks", json=BODY, headers=headers)
    assert (first.json()["id"], again.json()["secret"]) == (again.json()["id"], None)


async def test_without_a_key_there_are_no_webhooks(api, monkeypatch):
    monkeypatch.delenv("DIALER_SECRET_KEY")
    assert (await api("POST", "/webhooks", 409, json=BODY))["code"] == "secret_key_missing"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**BODY, "url": "ftp://x"}, "url"),
        ({**BODY, "events": ["everything"]}, "events.0"),
        ({**BODY, "secret": "short"}, "secret"),
        ({"url": BODY["url"]}, "name"),
        ({**BODY, "more": 1}, "more"),
    ],
)
async def test_what_is_wrong_is_named(api, body, field):
    problem = await api("POST", "/webhooks", 422, json=body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_the_log_and_replays(api, make, store: RedisStore):
    made = await make()
    path = f"/webhooks/{made['id']}"
    for _ in range(3):
        queued = await api("POST", f"{path}/test", 202)
        assert (queued["event"], queued["status"], queued["tries"]) == ("ping", "waiting", 0)
    page = await api("GET", f"{path}/deliveries?limit=2")
    assert [one["id"] for one in page["items"]] == [3, 2]
    rest = await api("GET", f"{path}/deliveries?limit=2&cursor={page['next_cursor']}")
    assert [one["id"] for one in rest["items"]] == [1]
    # The settings allow no private address: the sender itself refuses, and for good.
    webhook = await store.webhooks.get(made["id"])
    local = await store.webhooks.save(
        type(webhook)(**{**_fields(webhook), "url": "https://127.0.0.1:9"}), "t", datetime.now(UTC)
    )
    assert await send_waiting(store, local, SECRET, Outbound(), lambda: True) == 0
    found = (await api("GET", f"{path}/deliveries"))["items"]
    assert {one["status"] for one in found} == {"failed"}
    assert "private address" in found[0]["error"]
    assert (await api("GET", path))["n_failed"] == 3
    assert await api("POST", f"{path}/replay", json={}) == {"deliveries": 3}
    assert await api("POST", f"{path}/deliveries/2/replay") == {"deliveries": 1}
    await api("POST", f"{path}/deliveries/99/replay", 404)
    found = await store.webhooks.deliveries(made["id"])
    assert {one.status for one in found} == {DeliveryStatus.WAITING}


def _fields(row) -> dict:
    return {name: getattr(row, name) for name in type(row).__slots__}


async def test_everything_since_an_instant_is_told_again(api, make, make_campaign, store):
    campaign = await make_campaign()
    made = await make(events=["campaign.created"])
    path, queue = f"/webhooks/{made['id']}", HookQueue(store)
    assert await queue.fill(datetime.now(UTC)) == []
    assert (await api("GET", f"{path}/deliveries"))["items"] == [], "it was there before"
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert await api("POST", f"{path}/replay", json={"since": hour_ago}) == {"deliveries": None}
    assert await queue.fill(datetime.now(UTC)) == [made["id"]]
    (told,) = (await api("GET", f"{path}/deliveries"))["items"]
    assert told["message_id"].startswith(f"msg_{campaign['id']}_s_")
    for bad in ("2999-01-01T00:00:00Z", "2026-01-01T00:00:00"):
        await api("POST", f"{path}/replay", 422, json={"since": bad})
