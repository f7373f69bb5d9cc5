"""Tokens, repeated requests and the audit log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import Conflict, Invalid
from engine.core.settings import CampaignSettings
from engine.store import StoredAnswer

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


async def test_a_token_is_found_by_its_secret_only(store):
    token, secret = await store.tokens.create(role="agent", name="desk", agent_id=3, now=NOW)
    assert await store.tokens.find(secret) == token
    assert await store.tokens.find(secret + "x") is None
    assert await store.tokens.find("") is None
    assert len(secret) >= 43
    assert await store.tokens.list() == [token]
    assert await store.tokens.revoke(token.id)
    assert not await store.tokens.revoke(token.id)
    assert await store.tokens.find(secret) is None


async def test_no_secret_is_stored(store):
    _, secret = await store.tokens.create(role="admin", now=NOW)
    everything = await store._link.call("HGETALL", store._keys.tokens("by_hash"))
    assert secret not in str(everything)


async def test_a_given_secret_makes_one_token(store):
    ensured = await asyncio.gather(*(store.tokens.ensure("s3cret", "admin", NOW) for _ in range(5)))
    later = await store.tokens.ensure("s3cret", "admin", NOW + timedelta(days=1))
    assert {token.id for token in (*ensured, later)} == {later.id}
    assert len(await store.tokens.list()) == 1


async def test_a_changed_secret_ends_the_one_before(store):
    by_hand, secret = await store.tokens.create(role="admin", name="mine", now=NOW)
    await store.tokens.ensure("old", "admin", NOW)
    new = await store.tokens.ensure("new", "admin", NOW)
    assert await store.tokens.find("old") is None
    assert await store.tokens.find("new") == new
    assert await store.tokens.find(secret) == by_hand
    assert {token.id for token in await store.tokens.list()} == {new.id, by_hand.id}


async def test_a_repeated_request_gets_the_first_answer(store):
    begin = store.idempotency.begin
    assert await begin("k", "f", NOW) is None
    with pytest.raises(Conflict):
        await begin("k", "f", NOW)
    await store.idempotency.finish("k", 201, '{"id":1}', "f")
    assert await begin("k", "g", NOW) == StoredAnswer(201, '{"id":1}', "f")
    assert await begin("other", "f", NOW) is None
    await store.idempotency.forget("other")
    assert await begin("other", "f", NOW) is None


async def test_the_audit_log_pages_over_everything_newest_first(store):
    for i in range(4):
        await store.campaigns.create(f"C{i}", CampaignSettings(), [], "tester", NOW)
        await store.agents.create(
            name="A", extension=str(i), mode="on_hook", actor="tester", now=NOW
        )
    found, cursor = [], None
    while not found or cursor:
        page = await store.audit.list(limit=3, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
    for kind in ("agent", "campaign"):  # between kinds, what happened in one ms has no order
        subjects = [entry.subject for entry in found if entry.subject.startswith(kind)]
        assert subjects == [f"{kind}:{i}" for i in (4, 3, 2, 1)]
    assert len({entry.id for entry in found}) == 8
    with pytest.raises(Invalid):
        await store.audit.list(cursor="nonsense")
