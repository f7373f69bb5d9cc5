"""What rules have learned, kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.pacing.hazards import Kept
from engine.core.pacing.knowledge import Knowledge
from engine.core.pacing.teaching import Taught
from engine.store import knowledge as kept

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


def known(caution=0.9):
    some = Kept(({3: 2.5, 17: 1.0},), 31.5)
    both = Kept(({3: 2.5}, {22: 4.0}), 99.0)
    return Knowledge(talk=some, wrap_up=some, lines=both, judged=both, caution=caution)


def taught(campaign_id=1, *, caution=0.9, seconds=0):
    at = NOW + timedelta(seconds=seconds)
    return Taught(campaign_id, at, frozenset({4, 9}), known(caution))


async def test_it_comes_back_as_it_was(store):
    assert await store.knowledge.of(1) is None
    await store.knowledge.keep(taught())
    await store.knowledge.keep(taught(2, caution=1.1))
    assert await store.knowledge.of(1) == taught()
    found = sorted(await store.knowledge.others(), key=lambda each: each.campaign_id)
    assert found == [taught(), taught(2, caution=1.1)]


async def test_newer_knowledge_replaces_older_and_never_the_other_way(store):
    await store.knowledge.keep(taught(caution=0.5, seconds=10))
    await store.knowledge.keep(taught(caution=0.7, seconds=20))
    await store.knowledge.keep(taught(caution=0.6, seconds=15))
    assert [each.knowledge.caution for each in await store.knowledge.others()] == [0.7]


async def test_only_the_newest_campaigns_are_kept_for_others(store, monkeypatch):
    monkeypatch.setattr(kept, "N_KEPT", 3)
    for n in (2, 5, 1, 4, 3):
        await store.knowledge.keep(taught(n, seconds=n))
    assert {each.campaign_id for each in await store.knowledge.others()} == {3, 4, 5}
    assert await store.knowledge.of(1) == taught(1, seconds=1)


@pytest.mark.parametrize("text", ["{}", '{"knowledge": {"version": 99}, "kept_at": 1}'])
async def test_another_shape_is_learned_anew(store, text):
    await store._link.call("SET", store._keys.campaign(1, "knowledge"), text)
    await store._link.call("HSET", store._keys.knowledge("by_campaign"), 1, text)
    assert await store.knowledge.of(1) is None
    assert await store.knowledge.others() == []
