"""The application on a real store, and clients with each role."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from admin_api.app import create_app
from admin_api.settings import ApiSettings
from engine.core import ids
from engine.core.attempt import AttemptRecord, Claim
from engine.core.outcome import Outcome
from engine.core.redial import Next
from engine.ports import Settlement
from engine.store import RedisStore

Json = dict[str, Any]
READY = {
    "dialing": {"trunk": "carrier", "caller_ids": ["+12025550100"]},
    "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
}


@pytest.fixture
def settings(valkey_url: str) -> ApiSettings:
    # An RQ of its own, so that jobs of other tests are not in the queue.
    return ApiSettings(
        _env_file=None, redis_url=valkey_url, trunks=("carrier", "backup"), admin_token="of-the-env"
    )


@pytest.fixture
def app(store: RedisStore, settings: ApiSettings) -> FastAPI:
    return create_app(store, settings)


@pytest.fixture
async def client_for(
    app: FastAPI, store: RedisStore
) -> AsyncIterator[Callable[..., Awaitable[httpx2.AsyncClient]]]:
    """`await client_for("supervisor")`, `await client_for("agent", agent_id=3)`; None: no token."""
    clients: list[httpx2.AsyncClient] = []

    async def make(role: str | None, agent_id: int | None = None) -> httpx2.AsyncClient:
        headers = {}
        if role is not None:
            _, secret = await store.tokens.create(
                role=role, name=f"the {role}", agent_id=agent_id, now=datetime.now(UTC)
            )
            headers["Authorization"] = f"Bearer {secret}"
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(
            transport=transport, base_url="http://test", headers=headers, timeout=30
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
    app.state.context.jobs.close()


@pytest.fixture
async def admin(client_for) -> httpx2.AsyncClient:
    return await client_for("admin")


@pytest.fixture
def api(admin: httpx2.AsyncClient) -> Callable[..., Awaitable[Json]]:
    """`await api("POST", "/campaigns", 201, json=…)`: the body, once the status is as expected."""

    async def call(method: str, path: str, expected: int = 200, **options: Any) -> Json:
        answer = await admin.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == expected, (method, path, answer.status_code, answer.text)
        if expected >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == expected
        return answer.json() if answer.content else {}

    return call


@pytest.fixture
def make_agent(api):
    numbers = iter(range(1001, 2000))

    async def make(**fields: Any) -> Json:
        extension = str(next(numbers))
        body = {"name": f"Agent {extension}", "extension": extension, **fields}
        return await api("POST", "/agents", 201, json=body)

    return make


@pytest.fixture
def make_campaign(api, make_agent):
    """A draft with all that Play asks for."""

    async def make(name: str = "Ready", n_contacts: int = 1, **settings: Any) -> Json:
        agent = await make_agent()
        body = {"name": name, "settings": {**READY, **settings}, "agent_ids": [agent["id"]]}
        campaign = await api("POST", "/campaigns", 201, json=body)
        contacts = [{"phone": f"+1202555{n:04}"} for n in range(100, 100 + n_contacts)]
        path = f"/campaigns/{campaign['id']}"
        await api("POST", f"{path}/contacts", 200, json=contacts)
        return await api("GET", path)

    return make


@pytest.fixture
def dial(store: RedisStore):
    """Claims the next contact of an active campaign and marks it as sent."""

    async def one(campaign_id: int) -> Claim:
        now = datetime.now(UTC)
        fence = await store.leadership.acquire("test", now, 60)
        assert fence is not None
        await store.campaigns.fence(campaign_id, fence)
        attempt_id = ids.attempt_id(campaign_id, now, secrets.randbits(50))
        classes = await store.calls.hours_classes(campaign_id)
        (claim,) = await store.calls.claim(campaign_id, fence, [attempt_id], classes, now, 60)
        sent = [(attempt_id, "+12025550100", "carrier", "pbx")]
        assert await store.calls.mark_sent(campaign_id, fence, sent, now, 60) == [True]
        return claim

    return one


@pytest.fixture
def settle(store: RedisStore, dial):
    """Claims the next contact of an active campaign and settles it; the attempt's id.

    Without `then` the conversation waits for its disposition.
    """

    async def one(
        campaign_id: int,
        outcome: Outcome = Outcome.BUSY,
        *,
        then: Next | None = None,
        agent_id: int | None = None,
        **fields: Any,
    ) -> str:
        claim, now = await dial(campaign_id), datetime.now(UTC)
        record = AttemptRecord(
            attempt_id=claim.attempt_id, campaign_id=campaign_id, contact_id=claim.contact_id,
            number=claim.number, phone=claim.phone, caller_id="+12025550100", trunk="carrier",
            node="pbx", started_at=now, outcome=outcome, agent_id=agent_id,
            **{"ended_at": now, **fields},
        )  # fmt: skip
        until = None if then else now + timedelta(seconds=60)
        settlement = Settlement(record=record, next=then, wrap_up_until=until)
        assert await store.calls.settle(campaign_id, [settlement], now) == [True]
        return claim.attempt_id

    return one
