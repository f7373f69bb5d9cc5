"""Agents, and the one relation between them and campaigns."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.agent import AgentState
from engine.core.errors import Invalid, NotFound
from engine.core.settings import CampaignSettings

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
WHO = {"actor": "tester", "now": NOW}


async def make(store, extension="101", **more):
    return await store.agents.create(
        name="Ann", extension=extension, mode="off_hook", **more, **WHO
    )


async def test_a_new_agent_is_offline(store):
    agent = await make(store, skills=("es",))
    assert (agent.name, agent.extension, agent.mode) == ("Ann", "101", "off_hook")
    assert (agent.state, agent.state_since, agent.skills) == (AgentState.OFFLINE, NOW, ("es",))
    assert await store.agents.all() == [agent]
    assert await store.agents.get(agent.id) == agent


@pytest.mark.parametrize("extension", ["", "1o1", "101\r\n", "١٠١"])
async def test_an_extension_is_digits(store, extension):
    with pytest.raises(Invalid) as caught:
        await make(store, extension)
    assert caught.value.errors[0].field == "extension"


async def test_an_extension_belongs_to_one_agent(store):
    answers = await asyncio.gather(*(make(store) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(answer, Invalid) for answer in answers) == 4
    (agent,) = await store.agents.all()
    await store.agents.delete(agent.id, "tester", NOW)
    assert (await make(store)).extension == "101"


async def test_both_sides_of_the_relation_move_together(store):
    first, second = await make(store), await make(store, "102")
    settings = CampaignSettings()
    campaign = await store.campaigns.create("A", settings, [first.id, 99], "tester", NOW)
    assert campaign.agent_ids == (first.id,), "agents that do not exist are left out"
    assert (await store.agents.get(first.id)).campaign_ids == (campaign.id,)
    campaign = await store.campaigns.update(campaign.id, agent_ids=[second.id], **WHO)
    assert (campaign.agent_ids, campaign.version) == ((second.id,), 2)
    assert (await store.agents.get(first.id)).campaign_ids == ()
    await store.agents.update(first.id, campaign_ids=[campaign.id], **WHO)
    assert (await store.campaigns.get(campaign.id)).agent_ids == (first.id, second.id)
    await store.agents.delete(second.id, "tester", NOW)
    assert (await store.campaigns.get(campaign.id)).agent_ids == (first.id,)
    await store.campaigns.delete(campaign.id, "tester", NOW)
    assert (await store.agents.get(first.id)).campaign_ids == ()


async def test_profile_state_and_wish_do_not_touch_each_other(store):
    agent = await make(store)
    until = NOW + timedelta(seconds=9)
    await store.agents.set_wanted(agent.id, wanted_in=True, wanted_pause="lunch|1", now=NOW)
    await store.agents.set_state(
        agent.id, AgentState.WRAP_UP, NOW, attempt_id="1aX", wrap_up_until=until
    )
    edited = await store.agents.update(agent.id, name="Bob", mode="on_hook", **WHO)
    assert (edited.name, edited.mode, edited.extension) == ("Bob", "on_hook", "101")
    assert (edited.wanted_in, edited.wanted_pause) == (True, "lunch|1")
    assert (edited.state, edited.attempt_id) == (AgentState.WRAP_UP, "1aX")
    assert edited.wrap_up_until == until
    await store.agents.set_state(agent.id, AgentState.AVAILABLE, NOW)
    assert (await store.agents.get(agent.id)).attempt_id is None


async def test_agents_page_by_id(store):
    for i in range(5):
        await make(store, str(100 + i))
    first = await store.agents.list(limit=3)
    rest = await store.agents.list(limit=3, cursor=first.next_cursor)
    assert [agent.id for agent in (*first.items, *rest.items)] == [1, 2, 3, 4, 5]
    assert rest.next_cursor is None


async def test_an_unknown_agent(store):
    for call in (
        store.agents.get(9),
        store.agents.update(9, name="x", **WHO),
        store.agents.delete(9, "tester", NOW),
    ):
        with pytest.raises(NotFound):
            await call
