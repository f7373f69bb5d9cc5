"""The end of an attempt: contact, counters and record in one step, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.core.attempt import AttemptStage, LiveAttempt
from engine.core.contact import ContactState
from engine.core.outcome import Outcome
from engine.core.redial import Done, RedialAt, Turn

SETTLED_ONCE = {
    "contacts": 1,
    "attempts": 1,
    "outcome:busy": 1,
    "done": 1,
    "complete": 1,
}


async def test_settling_twice_changes_nothing_the_second_time(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    assert await rig.settle(claim, Outcome.BUSY)
    assert not await rig.settle(claim, Outcome.BUSY)
    assert not await rig.settle(claim, Outcome.ANSWERED)
    assert await rig.counts() == SETTLED_ONCE
    assert len(await rig.records()) == 1


async def test_a_batch_says_of_each_whether_it_was_settled(rig):
    await rig.add(3)
    claims = await rig.dial(3)
    await rig.settle(claims[1], Outcome.BUSY)
    all_ended = [rig.ended(claim, Outcome.BUSY) for claim in claims]
    calls = rig.store.calls
    assert await calls.settle(rig.campaign_id, all_ended, rig.now) == [True, False, True]
    assert await calls.settle(rig.campaign_id, [], rig.now) == []


async def test_the_record_comes_back_as_it_was(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY)
    assert await rig.records() == [rig.record(claim, Outcome.BUSY)]


async def test_a_redial_waits_and_keeps_the_history(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.NO_ANSWER, rig.in_s(60))
    contact = await rig.contact()
    assert contact.state is ContactState.SCHEDULED
    assert contact.next_dial_at == rig.now + timedelta(seconds=60)
    assert (contact.n_attempts, contact.outcomes) == (1, {Outcome.NO_ANSWER: 1})
    assert (contact.last_outcome, contact.attempt_id) == (Outcome.NO_ANSWER, None)


async def test_a_trunk_fault_is_not_held_against_the_contact(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.FAILED, rig.in_s(1), counts=False, trunk_fault=True)
    contact = await rig.contact()
    assert (contact.n_attempts, contact.n_trunk_faults) == (0, 1)
    assert (await rig.counts())["trunk_faults"] == 1


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_people_who_answered_are_counted(rig, outcome):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, outcome, Done("x"))
    counts = await rig.counts()
    by_person = {Outcome.ANSWERED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY}
    assert counts.get("answered_person", 0) == (outcome in by_person)
    assert counts.get("abandoned", 0) == (outcome is Outcome.ABANDONED)
    assert counts[f"outcome:{outcome}"] == 1


async def test_a_bridged_contact_is_complete_only_after_wrap_up(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED)
    assert (await rig.contact()).state is ContactState.WRAP_UP
    assert "complete" not in await rig.counts()
    (wrapping,) = await rig.store.calls.wrapping(rig.campaign_id)
    assert (wrapping.attempt_id, wrapping.contact_id) == (claim.attempt_id, 1)
    assert wrapping.until == rig.now + timedelta(seconds=10)
    both = [rig.campaign_id + 1, rig.campaign_id]
    assert await rig.store.calls.wrapped_up(both, wrapping.until - timedelta(seconds=0.001)) == []
    over = await rig.store.calls.wrapped_up(both, wrapping.until)
    assert over == [(rig.campaign_id, claim.attempt_id)]
    assert await rig.finish(claim, "sale", Done("disposition"))
    assert not await rig.finish(claim, "other", Done("disposition"))
    assert await rig.store.calls.wrapping(rig.campaign_id) == []
    assert await rig.store.calls.wrapped_up(both, wrapping.until) == []
    counts = await rig.counts()
    assert (counts["complete"], counts["disposition:sale"]) == (1, 1)
    (record,) = await rig.records()
    assert (record.rev, record.disposition) == (1, "sale")


async def test_a_disposition_may_ask_for_a_callback(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED)
    await rig.finish(claim, "later", rig.callback_in_s(60))
    assert (await rig.contact()).state is ContactState.SCHEDULED
    (record,) = await rig.records()
    assert record.next_dial_at == rig.now + timedelta(seconds=60)


async def test_an_unknown_fate_becomes_known_once(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.UNKNOWN, rig.in_s(60))
    assert await rig.settle(claim, Outcome.ABANDONED, Done("x"))
    assert not await rig.settle(claim, Outcome.BUSY)
    contact, counts = await rig.contact(), await rig.counts()
    assert (contact.state, contact.outcomes) == (ContactState.DONE, {Outcome.ABANDONED: 1})
    assert contact.last_outcome is Outcome.ABANDONED
    assert "outcome:unknown" not in counts and counts["abandoned"] == 1
    (record,) = await rig.records()
    assert (record.rev, record.outcome) == (1, Outcome.ABANDONED)


async def test_a_contact_that_moved_on_keeps_its_state(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.UNKNOWN, rig.in_s(0))
    (again,) = await rig.dial()
    assert await rig.settle(claim, Outcome.BUSY, Done("x"))
    assert (await rig.contact()).attempt_id == again.attempt_id
    assert (await rig.contact()).outcomes == {Outcome.BUSY: 1}
    await rig.settle(again, Outcome.NO_ANSWER)
    assert (await rig.counts())["complete"] == 1


async def test_a_finished_contact_never_revives(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.UNKNOWN, Done("max_attempts"))
    assert await rig.settle(claim, Outcome.BUSY, rig.in_s(0))
    assert (await rig.contact()).state is ContactState.DONE
    assert await rig.claim() == []


async def test_an_unknown_that_was_answered_is_wrapped_up(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.UNKNOWN, rig.in_s(60))
    await rig.settle(claim, Outcome.ANSWERED)
    assert (await rig.contact()).state is ContactState.WRAP_UP
    await rig.finish(claim, "sale", Done("disposition"))
    (record,) = await rig.records()
    assert (record.rev, record.outcome, record.disposition) == (2, Outcome.ANSWERED, "sale")
    assert await rig.store.calls.next_due_at(rig.campaign_id) is None


async def test_a_claimed_attempt_comes_back_to_its_place(rig):
    await rig.add(3)
    first, *_ = await rig.claim(1)
    assert await rig.give_back(first)
    assert not await rig.give_back(first)
    assert [claim.contact_id for claim in await rig.claim(3)] == [1, 2, 3]


async def test_a_sent_attempt_that_never_left_is_uncounted(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    assert await rig.give_back(claim)
    assert await rig.counts() == {"contacts": 1, "ready": 1}
    (again,) = await rig.claim()
    assert again.number == 1


async def test_a_parked_contact_keeps_its_list(rig):
    await rig.add(2)
    (new,) = await rig.claim()
    await rig.give_back(new, rig.in_s(1))
    (redial,) = await rig.dial()
    await rig.settle(redial, Outcome.BUSY, rig.in_s(1))
    rig.pass_s(1)
    assert [claim.contact_id for claim in await rig.claim(2)] == [2, 1], "the redial comes first"


async def test_a_contact_may_be_done_without_a_dial(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    await rig.give_back(claim, Done("dnc"))
    contact = await rig.contact()
    assert (contact.state, contact.done_reason) == (ContactState.DONE, "dnc")
    assert await rig.records() == []


def lost(rig, claim, attempt_id: str) -> LiveAttempt:
    """A call that Asterisk has and the store has not."""
    return LiveAttempt(
        attempt_id=attempt_id,
        contact_id=claim.contact_id,
        phone=claim.phone,
        number=claim.number,
        stage=AttemptStage.SENT,
        claimed_at=rig.now,
        sent_at=rig.now,
        lease_until=rig.now + timedelta(seconds=10),
        caller_id="+12025550100",
        trunk="carrier",
        node="pbx1",
        epoch=1,
    )


async def test_a_call_that_the_store_lost_is_taken_over(rig):
    await rig.add(1)
    (claim,) = await rig.claim()
    await rig.give_back(claim)
    adopt = [lost(rig, claim, claim.attempt_id)]
    assert await rig.store.calls.adopt(rig.campaign_id, adopt, rig.now) == [True]
    assert await rig.store.calls.adopt(rig.campaign_id, adopt, rig.now) == [False]
    assert await rig.claim() == []
    assert await rig.settle(claim, Outcome.BUSY)
    assert await rig.counts() == SETTLED_ONCE


async def test_what_was_settled_is_not_taken_over(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.BUSY, rig.in_s(0))
    adopt = [lost(rig, claim, claim.attempt_id)]
    assert await rig.store.calls.adopt(rig.campaign_id, adopt, rig.now) == [False]


@pytest.mark.parametrize("wraps", [True, False])
async def test_a_lost_call_of_a_contact_that_ended(rig, wraps):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED, None if wraps else Done("x"))
    later = lost(rig, claim, f"{rig.campaign_id}a{'9' * 20}")
    assert await rig.store.calls.adopt(rig.campaign_id, [later], rig.now) == [True]
    state = ContactState.IN_FLIGHT if wraps else ContactState.DONE
    assert (await rig.contact()).state is state
    assert await rig.store.calls.wrapping(rig.campaign_id) == []


@pytest.mark.parametrize(
    ("late", "turn", "phones"),
    [
        (Outcome.INVALID_NUMBER, Turn.DROP, ("+12025559999",)),
        (Outcome.NO_ANSWER, Turn.NEXT, ("+12025559999", "+12025550000")),
    ],
)
async def test_a_late_fate_is_that_of_the_phone_dialled(rig, late, turn, phones):
    """The unknown fate has turned the contact to its next phone already."""
    await rig.add(1, phones=("+12025559999",))
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.UNKNOWN, RedialAt(rig.now, turn=Turn.NEXT))
    await rig.settle(claim, late, RedialAt(rig.now, turn=turn))
    contact = await rig.contact()
    assert (contact.phone, *contact.other_phones) == phones
    assert contact.dropped_phones == ((claim.phone,) if turn is Turn.DROP else ())


async def test_a_disposition_without_an_agent_is_counted(rig):
    """Also where the fate was unknown first: what is exported is counted from the records."""
    await rig.add(2)
    for claim in await rig.dial(2):
        if claim.contact_id == 2:
            await rig.settle(claim, Outcome.UNKNOWN, rig.in_s(60))
        ended = rig.ended(claim, Outcome.MESSAGE_PLAYED, Done("message_played"))
        ended = replace(ended, record=replace(ended.record, disposition="confirm"))
        for _ in range(2):
            await rig.store.calls.settle(rig.campaign_id, [ended], rig.now)
        assert (await rig.counts())["disposition:confirm"] == claim.contact_id


async def test_a_disposition_s_redials_are_counted_on_the_contact(rig):
    """Where another dial follows; the phone turns, and what does not count is taken off."""
    await rig.add(1, phones=("+12025559999",))
    then = [replace(rig.in_s(0), turn=Turn.NEXT), rig.callback_in_s(0), Done("disposition")]
    for n, (code, next) in enumerate(zip(("due", "due", "r"), then, strict=True), start=1):
        (claim,) = await rig.dial()
        await rig.settle(claim, Outcome.ANSWERED)
        (wrapping,) = await rig.store.calls.wrapping(rig.campaign_id)
        assert wrapping.counts
        finish = rig.store.calls.finish(
            rig.campaign_id, claim.attempt_id, code, next, rig.now, counts=n != 1
        )
        assert await finish
        contact = await rig.contact()
        assert (contact.dispositions, contact.n_attempts) == ({"due": min(n, 2)}, n - 1)
        assert (contact.phone, *contact.other_phones) == ("+12025559999", "+12025550000")
    assert contact.done_reason == "disposition"


async def test_an_attempt_that_did_not_count_is_not_taken_off_twice(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.ANSWERED, counts=False)
    (wrapping,) = await rig.store.calls.wrapping(rig.campaign_id)
    assert not wrapping.counts
    calls, at = rig.store.calls, rig.in_s(60)
    assert await calls.finish(rig.campaign_id, claim.attempt_id, "again", at, rig.now, counts=False)
    assert (await rig.contact()).n_attempts == 0


async def test_a_key_s_redials_are_counted_on_the_contact(rig):
    await rig.add(1)
    (claim,) = await rig.dial()
    ended = rig.ended(claim, Outcome.MESSAGE_PLAYED, rig.in_s(60))
    ended = replace(ended, record=replace(ended.record, disposition="later"))
    await rig.store.calls.settle(rig.campaign_id, [ended], rig.now)
    assert (await rig.contact()).dispositions == {"later": 1}


async def test_a_phone_that_is_not_in_use_is_dropped_however_late_it_is_known(rig):
    """The contact was dialled again meanwhile, on its other phone."""
    await rig.add(1, phones=("+12025559999",))
    (claim,) = await rig.dial()
    await rig.settle(claim, Outcome.UNKNOWN, RedialAt(rig.now, turn=Turn.NEXT))
    (other,) = await rig.dial()
    await rig.settle(claim, Outcome.INVALID_NUMBER, RedialAt(rig.now, turn=Turn.DROP))
    await rig.settle(other, Outcome.BUSY, RedialAt(rig.now, turn=Turn.NEXT))
    contact = await rig.contact()
    assert (contact.phone, contact.other_phones) == (other.phone, ())
    assert contact.dropped_phones == (claim.phone,)
