from __future__ import annotations

import pytest

from admin_api.app import create_app, ensure_admin
from admin_api.settings import ApiSettings
from engine.store import RedisStore

#: Route, its methods, and the first answer for admin, supervisor, own agent, other agent.
#: 404, 409 and 422 mean: let in, and then the request itself was looked at.
IN = frozenset({200, 201, 202, 204, 404, 409, 415, 422})
NO = frozenset({403})
TABLE = [
    ("GET", "/campaigns", IN, IN, NO, NO),
    ("POST", "/campaigns", IN, IN, NO, NO),
    ("GET", "/campaigns/99", IN, IN, NO, NO),
    ("PATCH", "/campaigns/99", IN, IN, NO, NO),
    ("DELETE", "/campaigns/99", IN, IN, NO, NO),
    ("POST", "/campaigns/99/play", IN, IN, NO, NO),
    ("POST", "/campaigns/99/pause", IN, IN, NO, NO),
    ("POST", "/campaigns/99/stop", IN, IN, NO, NO),
    ("POST", "/campaigns/99/clone", IN, IN, NO, NO),
    ("GET", "/campaigns/99/stats", IN, IN, NO, NO),
    ("GET", "/campaigns/99/what-if", IN, IN, NO, NO),
    ("GET", "/campaigns/99/contacts", IN, IN, NO, NO),
    ("POST", "/campaigns/99/contacts", IN, IN, NO, NO),
    ("POST", "/campaigns/99/contacts/preview", IN, IN, NO, NO),
    ("GET", "/campaigns/99/contacts/1", IN, IN, NO, NO),
    ("DELETE", "/campaigns/99/contacts/1", IN, IN, NO, NO),
    ("GET", "/campaigns/99/imports/99i1", IN, IN, NO, NO),
    ("GET", "/campaigns/99/imports/99i1/rejected.csv", IN, IN, NO, NO),
    ("GET", "/campaigns/99/attempts", IN, IN, NO, NO),
    ("GET", "/campaigns/99/export", IN, IN, NO, NO),
    ("GET", "/campaigns/99/lists", IN, IN, NO, NO),
    ("PATCH", "/campaigns/99/lists/0", IN, IN, NO, NO),
    ("GET", "/attempts", IN, IN, NO, NO),
    ("GET", "/agents", IN, IN, NO, NO),
    ("POST", "/agents", IN, IN, NO, NO),
    ("GET", "/agents/{agent}", IN, IN, IN, NO),
    ("PATCH", "/agents/{agent}", IN, IN, NO, NO),
    ("POST", "/agents/{agent}/login", IN, IN, IN, NO),
    ("POST", "/agents/{agent}/pause", IN, IN, IN, NO),
    ("POST", "/agents/{agent}/unpause", IN, IN, IN, NO),
    ("POST", "/agents/{agent}/logout", IN, IN, IN, NO),
    ("POST", "/agents/{agent}/disposition", IN, IN, IN, NO),
    ("GET", "/agents/{agent}/offer", IN, IN, IN, NO),
    ("POST", "/agents/{agent}/offer/accept", IN, IN, IN, NO),
    ("POST", "/agents/{agent}/offer/skip", IN, IN, IN, NO),
    ("DELETE", "/agents/99", IN, IN, NO, NO),
    ("GET", "/dnc", IN, IN, NO, NO),
    ("POST", "/dnc", IN, IN, NO, NO),
    ("DELETE", "/dnc", IN, IN, NO, NO),
    ("DELETE", "/dnc/+12025550100", IN, IN, NO, NO),
    ("GET", "/dnc/prefixes", IN, IN, NO, NO),
    ("DELETE", "/dnc/prefixes/+1900", IN, IN, NO, NO),
    ("PATCH", "/campaigns/99/contacts/1", IN, IN, NO, NO),
    ("GET", "/campaigns/99/contacts/1/why", IN, IN, NO, NO),
    ("GET", "/sounds", IN, IN, NO, NO),
    ("POST", "/sounds", IN, IN, NO, NO),
    ("POST", "/sounds/speech", IN, IN, NO, NO),
    ("GET", "/sounds/99", IN, IN, NO, NO),
    ("GET", "/sounds/99/audio", IN, IN, NO, NO),
    ("DELETE", "/sounds/99", IN, IN, NO, NO),
    ("GET", "/presets", IN, IN, NO, NO),
    ("GET", "/system", IN, IN, NO, NO),
    ("PATCH", "/system", IN, NO, NO, NO),
    ("GET", "/connectors", IN, IN, NO, NO),
    ("POST", "/connectors", IN, NO, NO, NO),
    ("GET", "/connectors/99", IN, IN, NO, NO),
    ("PATCH", "/connectors/99", IN, NO, NO, NO),
    ("DELETE", "/connectors/99", IN, NO, NO, NO),
    ("POST", "/connectors/99/test", IN, IN, NO, NO),
    ("POST", "/connectors/99/poll", IN, IN, NO, NO),
    ("GET", "/connectors/99/dead-letters", IN, IN, NO, NO),
    ("POST", "/connectors/99/retry", IN, IN, NO, NO),
    ("GET", "/jobs/failed", IN, IN, NO, NO),
    ("POST", "/jobs/failed/retry", IN, NO, NO, NO),
    ("GET", "/webhooks", IN, IN, NO, NO),
    ("POST", "/webhooks", IN, NO, NO, NO),
    ("GET", "/webhooks/99", IN, IN, NO, NO),
    ("PATCH", "/webhooks/99", IN, NO, NO, NO),
    ("DELETE", "/webhooks/99", IN, NO, NO, NO),
    ("POST", "/webhooks/99/test", IN, IN, NO, NO),
    ("POST", "/webhooks/99/replay", IN, NO, NO, NO),
    ("GET", "/webhooks/99/deliveries", IN, NO, NO, NO),
    ("POST", "/webhooks/99/deliveries/1/replay", IN, NO, NO, NO),
    ("GET", "/events", None, None, NO, NO),
    ("GET", "/audit", IN, IN, NO, NO),
    ("GET", "/tokens", IN, NO, NO, NO),
    ("POST", "/tokens", IN, NO, NO, NO),
    ("DELETE", "/tokens/99", IN, NO, NO, NO),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
async def test_roles(client_for, make_agent, row):
    method, path, for_admin, for_supervisor, for_own, for_other = row
    mine, foreign = await make_agent(), await make_agent()
    expected = [
        (await client_for("admin"), for_admin),
        (await client_for("supervisor"), for_supervisor),
        (await client_for("agent", agent_id=mine["id"]), for_own),
        (await client_for("agent", agent_id=foreign["id"]), for_other),
        (await client_for(None), frozenset({401})),
    ]
    target = f"/api/v1{path.format(agent=mine['id'])}"
    for client, allowed in expected:
        if allowed is None:  # an endless answer: see the tests of events
            continue
        answer = await client.request(method, target)
        assert answer.status_code in allowed, answer.text
        if answer.status_code in (401, 403):
            assert answer.headers["content-type"] == "application/problem+json"


def test_the_table_has_every_route(app):
    documented = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    names = {
        "{agent}": "{agent_id}",
        "/+12025550100": "/{phone}",
        "/+1900": "/{prefix}",
        "/99i1": "/{import_id}",
        "/lists/0": "/lists/{list_id}",
        "/deliveries/1": "/deliveries/{delivery_id}",
    }
    ids = {"campaigns": "campaign_id", "agents": "agent_id", "connectors": "connector_id",
           "sounds": "sound_id", "webhooks": "webhook_id"}  # fmt: skip
    listed = set()
    for method, path, *_ in TABLE:
        for example, name in names.items():
            path = path.replace(example, name)
        kind = path.split("/")[1]
        path = path.replace("/99", f"/{{{ids.get(kind, 'token_id')}}}", 1)
        listed.add((method, path.replace("/contacts/1", "/contacts/{contact_id}")))
    assert listed == documented


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic b2s6b2s=", f"Bearer {'x' * 5000}",
     "Bearer \u00ff\u00fe"],
)  # fmt: skip
async def test_without_a_valid_token_nothing_is_told(client_for, header):
    client = await client_for(None)
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    for path in ("/campaigns", "/campaigns/1", "/no-such-thing"):
        answer = await client.post(f"/api/v1{path}", headers=headers, content=b"{")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthorized"


async def test_tokens_are_shown_once_and_can_be_revoked(api, client_for, make_agent):
    agent = await make_agent()
    body = {"role": "agent", "name": "Ann", "agent_id": agent["id"]}
    made = await api("POST", "/tokens", 201, json=body)
    assert len(made["token"]) >= 32
    client = await client_for(None)
    client.headers["Authorization"] = f"Bearer {made['token']}"
    own = f"/api/v1/agents/{agent['id']}"
    assert (await client.get(own)).status_code == 200
    listed = (await api("GET", "/tokens"))["items"]
    assert {token["name"] for token in listed} >= {"Ann", "the admin"}
    assert all("token" not in token for token in listed)
    await api("DELETE", f"/tokens/{made['id']}", 204)
    assert (await client.get(own)).status_code == 401
    assert (await api("DELETE", f"/tokens/{made['id']}", 404))["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "king"}, "role"),
        ({"role": "agent"}, "agent_id"),
        ({"role": "admin", "agent_id": 1}, "agent_id"),
        ({"role": "agent", "agent_id": 99}, "agent_id"),
        ({}, "role"),
    ],
)
async def test_a_token_of_no_use_is_not_made(api, body, field):
    problem = await api("POST", "/tokens", 422, json=body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_the_token_of_the_environment_works(app, store, settings, client_for):
    client = await client_for(None)
    client.headers["Authorization"] = "Bearer of-the-env"
    assert (await client.get("/api/v1/tokens")).status_code == 401
    async with app.router.lifespan_context(app):
        assert (await client.get("/api/v1/tokens")).status_code == 200
    await ensure_admin(store, settings)
    assert len((await client.get("/api/v1/tokens")).json()["items"]) == 1


async def test_without_a_store_given_the_lifespan_connects_one(settings: ApiSettings):
    app = create_app(None, settings)
    async with app.router.lifespan_context(app):
        assert isinstance(app.state.context.store, RedisStore)
        assert await app.state.context.store.run_id()
