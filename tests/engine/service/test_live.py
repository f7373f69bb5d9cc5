"""Live campaigns go on when something happens: no look of theirs comes from a clock here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.agent import AgentState
from engine.core.call_events import Device
from engine.core.campaign import AutoPause, CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.service import engine

NEVER_S = 3600.0
LIVE = {"method": "api", "live": True}
ALWAYS = [{"start": "00:00", "end": "24:00"}]


@pytest.fixture(autouse=True)
def clockless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LIVE_S", NEVER_S)


async def paused(stage, numbers, agents, reason: AutoPause, **edits) -> int:
    """A Live campaign that an earlier engine paused."""
    campaign_id = await stage.campaign(numbers, agents, list=LIVE, play=False, **edits)
    for change in (
        Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, ""),
        Transition(CampaignStatus.ACTIVE, CampaignStatus.PAUSED, reason),
    ):
        await stage.store.campaigns.move(campaign_id, change, "t", datetime.now(UTC))
    running = stage.start()
    await stage.until(lambda: campaign_id in running.engine.world.campaigns)
    await stage.until(lambda: running.engine.world.is_synced)
    return campaign_id


async def goes_on(stage, campaign_id: int) -> None:
    async def is_active() -> bool:
        return (await stage.get(campaign_id)).status is CampaignStatus.ACTIVE

    await stage.until(is_active)


async def test_when_an_agent_logs_in(stage, numbers):
    agents = await stage.hire(1, mode="on_hook", log_in=False)
    campaign_id = await paused(stage, numbers(s00=1), agents, AutoPause.NO_AGENTS)
    await stage.want(agents[0])
    await goes_on(stage, campaign_id)
    await stage.placed(1)


async def test_when_an_agent_is_on_the_line_but_gets_no_call_yet(stage, numbers):
    """Asterisk keeps an agent unavailable for 5 s after AgentLogin."""
    stage.pbx.device_of_new = Device.UNAVAILABLE
    [agent_id] = agents = await stage.hire(1, log_in=False)
    campaign_id = await paused(stage, numbers(s00=1), agents, AutoPause.NO_AGENTS)
    await stage.want(agent_id)
    await goes_on(stage, campaign_id)

    async def is_reserved() -> bool:
        return (await stage.store.agents.get(agent_id)).state is AgentState.RESERVED

    await stage.until(is_reserved)
    assert not stage.pbx.placed, "nobody is called for an agent who gets no call"
    for member in stage.pbx.members.values():
        member.device = Device.NOT_IN_USE
    stage.pbx.show("1001")
    await stage.placed(1)


async def test_when_a_poll_brings_contacts(stage, numbers):
    agents = await stage.hire(1)
    campaign_id = await paused(stage, [], agents, AutoPause.NO_CONTACTS)
    polls, now = stage.store.polls, datetime.now(UTC)
    pull = await polls.begin_pull(campaign_id, "7", now)
    [phone] = numbers(s00=1)
    lead = NewContact(phone=phone, hours_class="America/New_York", external_id="1")
    await polls.upsert(pull, [lead], now)
    await polls.commit(pull, "", is_whole=True, counts={})
    await goes_on(stage, campaign_id)
    await stage.placed(1)


async def test_when_hours_are_edited(stage, numbers):
    agents = await stage.hire(1)
    far = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    closed = [{"days": [far], "start": "12:00", "end": "12:01"}]
    hours = {"hours": {"windows": closed}}
    campaign_id = await paused(stage, numbers(s00=1), agents, AutoPause.CALLING_HOURS, **hours)
    campaign = await stage.get(campaign_id)
    edited = campaign.settings.model_copy(update={
        "hours": campaign.settings.hours.model_validate({"windows": ALWAYS})
    })  # fmt: skip
    await stage.store.campaigns.update(
        campaign_id, settings=edited, actor="t", now=datetime.now(UTC)
    )
    await goes_on(stage, campaign_id)
    await stage.placed(1)


async def test_not_before_the_last_condition_holds(stage, numbers):
    agents = await stage.hire(1, log_in=False)
    campaign_id = await paused(stage, [], agents, AutoPause.NO_AGENTS)
    await stage.want(agents[0])
    world = stage.running[0].engine.world
    await stage.until(lambda: world.roster.states(agents)[AgentState.AVAILABLE])
    assert (await stage.get(campaign_id)).status is CampaignStatus.PAUSED
    pull = await stage.store.polls.begin_pull(campaign_id, "7", datetime.now(UTC))
    [phone] = numbers(s00=1)
    lead = NewContact(phone=phone, hours_class="America/New_York", external_id="1")
    await stage.store.polls.upsert(pull, [lead], datetime.now(UTC))
    await stage.store.polls.commit(pull, "", is_whole=True, counts={})
    await goes_on(stage, campaign_id)
