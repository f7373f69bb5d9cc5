"""Rules that stand between a claimed contact and its call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import ContactState, NewContact
from engine.core.redial import RedialAt
from engine.core.settings import SystemSettings


async def only(stage, campaign_id):
    [contact] = await stage.contacts(campaign_id)
    return contact


async def add(stage, campaign_id, **contact):
    new = NewContact(hours_class="America/New_York", **contact)
    await stage.store.contacts.add(campaign_id, [new], datetime.now(UTC))


async def test_a_closed_destination_ends_the_contact_without_a_call(stage):
    campaign_id = await stage.campaign(["+19002345678"], await stage.hire(1))
    stage.start()
    await stage.completed(campaign_id)
    assert (await only(stage, campaign_id)).done_reason == "destination_premium"
    assert stage.pbx.placed == []


async def test_an_opt_out_acts_on_a_call_that_is_about_to_leave(stage, numbers, monkeypatch):
    """It comes after the number was reserved, and before the originate."""
    [phone] = numbers(s00=1)
    campaign_id = await stage.campaign([phone], await stage.hire(1))
    running = stage.start()
    reserve = running.engine.world.store.numbers.reserve

    async def reserve_and_opt_out(*wanted, **how):
        answer = await reserve(*wanted, **how)
        scope = f"c{campaign_id}"
        now = datetime.now(UTC)
        await stage.store.dnc.add(phone, source="x", actor="t", now=now, scope=scope)
        return answer

    monkeypatch.setattr(running.engine.world.store.numbers, "reserve", reserve_and_opt_out)
    await stage.completed(campaign_id)
    assert (await only(stage, campaign_id)).done_reason == "dnc"
    assert stage.pbx.placed == []
    assert await stage.store.numbers.live_owner(phone) is None


async def test_who_asked_not_to_be_called_on_one_phone_is_called_on_the_other(stage, numbers):
    listed, free = numbers(s01=2)
    campaign_id = await stage.campaign([], await stage.hire(1), play=False)
    await add(stage, campaign_id, phone=listed, phones=(free,))
    await stage.store.dnc.add(listed, source="x", actor="t", now=datetime.now(UTC))
    await stage.store.campaigns.move(campaign_id, _play(), "t", datetime.now(UTC))
    stage.start()
    await stage.completed(campaign_id)
    assert {each.phone for each in await stage.attempts(campaign_id)} == {free}
    assert (await only(stage, campaign_id)).dropped_phones == (listed,)


async def test_a_number_not_in_use_leads_to_the_contacts_next_phone(stage, numbers):
    [wrong], [right] = numbers(s04=1), numbers(s01=1)
    campaign_id = await stage.campaign([], await stage.hire(1), play=False)
    await add(stage, campaign_id, phone=wrong, phones=(right,))
    await stage.store.campaigns.move(campaign_id, _play(), "t", datetime.now(UTC))
    stage.start()
    await stage.completed(campaign_id)
    attempts = sorted(await stage.attempts(campaign_id), key=lambda each: each.number)
    assert [a.phone for a in attempts] == [wrong, right, right]
    assert (await only(stage, campaign_id)).dropped_phones == (wrong,)


async def test_a_person_is_not_called_on_two_phones_beyond_the_limit(stage, numbers):
    one, other = numbers(s01=2)
    limits = {"person_max_per_24h": 1}
    campaign_id = await stage.campaign([], await stage.hire(1), play=False, limits=limits)
    for phone in (one, other):
        await add(stage, campaign_id, phone=phone, person_key="P1")
    await stage.store.campaigns.move(campaign_id, _play(), "t", datetime.now(UTC))
    stage.start()
    await stage.placed(1)

    async def all_wait() -> bool:
        found = await stage.contacts(campaign_id)
        tomorrow = datetime.now(UTC) + timedelta(hours=23)
        return all(c.next_dial_at and c.next_dial_at > tomorrow for c in found)

    await stage.until(all_wait)
    assert len(stage.pbx.placed) == 1


async def test_a_callback_waits_for_its_agent_and_then_for_anybody(stage, numbers):
    [phone] = numbers(s00=1)
    absent, here = await stage.hire(1, log_in=False), await stage.hire(1)
    wait = {"callback_agent_wait_s": 3, "max_attempts": 3}
    campaign_id = await stage.campaign([phone], [*absent, *here], wrap_up_s=60, redial=wait)
    stage.start()
    calls = stage.store.calls

    async def wraps() -> bool:
        return (await only(stage, campaign_id)).state is ContactState.WRAP_UP

    await stage.placed(1)
    await stage.until(lambda: any(c.connected_at for c in stage.pbx.channels.values()))
    for channel in stage.pbx.channels.values():
        channel.hang_up.set()
    await stage.until(wraps)
    [wrapping] = await calls.wrapping(campaign_id)
    at = datetime.now(UTC)
    callback = RedialAt(at, is_callback=True, agent_id=absent[0])
    assert await calls.finish(campaign_id, wrapping.attempt_id, "later", callback, at)
    await stage.placed(2)
    left_at, order = stage.pbx.left[1]
    assert left_at - at >= timedelta(seconds=3)
    assert order.agent is None


async def test_caller_ids_that_are_used_up_make_the_campaign_wait(stage, numbers):
    people, callers = numbers(s04=4), ["+12025550190", "+12025550191"]
    dialing = {"caller_ids": callers, "max_per_caller_id_per_day": 1}
    campaign_id = await stage.campaign(people, await stage.hire(4), dialing=dialing)
    running = stage.start()
    await stage.placed(2)
    view = running.engine.world.campaigns[campaign_id]
    await stage.until(lambda: view.idle_reasons == ("caller_ids_used_up",))
    assert sorted(order.caller_id for order in stage.pbx.placed) == callers
    waiting = [c for c in await stage.contacts(campaign_id) if c.state is ContactState.READY]
    assert len(waiting) == 2


async def test_only_numbers_that_are_declared_as_owned_are_shown(stage, numbers):
    callers = ["+12025550192", "+12025550193"]
    dialing = {"caller_ids": callers}
    system = SystemSettings.model_validate({"owned_numbers": callers[1:]})
    campaign_id = await stage.campaign(numbers(s04=3), await stage.hire(3), dialing=dialing)
    await stage.store.system.save(system, "t", datetime.now(UTC))
    stage.start()
    await stage.completed(campaign_id)
    assert {order.caller_id for order in stage.pbx.placed} == {callers[1]}


def _play():
    return Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
