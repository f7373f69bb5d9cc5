"""A campaign's calling lists share its calls by weight."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from engine.core.contact import NewContact
from engine.core.errors import NotFound
from engine.core.redial import RedialAt

NEW_YORK, DENVER = "America/New_York", "America/Denver"


async def import_(rig, name: str) -> int:
    import_id = await rig.store.imports.create(rig.campaign_id, filename=name, now=rig.now)
    await rig.store.imports.seal(import_id, rig.now)
    return (await rig.store.imports.get(rig.campaign_id, import_id)).list_id


async def add(rig, list_id: int, n: int, *, first: int, priority: int = 500, zone=NEW_YORK) -> None:
    new = [
        NewContact(phone=f"+1202{first + i:07}", hours_class=zone, priority=priority)
        for i in range(n)
    ]
    contacts = rig.store.contacts
    ready = contacts.ready(rig.campaign_id, new, rig.now, list_id=list_id)
    await contacts.add_ready(rig.campaign_id, ready)


async def claimed(rig, n: int) -> list[int]:
    """The list of each contact, in the order of the claim."""
    claims = await rig.claim(n)
    contacts = [await rig.store.calls.contact(rig.campaign_id, c.contact_id) for c in claims]
    assert [claim.list_id for claim in claims] == [contact.list_id for contact in contacts]
    return [contact.list_id for contact in contacts]


async def two(rig, n: int = 200) -> tuple[int, int]:
    a, b = await import_(rig, "a.csv"), await import_(rig, "b.csv")
    await add(rig, a, n, first=2_000_000)
    await add(rig, b, n, first=3_000_000)
    return a, b


async def weigh(rig, list_id: int, weight: int) -> None:
    await rig.store.lists.edit(rig.campaign_id, list_id, weight=weight, actor="t", now=rig.now)


async def test_lists_are_told_with_their_source(rig):
    await rig.add(3)
    a, b = await two(rig, 5)
    single, first, second = await rig.store.lists.all(rig.campaign_id)
    assert (single.list_id, single.kind, single.n_contacts) == (0, "single", 3)
    assert (first.list_id, first.kind, first.name, first.n_contacts) == (a, "import", "a.csv", 5)
    assert (second.list_id, second.weight, second.created_at) == (b, 1, rig.now)
    pull = await rig.store.polls.begin_pull(rig.campaign_id, "9", rig.now)
    again = await rig.store.polls.begin_pull(rig.campaign_id, "9", rig.now)
    assert again.fence == pull.fence + 1
    last = (await rig.store.lists.all(rig.campaign_id))[-1]
    assert (last.list_id, last.kind, last.source_id) == (3, "connector", "9")
    with pytest.raises(NotFound):
        await weigh(rig, 7, 2)


async def test_lists_of_one_weight_take_turns(rig):
    a, b = await two(rig)
    assert Counter(await claimed(rig, 20)) == {a: 10, b: 10}


@pytest.mark.parametrize("at_once", [1, 7, 40])
async def test_lists_share_by_weight_however_many_are_claimed_at_once(rig, at_once):
    a, b = await two(rig)
    await weigh(rig, a, 3)
    found: list[int] = []
    while len(found) < 80:
        found += await claimed(rig, min(at_once, 80 - len(found)))
    assert Counter(found) == {a: 60, b: 20}
    for start in range(0, 80, 4):
        assert found[start : start + 8].count(b) >= 1  # nobody waits long for a turn


async def test_a_list_that_is_empty_leaves_its_share_to_others_and_does_not_catch_up(rig):
    a, b = await two(rig, 10)
    await claimed(rig, 20)
    await add(rig, b, 100, first=4_000_000)
    assert Counter(await claimed(rig, 50)) == {b: 50}
    await add(rig, a, 50, first=5_000_000)
    assert Counter(await claimed(rig, 20)) == {a: 10, b: 10}


async def test_priority_comes_before_weight(rig):
    a, b = await two(rig, 20)
    await weigh(rig, a, 1000)
    await add(rig, b, 3, first=4_000_000, priority=1)
    assert await claimed(rig, 3) == [b, b, b]


async def test_redials_stay_in_their_list_and_closed_hours_cost_no_turn(rig):
    a, b = await two(rig, 4)
    await add(rig, b, 10, first=4_000_000, zone=DENVER)
    claims = await rig.claim(8, classes=(NEW_YORK,))
    for claim in claims:
        later = RedialAt(rig.now + timedelta(seconds=60))
        await rig.store.calls.give_back(rig.campaign_id, claim.attempt_id, later, rig.now)
    rig.now += timedelta(seconds=61)
    assert Counter(await claimed(rig, 8)) == {a: 4, b: 4}
    classes = await rig.store.calls.hours_classes(rig.campaign_id)
    assert set(classes) == {DENVER}
    assert await rig.store.calls.ready_classes(rig.campaign_id, rig.now) == [DENVER]
    assert Counter(await claimed(rig, 10)) == {b: 10}
    assert await rig.store.calls.ready_classes(rig.campaign_id, rig.now) == []


async def test_a_contact_keeps_its_list_through_all_that_is_done_to_it(rig):
    a, _ = await two(rig, 2)
    edit = rig.store.contacts.edit
    found = await edit(rig.campaign_id, 1, actor="t", now=rig.now, active=False)
    assert (found.list_id, found.hours_class) == (a, NEW_YORK)
    found = await edit(rig.campaign_id, 1, actor="t", now=rig.now, active=True, priority=1)
    assert (await rig.claim(1))[0].contact_id == 1
    gone = await rig.store.contacts.withdraw(rig.campaign_id, 2, "t", rig.now)
    assert gone.list_id == a
    assert len(await claimed(rig, 10)) == 2
