"""Event streams, over a real server: they never end by themselves."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
import uvicorn

from admin_api.routes import events
from engine.core.redial import Done

BOUND_S = 20


@pytest.fixture
async def server(app) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="warning", lifespan="on", timeout_graceful_shutdown=5, ws="none"
    )
    running = uvicorn.Server(config)
    # The test's own process keeps its signals.
    task = asyncio.create_task(running._serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/events"
    app.state.stopping.set()
    running.should_exit = True
    await asyncio.wait_for(task, BOUND_S)
    listener.close()


@asynccontextmanager
async def listening(server: str, admin: httpx2.AsyncClient, last_id: str | None = None):
    headers = dict(admin.headers) | ({"Last-Event-ID": last_id} if last_id else {})
    async with (
        httpx2.AsyncClient(timeout=BOUND_S) as client,
        client.stream("GET", server, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("retry: ")
        # What happens now is after the stream's beginning: its first wait has a real cursor.
        yield Stream(lines)


class Stream:
    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, kind: str) -> tuple[str, dict]:
        """The id and data of the next event of this kind."""
        found: dict[str, str] = {}
        async with asyncio.timeout(BOUND_S):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line:
                    found[name] = value
                    continue
                if found.get("event") == kind:
                    return found["id"], json.loads(found["data"])
                found = {}
        raise AssertionError("the stream ended")


async def until(stream: Stream, kind: str, **expected) -> str:
    while True:
        id_, body = await stream.next(kind)
        if all(body.get(key) == value for key, value in expected.items()):
            return id_


async def first_cursor(store) -> str:
    return (await store.changes.wait("$", 0))[0]


async def test_changes_are_told_with_the_resource(
    api, admin, app, store, server, make_campaign, settle
):
    start = await first_cursor(store)
    campaign = await make_campaign()
    async with listening(server, admin, start if start != "0-0" else None) as stream:
        await api("POST", f"/campaigns/{campaign['id']}/play")
        await until(stream, "campaign", id=campaign["id"], status="active")
        agent_id = campaign["agent_ids"][0]
        await api("POST", f"/agents/{agent_id}/login")
        await until(stream, "agent", id=agent_id, logged_in=True)
        attempt_id = await settle(campaign["id"], then=Done("x"))
        _, record = await stream.next("attempt")
        assert record["attempt_id"] == attempt_id
        assert record["started_at"].endswith("Z")


async def test_a_lost_stream_goes_on_after_its_last_event(api, admin, server, make_campaign):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    async with listening(server, admin, "0-1") as stream:
        last = await until(stream, "campaign", id=campaign["id"])
    await api("POST", f"{path}/play")
    await api("POST", f"{path}/pause")
    async with listening(server, admin, last) as stream:
        await until(stream, "campaign", id=campaign["id"], status="paused")


async def test_what_is_deleted_is_told_so(api, admin, server):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    await api("DELETE", f"/campaigns/{made['id']}", 204)
    async with listening(server, admin, "0-1") as stream:
        await until(stream, "campaign", id=made["id"], deleted=True)


async def test_a_silent_stream_shows_that_it_lives(admin, server, monkeypatch):
    monkeypatch.setattr(events, "WAIT_S", 0.05)
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    async with listening(server, admin) as stream:
        async with asyncio.timeout(BOUND_S):
            async for line in stream._lines:
                if line.startswith(":"):
                    return


async def test_streams_are_counted_and_bounded(admin, app, server, monkeypatch):
    monkeypatch.setattr(events, "MAX_STREAMS", 1)
    monkeypatch.setattr(events, "WAIT_S", 0.05)
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    async with listening(server, admin):
        refused = await admin.get("/api/v1/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
        assert refused.headers["retry-after"] == "5"
    async with asyncio.timeout(BOUND_S):
        while app.state.n_streams:
            await asyncio.sleep(0.02)


async def test_a_bad_last_event_id_is_refused(api):
    problem = await api("GET", "/events", 422, headers={"Last-Event-ID": "x; DROP"})
    assert problem["errors"][0]["field"] == "last-event-id"


async def test_agents_do_not_listen(client_for, make_agent):
    agent = await make_agent()
    client = await client_for("agent", agent_id=agent["id"])
    assert (await client.get("/api/v1/events")).status_code == 403
