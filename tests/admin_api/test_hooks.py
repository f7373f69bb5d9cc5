"""Signed messages from CRMs: contacts, early polls, replays, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from crm.connections import Connections
from crm.poll_run import run_poll
from crm.settings import CrmSettings
from engine.core.campaign import CampaignStatus, Transition

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ok?").decode()


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("DIALER_SECRET_KEY", "a key of the tests that is long")


@pytest.fixture
def make(api):
    async def one(**config):
        body = {"name": "Hook", "kind": "webhook", "config": config, "secrets": {"hook": SECRET}}
        return (await api("POST", "/connectors", 201, json=body))["id"]

    return one


@pytest.fixture
def live(store, make_campaign):
    """An active Live campaign that reads from the connection; its id."""

    async def one(connector_id):
        listing = {"method": "crm", "connector_id": connector_id, "live": True}
        campaign = await make_campaign(n_contacts=0, list=listing)
        move = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
        await store.campaigns.move(campaign["id"], move, "test", datetime.now(UTC))
        await store.polls.plan({campaign["id"]: 3600}, datetime.now(UTC))
        return campaign["id"]

    return one


@pytest.fixture
async def nobody(client_for):
    """Without a token: the signature takes its place."""
    return await client_for(None)


def signed(body: object, message_id: str = "msg_1", at: datetime | None = None) -> dict:
    """Headers and body as another implementation of the standard signs them."""
    at, text = at or datetime.now(UTC), json.dumps(body)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(message_id, at, text),
    }
    return {"headers": headers, "content": text}


async def poll(store, campaign_id):
    """The poll that is due, as a worker runs it."""
    (due,) = [one for one in await store.polls.pop(datetime.now(UTC))]
    assert due.campaign_id == campaign_id
    connections = Connections(store, CrmSettings())
    assert await run_poll(store, due, connections.open, lambda: True) == "done"


async def test_contacts_are_pushed_and_come_once(store, nobody, make, live, api):
    connector_id = await make(items="leads", map={"withdrawn": "gone"})
    campaign_id = await live(connector_id)
    await poll(store, campaign_id)
    assert await store.polls.pop(datetime.now(UTC)) == []
    leads = [{"id": i, "phone": f"+1202555{i:04}"} for i in range(100, 103)]
    for repeated in (False, True):
        answer = await nobody.post(f"/hooks/{connector_id}", **signed({"leads": leads}))
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"records": 0 if repeated else 3, "repeated": repeated}
    await poll(store, campaign_id)
    assert (await store.campaigns.get(campaign_id)).n_contacts == 3
    leads[0]["gone"] = True
    await nobody.post(f"/hooks/{connector_id}", **signed({"leads": leads[:1]}, "msg_2"))
    await poll(store, campaign_id)
    campaign = await store.campaigns.get(campaign_id)
    assert (campaign.n_contacts, campaign.progress) == (3, 33.3)
    test = await api("POST", f"/connectors/{connector_id}/test")
    assert test["ok"] and test["sample"][0]["external_id"] == "100"


async def test_what_a_campaign_missed_while_it_was_stopped_waits(store, make, live, nobody):
    connector_id = await make()
    await nobody.post(f"/hooks/{connector_id}", **signed([{"id": 1, "phone": "+12025550101"}]))
    campaign_id = await live(connector_id)
    await poll(store, campaign_id)
    assert (await store.campaigns.get(campaign_id)).n_contacts == 1


async def test_it_only_asks_for_an_early_poll_where_the_crm_is_read(store, api, nobody, live):
    config = {"base_url": "https://crm.example.com", "list": {"path": "/x", "items": "x"},
              "hook": {}}  # fmt: skip
    body = {"name": "A", "kind": "rest", "config": config, "secrets": {"hook": SECRET}}
    made = await api("POST", "/connectors", 201, json=body)
    campaign_id = await live(made["id"])
    (first,) = await store.polls.pop(datetime.now(UTC))
    await store.polls.begin(first, datetime.now(UTC))
    await store.polls.done(first, datetime.now(UTC), None)
    assert await store.polls.pop(datetime.now(UTC)) == []
    answer = await nobody.post(f"/hooks/{made['id']}", **signed({"any": "thing"}))
    assert answer.json() == {"records": 0, "repeated": False}
    (due,) = await store.polls.pop(datetime.now(UTC))
    assert due.campaign_id == campaign_id
    await store.polls.begin(due, datetime.now(UTC))
    await store.polls.done(due, datetime.now(UTC), None)
    await nobody.post(f"/hooks/{made['id']}", **signed({"any": "thing"}))
    assert await store.polls.pop(datetime.now(UTC)) == [], "a replay asks for nothing"


async def test_what_is_not_signed_well_is_refused(make, nobody):
    path = f"/hooks/{await make()}"
    record = {"id": 1, "phone": "+12025550101"}
    good = signed(record)
    long_ago = signed(record, at=datetime.now(UTC) - timedelta(minutes=6))
    from_the_future = signed(record, at=datetime.now(UTC) + timedelta(minutes=6))
    other_body = {**good, "content": json.dumps({**record, "id": 2})}
    other_id = {**good, "headers": {**good["headers"], "webhook-id": "msg_9"}}
    unsigned = {"content": good["content"]}
    for bad in (long_ago, from_the_future, other_body, other_id, unsigned):
        answer = await nobody.post(path, **bad)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    two = {**good["headers"]}
    two["webhook-signature"] = f"v1,AAAA v2,x {two['webhook-signature']}"
    assert (await nobody.post(path, headers=two, content=good["content"])).status_code == 202
    assert (await nobody.post("/hooks/99", **good)).status_code == 404
    assert (await nobody.post("/hooks/x", **good)).status_code == 422
    assert (await nobody.get(path)).status_code == 405


@pytest.mark.parametrize("body", [b"{", b'"x"', b"[]", b'[{"phone": "1"}]', b'[{"id": 1}, 2]'])
async def test_what_is_no_list_of_records_is_refused(make, nobody, body):
    at = datetime.now(UTC)
    headers = {
        "webhook-id": "m", "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("m", at, body.decode()),
    }  # fmt: skip
    answer = await nobody.post(f"/hooks/{await make()}", headers=headers, content=body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("encoding", ["hex", "base64"])
async def test_a_crm_that_signs_the_body_alone(make, nobody, encoding):
    hook = {"signature": "body", "header": "X-Hub", "prefix": "sha256=", "encoding": encoding}
    path, body = f"/hooks/{await make(hook=hook)}", b'{"id": 1, "phone": "+12025550101"}'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    headers = {"X-Hub": f"sha256={text}"}
    assert (await nobody.post(path, headers=headers, content=body)).json()["records"] == 1
    assert (await nobody.post(path, headers=headers, content=body)).json()["repeated"]
    assert (await nobody.post(path, headers=headers, content=body + b" ")).status_code == 401


async def test_the_box_has_bounds(store, make, nobody, monkeypatch):
    monkeypatch.setattr("engine.store.inbox.MAX_KEPT", 3)
    path = f"/hooks/{await make()}"
    two = [{"id": i, "phone": f"+1202555010{i}"} for i in (1, 2)]
    assert (await nobody.post(path, **signed(two, "a"))).status_code == 202
    full = await nobody.post(path, **signed(two, "b"))
    assert (full.status_code, full.json()["code"]) == (503, "inbox_full")
    assert full.headers["retry-after"] == "60"
    await nobody.post(path, **signed(two[:1], "c"))
    assert (await nobody.post(path, **signed(two[:1], "d"))).status_code == 503
