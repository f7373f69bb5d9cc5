"""What if: a shift foretold from a campaign's own calls."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from admin_api import what_if
from admin_api.what_if import WITH_AGENTS, Busy, Foreteller, without_agents
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.core.simulation import Scenario
from engine.core.simulation.compare import Comparison

N_CALLS = 40


@pytest.fixture
async def worked(make_campaign, api, settle):
    """A campaign of which 40 calls have ended, 16 of them answered by a person."""
    campaign = await make_campaign(n_contacts=N_CALLS)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    for number in range(N_CALLS):
        answered_at = datetime.now(UTC) - timedelta(seconds=90)
        if number % 5 < 2:
            said = {"answered_at": answered_at, "bridged_at": answered_at, "talk_s": 60 + number}
            await settle(campaign["id"], Outcome.ANSWERED, then=Done("answered"), **said)
        else:
            await settle(campaign["id"], Outcome.BUSY, then=Done("max_attempts"))
    return campaign["id"]


async def test_more_agents_and_another_limit(api, worked):
    query = {"agents": 6, "max_abandon_rate": 0.05}
    found = await api("GET", f"/campaigns/{worked}/what-if", params=query)
    assert found["answer_rate"] == 0.4
    assert (found["now"]["agents"], found["asked"]["agents"]) == (1, 6)
    assert (found["now"]["max_abandon_rate"], found["asked"]["max_abandon_rate"]) == (0.03, 0.05)
    for case in (found["now"], found["asked"]):
        alone = case["modes"].pop("agentless")
        assert alone["utilisation"] is None and alone["messages_per_h"] > 0
        assert set(case["modes"]) == {"preview", "progressive", "power", "predictive"}
        assert all(0 < each["utilisation"] <= 100 for each in case["modes"].values())
    assert found["asked"]["modes"]["progressive"]["abandon_rate"] == 0


async def test_nothing_asked_is_as_it_is(api, worked):
    found = await api("GET", f"/campaigns/{worked}/what-if")
    assert found["asked"] == found["now"]


async def test_too_few_calls(api, make_campaign):
    campaign = await make_campaign()
    told = await api("GET", f"/campaigns/{campaign['id']}/what-if", 422)
    assert "Only 0 calls" in told["detail"]


async def test_only_one_at_a_time_and_not_for_long(monkeypatch):
    endless = Comparison(
        scenario=Scenario(agents=300, hours=24), modes=("predictive",), dial_level=1.0,
        max_abandon_rate=0.03,
    )  # fmt: skip
    monkeypatch.setattr(what_if, "ANSWER_S", 2.0)
    monkeypatch.setattr(what_if, "TURN_S", 0.2)
    foreteller = Foreteller()
    first, second = await asyncio.gather(
        foreteller.foretell([endless]), foreteller.foretell([endless]), return_exceptions=True
    )
    assert isinstance(first, Busy) and isinstance(second, Busy)
    monkeypatch.setattr(what_if, "ANSWER_S", 60.0)
    short = Comparison(
        scenario=Scenario(agents=2, hours=0.1), modes=("progressive",), dial_level=1.0,
        max_abandon_rate=0.03,
    )  # fmt: skip
    [found] = await foreteller.foretell([short])
    assert "progressive" in found


def test_many_lines_without_agents_take_no_longer_to_foretell():
    few = Comparison(
        scenario=Scenario(max_cps=10, hours=1.0), modes=WITH_AGENTS, dial_level=1.0,
        max_abandon_rate=0.03,
    )  # fmt: skip
    many = replace(few, scenario=replace(few.scenario, max_cps=1_000))
    assert without_agents(few).scenario.hours == pytest.approx(20_000 / 36_000)
    assert without_agents(many).scenario.hours == 0.1
    assert without_agents(replace(few, scenario=Scenario(hours=0.25))).scenario.hours == 0.25


async def test_the_page_s_answer(app, store, worked):
    now = datetime.now(UTC)
    user = await store.users.create("sup", "supervisor", "x", agent_id=None, actor="t", now=now)
    _, secret = await store.sessions.begin(user, now, 600)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        client.cookies.set("dialer_session", secret)
        query = {"agents": 3, "percent": "4"}
        path = f"/campaigns/{worked}/what-if"
        answer = await client.get(path, params=query, timeout=60)
        page = await client.get(f"/campaigns/{worked}")
    assert answer.status_code == 200, answer.text
    assert "<td>3</td><td>4 %</td>" in answer.text and "<svg" in answer.text
    assert "agentless, a message instead of agents, would reach" in answer.text
    assert "style=" not in answer.text, "the page's policy refuses it"
    assert f'hx-get="/campaigns/{worked}/what-if"' in page.text
