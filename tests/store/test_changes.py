"""Nothing that a page or an engine must see is missed."""

from __future__ import annotations

import asyncio

from engine.core.agent import AgentState
from engine.core.outcome import Outcome
from engine.store import records


async def test_from_now_on_means_from_the_first_call(rig):
    cursor, found = await rig.store.changes.wait("$", 0)
    assert found == []
    await rig.store.agents.set_state(1, AgentState.PAUSED, rig.now)
    cursor, (change,) = await rig.store.changes.wait(cursor, 5)
    assert (change.kind, change.id, change.payload["state"]) == ("agent", "1", "paused")
    assert await rig.store.changes.wait(cursor, 0.01) == (cursor, [])


async def test_on_an_empty_stream(store):
    cursor, found = await store.changes.wait("$", 0.01)
    assert (cursor, found) == ("0-0", [])


async def test_a_waiting_reader_is_woken(rig):
    cursor, _ = await rig.store.changes.wait("$", 0)
    waiting = asyncio.create_task(rig.store.changes.wait(cursor, 30))
    await asyncio.sleep(0)
    await rig.add(1)
    _, found = await waiting
    assert found[0].kind == "campaign"


async def test_waiting_can_be_cancelled_and_taken_up_again(rig):
    cursor, _ = await rig.store.changes.wait("$", 0)
    for _ in range(3):
        waiting = asyncio.create_task(rig.store.changes.wait(cursor, 30))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await rig.add(1)
    _, found = await rig.store.changes.wait(cursor, 5)
    assert [change.kind for change in found] == ["campaign"]


async def test_a_settled_attempt_carries_its_record(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    cursor, _ = await rig.store.changes.wait("$", 0)
    await rig.settle(claim, Outcome.BUSY)
    _, (change,) = await rig.store.changes.wait(cursor, 5)
    assert (change.kind, change.id) == ("attempt", claim.attempt_id)
    assert records.of_payload(change.payload) == rig.record(claim, Outcome.BUSY)
