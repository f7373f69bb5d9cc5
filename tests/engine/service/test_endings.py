"""Contacts that no dial can reach any more end, although no claim looks at them."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import ContactState, NewContact
from engine.core.hours import hours_class

#: Russia's mobile numbers may be in eleven clocks, which no working day has together.
ANYWHERE_IN_RUSSIA = "+79161234567"
WORKING_DAY = {"windows": [{"start": "09:00", "end": "18:00"}]}


async def _with_one(stage, phone: str, agents: list[int], **settings) -> int:
    campaign_id = await stage.campaign([], agents, play=False, **settings)
    new = NewContact(phone=phone, hours_class=hours_class(phone, None))
    await stage.store.contacts.add(campaign_id, [new], datetime.now(UTC))
    play = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await stage.store.campaigns.move(campaign_id, play, "t", datetime.now(UTC))
    return campaign_id


async def test_who_has_no_hour_in_common_ends_without_an_agent(stage):
    away = await stage.hire(1, log_in=False)
    campaign_id = await _with_one(stage, ANYWHERE_IN_RUSSIA, away, hours=WORKING_DAY)
    stage.start()
    await stage.completed(campaign_id)
    (contact,) = await stage.contacts(campaign_id)
    assert (contact.state, contact.done_reason) == (ContactState.DONE, "never_open")


async def test_nobody_is_lost_while_there_are_no_hours_at_all(stage):
    away = await stage.hire(1, log_in=False)
    never, no_hours = ANYWHERE_IN_RUSSIA, {"windows": []}
    ends = await _with_one(stage, never, away, hours=WORKING_DAY)
    waits = await _with_one(stage, never, away, hours=no_hours)
    stage.start()
    await stage.completed(ends)
    (contact,) = await stage.contacts(waits)
    assert contact.state is ContactState.READY


async def test_a_lowered_cap_ends_who_waits_for_a_redial_at_once(stage, numbers):
    redial = {"max_attempts": 3, "rules": {"no_answer": {"delay_s": 3 * 86_400, "max": 2}}}
    campaign_id = await stage.campaign(numbers(s02=2), await stage.hire(2), redial=redial)
    stage.start()

    async def all_wait() -> bool:
        found = await stage.contacts(campaign_id)
        return all(each.state is ContactState.SCHEDULED for each in found)

    await stage.until(all_wait)
    settings = (await stage.store.campaigns.get(campaign_id)).settings
    one = settings.redial.model_copy(update={"max_attempts": 1})
    lowered = settings.model_copy(update={"redial": one})
    now = datetime.now(UTC)
    await stage.store.campaigns.update(campaign_id, actor="t", now=now, settings=lowered)
    await stage.completed(campaign_id)
    reasons = {each.done_reason for each in await stage.contacts(campaign_id)}
    assert reasons == {"max_attempts"}
