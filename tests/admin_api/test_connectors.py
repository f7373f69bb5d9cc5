"""Connections to CRMs over HTTP, with a fake CRM behind them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from crm.fake_crm import FakeCrm, Reply
from engine.core.campaign import CampaignStatus, Transition
from engine.store import RedisStore

SECRET = "never-to-be-seen"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("DIALER_SECRET_KEY", "a key of the tests that is long")
    monkeypatch.setenv("DIALER_OUTBOUND_ALLOW", "127.0.0.0/8")


@pytest.fixture
async def fake():
    async with FakeCrm() as crm:
        yield crm


@pytest.fixture
def make(api, fake):
    async def one(**more):
        config = fake.description(auth={"kind": "bearer"})
        body = {"name": "CRM", "kind": "rest", "config": config, "secrets": {"token": SECRET}}
        return await api("POST", "/connectors", 201, json={**body, **more})

    return one


async def test_made_read_changed_deleted(api, make):
    made = await make()
    path = f"/connectors/{made['id']}"
    assert (made["status"], made["secrets_set"], made["version"]) == ("unused", ["token"], 1)
    assert (await api("GET", "/connectors"))["items"] == [made]
    changed = await api("PATCH", path, json={"name": "B", "config": {"rate_per_s": 7}})
    assert (changed["name"], changed["config"]["rate_per_s"], changed["version"]) == ("B", 7, 2)
    await api("PATCH", path, 409, json={"name": "C", "version": 1})
    await api("DELETE", path, 204)
    await api("GET", path, 404)


async def test_what_was_changed_is_kept_and_shown(api, make, store: RedisStore, admin):
    made, other = await make(), await make(name="Other")
    secret = {"token": "another that nobody sees"}
    edit = {"name": "B", "config": {"rate_per_s": 7}, "secrets": secret}
    await api("PATCH", f"/connectors/{made['id']}", json=edit)
    edited, created = await store.audit.about(f"connector:{made['id']}", 10)
    assert (edited.action, created.action) == ("connector_edit", "connector_create")
    assert edited.detail == {"name": "B", "changed": ["name", "config.rate_per_s", "secrets.token"]}
    assert [e.subject for e in await store.audit.about("connector:", 2)] == [
        f"connector:{made['id']}",
        f"connector:{other['id']}",
    ]
    user = await store.users.create("x", "admin", "", actor="test", now=datetime.now(UTC))
    _, cookie = await store.sessions.begin(user, datetime.now(UTC), 600)
    admin.cookies.set("dialer_session", cookie)
    page = (await admin.get(f"/connectors/{made['id']}")).text
    assert "edited the connector" in page and "config.rate_per_s" in page
    assert secret["token"] not in page and "Other" not in page[page.index("History of") :]


async def test_a_subject_is_found_among_many_others(store: RedisStore, monkeypatch):
    monkeypatch.setattr("engine.store.audit.LOOKED_AT_ONCE", 3)
    now = datetime.now(UTC)
    for n in range(10):
        await store.dnc.add(f"+1202555{n:04}", source="t", actor="t", now=now)
    assert len(await store.audit.about("+12025550002", 5)) == 1
    assert await store.audit.about("connector:", 5) == []


async def test_secrets_are_kept_encrypted_and_never_shown(api, make, store: RedisStore, admin):
    made = await make()
    row = await store.connectors.get(made["id"])
    assert row.sealed and SECRET not in str(row)
    answer = await admin.get(f"/api/v1/connectors/{made['id']}")
    assert SECRET not in answer.text
    path = f"/connectors/{made['id']}"
    gone = await api("PATCH", path, json={"secrets": {"token": None}})
    assert (gone["secrets_set"], gone["secrets_missing"]) == ([], ["token"])
    refused = await api("POST", f"{path}/test", 422)
    assert refused["errors"] == [{"field": "secrets.token", "message": "is missing"}]


async def test_without_a_key_there_are_no_secrets(make, api, monkeypatch, fake):
    monkeypatch.delenv("DIALER_SECRET_KEY")
    body = {"name": "A", "kind": "rest", "config": fake.description()}
    await api("POST", "/connectors", 201, json=body)
    refused = await api("POST", "/connectors", 409, json={**body, "secrets": {"token": "x"}})
    assert refused["code"] == "secret_key_missing"


async def test_another_key_cannot_read_them(make, api, monkeypatch):
    made = await make()
    monkeypatch.setenv("DIALER_SECRET_KEY", "another key that is long enough")
    refused = await api("POST", f"/connectors/{made['id']}/test", 409)
    assert refused["code"] == "secrets_unreadable"
    both = "another key that is long enough,a key of the tests that is long"
    monkeypatch.setenv("DIALER_SECRET_KEY", both)
    assert (await api("POST", f"/connectors/{made['id']}/test"))["ok"]


async def test_a_description_says_where_it_is_wrong(api, make, fake):
    config = fake.description()
    config["list"]["params"]["x"] = "{sincee}"
    config["list"]["items"] = "a["
    refused = await api(
        "POST", "/connectors", 422, json={"name": "A", "kind": "rest", "config": config}
    )
    assert [error["field"] for error in refused["errors"]] == ["config.list.items"]
    config["list"]["items"] = "a"
    refused = await api(
        "POST", "/connectors", 422, json={"name": "A", "kind": "rest", "config": config}
    )
    assert "list.params: {sincee} is not known here" in refused["errors"][0]["message"]


async def test_a_description_in_yaml(api):
    yaml = "base_url: https://crm.example.com\nlist:\n  path: /leads\n  items: data\n"
    made = await api("POST", "/connectors", 201, json={"name": "A", "kind": "rest", "yaml": yaml})
    assert made["config"]["list"]["path"] == "/leads"
    body = {"name": "A", "kind": "rest", "yaml": "a: ["}
    assert (
        "is not YAML" in (await api("POST", "/connectors", 422, json=body))["errors"][0]["message"]
    )


async def test_a_test_shows_leads_as_contacts(api, make, fake):
    fake.add(7, name="Ann", stage="new")
    made = await make()
    found = await api("POST", f"/connectors/{made['id']}/test")
    assert (found["ok"], len(found["sample"])) == (True, 5)
    assert found["sample"][0]["contact"] == {
        "phone": "+12022000001", "name": "Ann", "variables": {"stage": "new"},
    }  # fmt: skip
    fake.faults.append(Reply(401, {}))
    refused = await api("POST", f"/connectors/{made['id']}/test")
    assert (refused["ok"], refused["code"]) == (False, "auth")


async def test_private_addresses_are_refused_unless_allowed(api, make, monkeypatch):
    made = await make()
    monkeypatch.setenv("DIALER_OUTBOUND_ALLOW", "")
    found = await api("POST", f"/connectors/{made['id']}/test")
    assert (found["ok"], found["code"]) == (False, "blocked")


async def test_a_connector_in_use_tells_how_it_goes(api, make, make_campaign, store):
    made = await make()
    listing = {"method": "crm", "connector_id": made["id"], "live": True}
    campaign = await make_campaign(list=listing)
    await api("DELETE", f"/connectors/{made['id']}", 409)
    found = await api("GET", f"/connectors/{made['id']}")
    assert [source["campaign_id"] for source in found["sources"]] == [campaign["id"]]
    assert await api("POST", f"/connectors/{made['id']}/poll") == {"campaigns": 0}
    assert (await api("GET", f"/connectors/{made['id']}/dead-letters"))["items"] == []
    assert await api("POST", f"/connectors/{made['id']}/retry") == {"attempts": 0}
    move = Transition(CampaignStatus.DRAFT, CampaignStatus.STOPPED, "")
    await store.campaigns.move(campaign["id"], move, "test", datetime.now(UTC))
    await api("DELETE", f"/connectors/{made['id']}", 204)


async def test_only_administrators_change_connections(make, client_for, fake):
    made = await make()
    supervisor = await client_for("supervisor")
    path = f"/api/v1/connectors/{made['id']}"
    assert (await supervisor.get(path)).status_code == 200
    assert (await supervisor.post(f"{path}/poll")).status_code == 200
    assert (await supervisor.patch(path, json={"name": "x"})).status_code == 403
    assert (await supervisor.delete(path)).status_code == 403
    agent = await client_for("agent", agent_id=1)
    assert (await agent.get(path)).status_code == 403


async def test_a_campaign_cannot_choose_a_connector_that_is_not_there(api, make, make_campaign):
    field = "settings.list.connector_id"
    listing = {"list": {"method": "crm", "connector_id": "99"}}
    problem = await api("POST", "/campaigns", 422, json={"name": "A", "settings": listing})
    assert [error["field"] for error in problem["errors"]] == [field]
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    problem = await api("PATCH", path, 422, json={"settings": listing})
    assert [error["field"] for error in problem["errors"]] == [field]
    listing["list"]["connector_id"] = (await make())["id"]
    await api("PATCH", path, json={"settings": listing})


async def test_monitoring_is_told(api, make, make_campaign, store, admin):
    made = await make()
    campaign = await make_campaign(
        list={"method": "crm", "connector_id": made["id"], "live": True}, n_contacts=0
    )
    now = datetime.now(UTC)
    move = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign["id"], move, "test", now)
    await store.polls.note(campaign["id"], now, "auth", "expired")
    text = (await admin.get("/metrics")).text
    of = f'campaign="{campaign["id"]}",connector="{made["id"]}"'
    assert f"dialer_poll_failures{{{of}}} 1.0" in text
    assert f'dialer_push_attempts{{{of},what="waiting"}} 0.0' in text
    assert 'dialer_failed_jobs{queue="crm"}' in text
    assert text.count("# HELP dialer_http_requests_total") == 1


async def test_jobs_that_failed_are_seen_and_tried_again(api, app):
    connection = app.state.context.jobs.connection
    queue = Queue("imports", connection=connection, serializer=JSONSerializer)
    # What other tests of this server left there has no worker and would fail as well.
    queue.empty()
    queue.enqueue("crm.jobs.run_import", "1i1", job_id="import-1i1-x")
    SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(burst=True)
    (failed,) = (await api("GET", "/jobs/failed"))["items"]
    assert (failed["id"], failed["queue"]) == ("import-1i1-x", "imports")
    assert "dialer worker" in failed["error"], "the reason"
    assert await api("POST", "/jobs/failed/retry") == {"jobs": 1}
    assert (await api("GET", "/jobs/failed"))["items"] == []
    assert queue.get_job_ids() == ["import-1i1-x"]
    queue.empty()
