"""Contacts as they arrive and as they are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.core.contact import ContactState, NewContact
from engine.core.errors import NotFound
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.store import codec
from engine.store.contact_fields import fields_of

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
FULL = NewContact(
    phone="+12025550100",
    hours_class="America/New_York",
    name="Jürgen " * 20,
    timezone="America/New_York",
    priority=7,
    external_id="crm-1",
    source="list.csv",
    url="https://crm.example/" + "x" * 100,
    variables={"plan": "gold", "note": "日本語" * 60},
    region="US-NY",
    postal_code="10001",
)


async def test_everything_comes_back(rig):
    await rig.store.contacts.add(rig.campaign_id, [FULL], NOW)
    contact = await rig.contact()
    for name in (
        "phone",
        "hours_class",
        "name",
        "timezone",
        "priority",
        "external_id",
        "region",
        "postal_code",
    ):
        assert getattr(contact, name) == getattr(FULL, name)
    assert (contact.source, contact.url) == (FULL.source, FULL.url)
    assert contact.variables == FULL.variables
    assert contact.state is ContactState.READY


async def test_no_value_leaves_the_compact_encoding(rig):
    assert all(len(v.encode()) <= codec.MAX_VALUE_BYTES for v in fields_of(FULL).values())
    await rig.store.contacts.add(rig.campaign_id, [FULL], NOW)
    key = rig.store._keys.campaign(rig.campaign_id, "k:1")
    assert await rig.store._link.call("OBJECT", "ENCODING", key) == "listpack"


@pytest.mark.parametrize(
    "text", ['"', "\\", "\\u0041", "a\tb\u2028c\x7f", "[1,2]", "12", "null", "🙂é"]
)
async def test_no_text_is_read_as_anything_else(rig, text):
    given = FULL._replace(name=text, external_id=text, variables={"a": text})
    await rig.store.contacts.add(rig.campaign_id, [given], NOW)
    contact = await rig.contact()
    assert (contact.name, contact.external_id, contact.variables) == (text, text, {"a": text})


async def test_the_place_among_ready_contacts_is_exact(rig):
    phones = [f"+1202555{i:04}" for i in range(3)]
    given = [NewContact(phone=p, hours_class="", priority=1000) for p in phones]
    await rig.store.contacts.add(rig.campaign_id, given, NOW)
    key = rig.store._keys.campaign(rig.campaign_id, "ready:n:1")
    placed = await rig.store._link.call("ZRANGE", key, 0, -1, "WITHSCORES")
    expected = {str(i): 1000 * 2**42 + i for i in (1, 2, 3)}
    assert {i: int(float(score)) for i, score in codec.pairs(placed).items()} == expected


@pytest.mark.parametrize(
    "text", ["", "a", "é" * 64, "a" + "é" * 64, "日" * 50, "x" * 128, "🙂" * 33]
)
def test_split_and_join(text):
    fields = codec.split("f", text)
    assert codec.join("f", fields) == text
    assert all(len(value.encode()) <= 64 for value in fields.values())


async def test_a_number_is_in_a_campaign_once(rig):
    assert await rig.add(3) == [1, 2, 3]
    add = rig.store.contacts.add
    again = [NewContact(phone=f"+1202555{i:04}", hours_class="") for i in (2, 3, 3)]
    assert await add(rig.campaign_id, again, NOW) == [None, 4, None]
    assert (await rig.counts()) == {"contacts": 4, "ready": 4}


async def test_many_are_added_in_order(rig):
    assert await rig.add(1201) == list(range(1, 1202))


async def test_a_repeated_batch_gives_its_first_answer(rig):
    some = [NewContact(phone=f"+1202555{i:04}", hours_class="") for i in (1, 1, 2)]
    contacts, id_ = rig.store.contacts, rig.campaign_id
    first, second = (contacts.ready(id_, some, NOW, token=token) for token in ("i1", "i2"))
    assert await contacts.add_ready(id_, first) == [1, None, 2]
    assert await contacts.add_ready(id_, first) == [1, None, 2]
    assert await contacts.add_ready(id_, second) == [None, None, None]


async def test_pages_by_id_and_by_state(rig):
    await rig.add(10)
    for claim in await rig.claim(4):
        await rig.give_back(claim, rig.in_s(5))
    read = rig.store.contacts.list
    page, after = await read(rig.campaign_id, limit=4)
    assert ([c.contact_id for c in page], after) == ([1, 2, 3, 4], 4)
    page, after = await read(rig.campaign_id, after=4, limit=6)
    assert ([c.contact_id for c in page], after) == ([5, 6, 7, 8, 9, 10], None)
    page, after = await read(rig.campaign_id, state=ContactState.SCHEDULED, limit=3)
    assert ([c.contact_id for c in page], after) == ([1, 2, 3], 3)
    page, after = await read(rig.campaign_id, state=ContactState.SCHEDULED, after=3)
    assert ([c.contact_id for c in page], after) == ([4], None)


async def in_pages(rig, state: ContactState, limit: int) -> list[int]:
    found, after, n_pages = [], 0, 0
    while after is not None:
        page, after = await rig.store.contacts.list(
            rig.campaign_id, state=state, after=after, limit=limit
        )
        found += [contact.contact_id for contact in page]
        n_pages += 1
        assert n_pages < 500
    return found


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_a_state_is_found_wherever_it_is(rig, limit):
    await rig.add(30)
    for contact_id in (1, 2, 17, 30):
        await rig.store.contacts.withdraw(rig.campaign_id, contact_id, "test", NOW)
    assert await in_pages(rig, ContactState.WITHDRAWN, limit) == [1, 2, 17, 30]
    assert await in_pages(rig, ContactState.READY, limit) == [
        i for i in range(1, 30) if i not in (1, 2, 17)
    ]
    assert await in_pages(rig, ContactState.DONE, limit) == []


@pytest.mark.parametrize("looks", [1, 7, 100])
async def test_a_state_is_found_where_states_were_not_kept_together(rig, monkeypatch, looks):
    """A campaign from before; some of its contacts have changed since."""
    await rig.add(20)
    states = rig.store.contacts._keys.campaign(rig.campaign_id, "states")
    await rig.store._link.call("DEL", states)
    for contact_id in (5, 12):
        await rig.store.contacts.withdraw(rig.campaign_id, contact_id, "test", NOW)
    monkeypatch.setattr("engine.store.contacts.MAX_LOOKED_AT", looks)
    assert await in_pages(rig, ContactState.WITHDRAWN, 2) == [5, 12]
    assert len(await in_pages(rig, ContactState.READY, 4)) == 18


async def test_records_page_in_place_and_filter(rig):
    await rig.add(5)
    claims = await rig.dial(5)
    for claim in claims:
        answered = claim.contact_id == 2
        await rig.settle(claim, Outcome.ANSWERED if answered else Outcome.BUSY)
    await rig.finish(claims[1], "sale", Done("disposition"))
    read = rig.store.attempts.list
    first, cursor = await read(rig.campaign_id, limit=3)
    rest, end = await read(rig.campaign_id, limit=4, after=cursor)
    assert [r.contact_id for r in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert (first[1].rev, first[1].disposition, end) == (1, "sale", None)
    (only,), _ = await read(rig.campaign_id, outcome=Outcome.ANSWERED)
    assert only.contact_id == 2
    (only,), _ = await read(rig.campaign_id, contact_id=4)
    assert only.contact_id == 4


async def test_unknown_ones(rig):
    with pytest.raises(NotFound):
        await rig.contact(1)
    with pytest.raises(NotFound):
        await rig.store.contacts.add(99, [FULL], NOW)
