"""Withdrawing acts at once, from every state, and completes a contact once."""

from __future__ import annotations

import pytest

from engine.core.contact import ContactState
from engine.core.errors import NotFound
from engine.core.outcome import Outcome
from engine.core.redial import Done


async def withdraw(rig):
    return await rig.store.contacts.withdraw(rig.campaign_id, 1, "tester", rig.now)


async def test_a_waiting_contact_is_withdrawn_at_once(rig):
    await rig.add(1)
    assert (await withdraw(rig)).state is ContactState.WITHDRAWN
    assert (await withdraw(rig)).state is ContactState.WITHDRAWN
    assert await rig.counts() == {"contacts": 1, "withdrawn": 1, "complete": 1}
    assert await rig.claim() == []
    assert await rig.store.calls.hours_classes(rig.campaign_id) == []


async def test_a_scheduled_contact_is_withdrawn_at_once(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY, rig.callback_in_s(0))
    assert (await withdraw(rig)).state is ContactState.WITHDRAWN
    assert await rig.store.calls.next_due_at(rig.campaign_id) is None


async def test_in_flight_the_redial_becomes_withdrawn(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    assert (await withdraw(rig)).state is ContactState.IN_FLIGHT
    await rig.settle(claim, Outcome.BUSY, rig.in_s(0))
    contact = await rig.contact()
    assert (contact.state, contact.done_reason) == (ContactState.WITHDRAWN, "withdrawn")
    assert (await rig.counts())["complete"] == 1


async def test_an_unsent_attempt_of_a_withdrawn_contact_ends_it(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    await withdraw(rig)
    await rig.give_back(claim)
    assert (await rig.contact()).state is ContactState.WITHDRAWN


async def test_a_wrap_up_goes_on(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED)
    assert (await withdraw(rig)).state is ContactState.WRAP_UP
    await rig.finish(claim, "later", rig.callback_in_s(5))
    assert (await rig.contact()).state is ContactState.WITHDRAWN


async def test_a_finished_contact_stays_as_it_is(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY, Done("max_attempts"))
    assert (await withdraw(rig)).state is ContactState.DONE


async def test_an_unknown_contact(rig):
    with pytest.raises(NotFound):
        await withdraw(rig)
