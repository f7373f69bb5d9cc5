"""Users and their sessions on a real server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import Conflict, Invalid, NotFound
from engine.store import RedisStore

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDLE_S = 600


async def ttl_ms(store: RedisStore) -> int:
    """Of the one session that there is; -2 when there is none."""
    pattern = store._keys.session("*").replace("[", "\\[")
    found = await store._link.call("KEYS", pattern)
    return int(await store._link.call("PTTL", found[0])) if found else -2


async def add(store: RedisStore, name: str = "Ann", **fields):
    return await store.users.create(name, "admin", "hash", actor="test", now=NOW, **fields)


async def test_a_name_is_one_person_in_any_case(store: RedisStore):
    await add(store)
    with pytest.raises(Conflict):
        await add(store, "ANN")
    assert (await store.users.get("aNN")).name == "Ann"
    assert [user.name for user in await store.users.list()] == ["Ann"]


@pytest.mark.parametrize("name", ["", " Ann", "A\nnn", "x" * 101])
async def test_names_that_could_mislead_are_refused(store: RedisStore, name: str):
    with pytest.raises(Invalid):
        await add(store, name)
    assert not await store.users.exist()


async def test_a_session_is_found_by_its_secret_only(store: RedisStore):
    user = await add(store)
    session, secret = await store.sessions.begin(user, NOW, IDLE_S)
    assert await store.sessions.find(secret, NOW, IDLE_S) == session
    assert await store.sessions.find(secret + "x", NOW, IDLE_S) is None
    await store.sessions.end(secret)
    assert await store.sessions.find(secret, NOW, IDLE_S) is None


async def test_a_session_ends_when_it_is_idle(store: RedisStore):
    user = await add(store)
    _, secret = await store.sessions.begin(user, NOW, 1)
    # A look would keep it alive, so the server's own clock decides.
    async with asyncio.timeout(30):
        while await ttl_ms(store) > 0:
            await asyncio.sleep(0.1)
    assert await store.sessions.find(secret, NOW, 1) is None


async def test_a_session_ends_after_half_a_day_however_busy(store: RedisStore):
    _, secret = await store.sessions.begin(await add(store), NOW, IDLE_S)
    assert await store.sessions.find(secret, NOW + timedelta(hours=11), IDLE_S)
    assert await store.sessions.find(secret, NOW + timedelta(hours=13), IDLE_S) is None


async def test_a_new_password_and_a_deletion_end_all_sessions(store: RedisStore):
    user = await add(store)
    _, secret = await store.sessions.begin(user, NOW, IDLE_S)
    changed = await store.users.set_password("ann", "other", "test", NOW)
    assert await store.sessions.find(secret, NOW, IDLE_S) is None
    _, secret = await store.sessions.begin(changed, NOW, IDLE_S)
    await store.users.delete("ann", "test", NOW)
    assert await store.sessions.find(secret, NOW, IDLE_S) is None
    with pytest.raises(NotFound):
        await store.users.set_password("ann", "other", "test", NOW)


async def test_what_happens_to_users_is_in_the_audit_log_without_hashes(store: RedisStore):
    await add(store)
    await store.users.set_password("Ann", "secret-hash", "test", NOW)
    await store.users.delete("Ann", "test", NOW)
    page = await store.audit.list()
    assert [entry.action for entry in page.items] == ["delete", "password", "create"]
    assert {entry.subject for entry in page.items} == {"user:Ann"}
    assert "hash" not in str(page.items)


async def test_tries_are_counted_in_a_window_and_forgiven(store: RedisStore):
    assert [await store.sessions.count_try("name:ann", 60) for _ in range(3)] == [1, 2, 3]
    assert await store.sessions.count_try("name:bob", 60) == 1
    await store.sessions.forgive("name:ANN")
    assert await store.sessions.count_try("name:ann", 60) == 1
