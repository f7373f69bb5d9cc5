"""The server that we bring, and what happens when one goes away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.core.errors import StoreUnavailable
from engine.core.settings import CampaignSettings
from engine.store import EmbeddedRedis, RedisStore

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


@pytest.fixture
def server(tmp_path):
    server = EmbeddedRedis(tmp_path / "data", append_fsync="always")
    yield server
    server.stop()


async def again(call, store):
    """The first answer after a restart; connections of before are gone, so a few tries fail."""
    for _ in range(100):
        with contextlib.suppress(StoreUnavailable):
            return await call()
        await asyncio.sleep(0.02)
    raise AssertionError("no answer after the restart")


async def test_a_second_start_finds_the_data_and_the_scripts(server, tmp_path):
    store = await RedisStore.connect(server.start())
    campaign = await store.campaigns.create("A", CampaignSettings(), [], "tester", NOW)
    run_id = await store.run_id()
    server.kill()
    with pytest.raises(StoreUnavailable):
        await store.campaigns.get(campaign.id)
    (tmp_path / "data" / "valkey.pid").write_text("1\n")
    server.start()
    assert await again(lambda: store.campaigns.get(campaign.id), store) == campaign
    assert await store.run_id() != run_id
    await store._link.call("SCRIPT", "FLUSH")
    assert not await store.campaigns.complete_if_exhausted(campaign.id, NOW)
    await store.close()


async def test_another_process_takes_over_the_folder(server, tmp_path):
    store = await RedisStore.connect(server.start())
    await store.tokens.ensure("secret", "admin", NOW)
    await store.close()
    server.stop()
    second = EmbeddedRedis(tmp_path / "data")
    store = await RedisStore.connect(second.start())
    assert await store.tokens.find("secret") is not None
    await store.close()
    second.stop()


def test_starting_twice_is_starting_once(server):
    assert server.start() == server.start()
    assert server.pid > 0
    server.stop()
    server.stop()
    with pytest.raises(StoreUnavailable):
        _ = server.pid


def test_a_folder_in_use_is_refused(server, tmp_path):
    server.start()
    with pytest.raises(StoreUnavailable, match="in use"):
        EmbeddedRedis(tmp_path / "data").start()


async def test_a_server_whose_owner_was_killed_is_replaced(tmp_path):
    folder = tmp_path / "data"
    program = (
        "import os, pathlib, sys\n"
        "from engine.store import EmbeddedRedis\n"
        "server = EmbeddedRedis(pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True)
    orphan = int(done.stdout)
    server = EmbeddedRedis(folder)
    store = await RedisStore.connect(server.start())
    assert await store.tokens.list() == []
    assert server.pid != orphan
    for _ in range(200):
        # Once reaped it is gone; until init does so it may remain as a zombie without a server.
        status = Path(f"/proc/{orphan}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("the orphan still runs")
    await store.close()
    server.stop()


def test_a_port_in_use_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedRedis(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(StoreUnavailable, match=r"[Aa]ddress|bind|listen"):
            server.start()


async def test_no_server_is_told_with_its_address():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}"):
            await RedisStore.connect(f"redis://:hidden@127.0.0.1:{port}/0")


async def test_a_bad_url_is_told():
    with pytest.raises(StoreUnavailable, match="URL"):
        await RedisStore.connect("http://example.com")


async def test_durability(server):
    store = await RedisStore.connect(server.start())
    good = await store.durability()
    assert (good.persists, good.evicts, good.detail) == (True, False, "")
    await store._link.batch([
        ("CONFIG", "SET", "appendonly", "no"),
        ("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"),
    ])  # fmt: skip
    bad = await store.durability()
    assert (bad.persists, bad.evicts) == (False, True)
    assert "appendonly" in bad.detail and "noeviction" in bad.detail
    await store.close()


async def test_data_of_a_newer_layout_is_refused(server):
    store = await RedisStore.connect(server.start())
    await store._link.call("SET", "dlr:schema", 999)
    await store.close()
    with pytest.raises(StoreUnavailable, match="999"):
        await RedisStore.connect(server.start())


async def test_more_callers_than_connections_wait_their_turn(store):
    answers = await asyncio.gather(*(store._link.call("PING") for _ in range(500)))
    assert set(answers) == {"PONG"}


async def test_a_script_that_fails_is_an_error(store):
    key = store._keys.campaign(1, "campaign")
    await store._link.call("SET", key, "not a hash")
    with pytest.raises(StoreUnavailable):
        await store.campaigns.get(1)
    assert await store._link.call("PING") == "PONG", "the connection is still good"
