"""Contacts that are changed, have several phones, or wait for one agent, while a campaign runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from engine.core.contact import ContactState, NewContact
from engine.core.errors import Conflict, NotFound
from engine.core.outcome import Outcome
from engine.core.redial import Done, RedialAt, Turn
from engine.store import codec


async def edit(rig, contact_id=1, **changes):
    """`variables` replace those that there are, unless they say how to make new ones."""
    new = changes.get("variables")
    if isinstance(new, dict):
        changes["variables"] = lambda _: new
    edit = rig.store.contacts.edit
    return await edit(rig.campaign_id, contact_id, actor="anna", now=rig.now, **changes)


async def test_a_new_priority_acts_on_the_next_claim(rig):
    await rig.add(3)
    assert (await edit(rig, 3, priority=1)).priority == 1
    assert [claim.contact_id for claim in await rig.claim(3)] == [3, 1, 2]


async def test_a_scheduled_contact_keeps_its_instant_with_its_new_priority(rig):
    await rig.add(2)
    for claim in await rig.dial(2):
        await rig.settle(claim, Outcome.BUSY, rig.in_s(60))
    await edit(rig, 2, priority=1)
    assert await rig.claim(2) == []
    rig.pass_s(60)
    assert [claim.contact_id for claim in await rig.claim(2)] == [2, 1]


async def test_texts_are_replaced_as_a_whole(rig):
    long = {"note": "x" * 150}
    await rig.add(1, name="N" * 100, variables=long, external_id="E1")
    await edit(rig, name="Anna", variables={"a": "1"})
    contact = await rig.contact()
    assert (contact.name, contact.variables, contact.external_id) == ("Anna", {"a": "1"}, "E1")
    await edit(rig, name="", variables={})
    contact = await rig.contact()
    assert (contact.name, contact.variables) == ("", {})
    assert contact.state is ContactState.READY


async def test_edits_of_variables_at_once_keep_each_other(rig):
    await rig.add(1, name="N" * 70, variables={"note": "é" * 40}, url="https://crm.example/1")
    n = 5
    await asyncio.gather(
        *(edit(rig, variables=lambda old, i=i: {**old, f"v{i}": "x" * i}) for i in range(n))
    )
    wanted = {"note": "é" * 40} | {f"v{i}": "x" * i for i in range(n)}
    assert (await rig.contact()).variables == wanted


async def test_an_edit_that_never_gets_its_turn_says_so(rig):
    await rig.add(1, variables={"a": "1"})
    turn = iter(range(100))
    store = rig.store.contacts
    read = store._variables_of

    async def slow(campaign_id, contact_id):
        found = await read(campaign_id, contact_id)
        store._variables_of = read
        await edit(rig, variables={"a": f"other {next(turn)}"})
        store._variables_of = slow
        return found

    store._variables_of = slow
    with pytest.raises(Conflict, match="try again"):
        await edit(rig, variables={"a": "mine"})


@pytest.mark.parametrize("seed", range(4))
async def test_each_text_changes_alone_whatever_its_length_and_letters(rig, seed):
    """Texts share fields of 64 bytes, which the scripts cut between characters."""
    random = Random(seed)

    def text(most: int) -> str:
        return "".join(random.choices('aé€🙂"\\ v{}nm', k=random.randint(0, most)))

    kept = {"external_id": text(60) or None, "url": f"https://{text(90)}", "person_key": text(9)}
    name, variables = text(80), {"a": text(90)}
    await rig.add(1, name=name, variables=variables, source=None, **kept)
    for _ in range(12):
        if random.random() < 0.5:
            name = text(200)
            await edit(rig, name=name)
        else:
            variables = {key: text(90) for key in random.sample("abc", random.randint(0, 3))}
            await edit(rig, variables=variables)
        contact = await rig.contact()
        assert (contact.name, contact.variables) == (name, variables)
        found = (contact.external_id, contact.url, contact.person_key or "")
        assert found == tuple(kept.values())
        stored = await rig.store._link.call(
            "HGETALL", rig.store._keys.campaign(rig.campaign_id, "k:1")
        )
        assert all(len(part.encode()) <= codec.MAX_VALUE_BYTES for part in stored)
    (claim,) = await rig.claim()
    assert (claim.name, claim.external_id) == (name, kept["external_id"])
    assert claim.person_key == (kept["person_key"] or kept["external_id"] or "")


async def test_an_inactive_contact_waits_and_has_its_place_again(rig):
    await rig.add(2)
    await edit(rig, 1, active=False)
    assert (await rig.contact(1)).state is ContactState.INACTIVE
    assert [claim.contact_id for claim in await rig.claim(2)] == [2]
    assert not await rig.store.campaigns.complete_if_exhausted(rig.campaign_id, rig.now)
    await edit(rig, 1, active=True)
    assert [claim.contact_id for claim in await rig.claim(2)] == [1]
    assert await rig.counts() == {"contacts": 2, "in_flight": 2}


async def test_an_inactive_redial_is_due_when_it_was_due(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY, rig.in_s(60))
    await edit(rig, active=False)
    rig.pass_s(30)
    await edit(rig, active=True)
    contact = await rig.contact()
    assert contact.next_dial_at == rig.now + timedelta(seconds=30)
    rig.pass_s(30)
    assert len(await rig.claim()) == 1


async def test_who_is_made_inactive_while_claimed_is_not_sent(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    await edit(rig, active=False)
    assert await rig.mark(claim) == [False]
    await rig.give_back(claim)
    assert (await rig.contact()).state is ContactState.INACTIVE
    assert await rig.store.calls.hours_classes(rig.campaign_id) == []


async def test_a_call_that_is_out_goes_on_and_its_redial_waits(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await edit(rig, active=False)
    assert await rig.settle(claim, Outcome.BUSY, rig.in_s(0))
    assert (await rig.contact()).state is ContactState.INACTIVE
    await edit(rig, active=True)
    assert len(await rig.claim()) == 1


async def test_an_inactive_contact_can_be_withdrawn(rig):
    await rig.add(1)
    await edit(rig, active=False)
    await rig.store.contacts.withdraw(rig.campaign_id, 1, "anna", rig.now)
    assert (await rig.contact()).state is ContactState.WITHDRAWN
    assert await rig.counts() == {"contacts": 1, "withdrawn": 1, "complete": 1}


async def test_a_finished_contact_stays_finished(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY)
    for active in (False, True):
        assert (await edit(rig, active=active, priority=1)).state is ContactState.DONE


async def test_there_must_be_a_contact(rig):
    with pytest.raises(NotFound):
        await edit(rig, 9, priority=1)


# -------------------------------------------------------------------------- several phones

A, B, C = "+12025550001", "+12025550002", "+12025550003"


async def add_phones(rig, *phones: str) -> int | None:
    contact = NewContact(phone=phones[0], hours_class="America/New_York", phones=phones[1:])
    return (await rig.store.contacts.add(rig.campaign_id, [contact], rig.now))[0]


async def ends(rig, outcome: Outcome, turn: Turn) -> str:
    """Dial, settle, and the phone that was dialled."""
    (claim,) = await rig.dial()
    await rig.settle(claim, outcome, replace(rig.in_s(0), turn=turn))
    return claim.phone


async def test_phones_are_tried_in_turn(rig):
    await add_phones(rig, A, B, C)
    dialled = [await ends(rig, Outcome.BUSY, Turn.NEXT) for _ in range(4)]
    assert dialled == [A, B, C, A]
    assert await ends(rig, Outcome.BUSY, Turn.SAME) == B
    assert await ends(rig, Outcome.BUSY, Turn.SAME) == B


async def test_a_phone_that_is_not_in_use_is_never_dialled_again(rig):
    await add_phones(rig, A, B)
    assert (await rig.claim())[0].history.n_other_phones == 1
    rig.pass_s(60)
    contact = await rig.contact()
    await rig.store.calls.give_back(rig.campaign_id, contact.attempt_id, None, rig.now)
    assert await ends(rig, Outcome.INVALID_NUMBER, Turn.DROP) == A
    (claim,) = await rig.dial()
    assert (claim.phone, claim.history.n_other_phones) == (B, 0)
    contact = await rig.contact()
    assert (contact.phone, contact.other_phones, contact.dropped_phones) == (B, (), (A,))


async def test_with_one_phone_there_is_no_other(rig):
    await add_phones(rig, A)
    assert [await ends(rig, Outcome.BUSY, Turn.NEXT) for _ in range(2)] == [A, A]


async def test_a_number_is_one_contact_s_only(rig):
    await add_phones(rig, A, B)
    assert await add_phones(rig, B, C) is None
    assert await add_phones(rig, C, A, B) == 2
    assert (await rig.contact(2)).other_phones == ()


# ------------------------------------------------------------------------ order, callbacks


async def ready_both(rig) -> None:
    """Contacts 1 and 2 wait for a redial, 3 and 4 are new."""
    await rig.add(2)
    for claim in await rig.dial(2):
        await rig.settle(claim, Outcome.BUSY, rig.in_s(0))
    await rig.add(2, first=10)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("redials_first", [1, 2, 3, 4]),
        ("new_first", [3, 4, 1, 2]),
        ("mixed", [1, 3, 2, 4]),
    ],
)
async def test_new_contacts_and_redials_in_the_order_asked_for(rig, order, wanted):
    await ready_both(rig)
    ids = [f"{rig.campaign_id}a{next(rig.serial):020}" for _ in range(4)]
    claims = await rig.store.calls.claim(
        rig.campaign_id, rig.fence, ids, ["America/New_York"], rig.now, 10, order=order
    )
    assert [claim.contact_id for claim in claims] == wanted


async def test_mixed_goes_on_in_turn_over_claims_and_obeys_priority(rig):
    await ready_both(rig)
    await rig.add(1, first=20, priority=1)
    got = []
    for _ in range(5):
        ids = [f"{rig.campaign_id}a{next(rig.serial):020}"]
        claims = await rig.store.calls.claim(
            rig.campaign_id, rig.fence, ids, ["America/New_York"], rig.now, 10, order="mixed"
        )
        got += [claim.contact_id for claim in claims]
    assert got == [5, 1, 3, 2, 4]


async def test_a_callback_names_its_agent_until_it_is_over(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED)
    at = rig.now + timedelta(hours=3)
    await rig.finish(claim, "later", RedialAt(at, is_callback=True, agent_id=7))
    assert (await rig.contact()).callback_agent_id == 7
    rig.pass_s(3 * 3600)
    (claim,) = await rig.claim()
    assert (claim.agent_id, claim.callback_at) == (7, at)
    await rig.give_back(claim, rig.in_s(5))
    rig.pass_s(5)
    (claim,) = await rig.dial()
    assert (claim.agent_id, claim.callback_at) == (7, at), "a wait for the agent is no new date"
    await rig.settle(claim, Outcome.BUSY, rig.in_s(0))
    (claim,) = await rig.claim()
    assert claim.agent_id is None


async def test_a_person_is_the_external_id_unless_a_key_is_given(rig):
    await rig.add(1, external_id="E1")
    await rig.add(1, first=1, external_id="E2", person_key="K" * 100)
    await rig.add(1, first=2)
    assert [c.person_key for c in await rig.claim(3)] == ["E1", "K" * 100, ""]


async def test_done_forgets_the_agent(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED)
    await rig.finish(claim, "x", Done("disposition"))
    assert (await rig.contact()).callback_agent_id is None
