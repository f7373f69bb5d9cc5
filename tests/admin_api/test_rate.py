"""No token may send more than its share of requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


@pytest.fixture
def clock(app):
    """Sets the time of the API; a token may send 3 requests at once and 2 a second."""
    context = app.state.context
    settings = context.settings.model_copy(update={"token_rate_per_s": 2, "token_burst": 3})

    def set_to(seconds: float) -> None:
        at = NOW + timedelta(seconds=seconds)
        app.state.context = replace(context, settings=settings, now=lambda: at)

    set_to(0)
    return set_to


async def statuses(client, n: int) -> list[int]:
    return [(await client.get("/api/v1/agents")).status_code for _ in range(n)]


async def test_a_burst_passes_and_then_the_rate(client_for, clock):
    client = await client_for("admin")
    assert await statuses(client, 5) == [200, 200, 200, 429, 429]
    clock(0.5)
    assert await statuses(client, 2) == [200, 429]
    clock(100)
    assert await statuses(client, 4) == [200, 200, 200, 429]


async def test_the_refusal_says_when_to_come_again(client_for, clock):
    client = await client_for("admin")
    await statuses(client, 3)
    answer = await client.get("/api/v1/agents")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "1"


async def test_each_token_has_its_own_share_also_in_two_processes(client_for, clock):
    one, other = await client_for("admin"), await client_for("supervisor")
    assert await statuses(one, 4) == [200, 200, 200, 429]
    assert await statuses(other, 3) == [200, 200, 200]


async def test_who_has_no_token_is_not_told_more(client_for, clock):
    assert await statuses(await client_for(None), 5) == [401] * 5


async def test_no_limit_where_none_is_wanted(app, client_for, clock):
    context = app.state.context
    settings = context.settings.model_copy(update={"token_rate_per_s": 0})
    app.state.context = replace(context, settings=settings)
    assert await statuses(await client_for("admin"), 10) == [200] * 10


async def test_bytes_that_are_no_text_are_not_valid(api):
    headers = {"Content-Type": "application/json"}
    await api("POST", "/campaigns", 422, content=b"\xff\xfe\x17", headers=headers)
