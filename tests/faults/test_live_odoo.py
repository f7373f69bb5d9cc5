"""A Live campaign from beginning to end: leads in a real Odoo, calls on a real Asterisk.

What Odoo holds is looked up with a client that is not ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.odoo import OdooConfig
from crm.secrets import Vault
from engine.core.campaign import CampaignStatus, Command
from engine.core.contact import ContactState
from engine.core.settings import CampaignSettings

pytestmark = [pytest.mark.timeout(1800)]
KEY = "a key of the tests that is long"
POLL_S = 5
#: From the issue: a lead is dialled within the poll interval and so much more.
MORE_S = 2.0
#: What two busy cores that run everything else too may add to it.
PATIENCE_S = 120.0
ALWAYS = [{"start": "00:00", "end": "24:00"}]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def leads(odoo_client) -> Any:
    return odoo_client.get_model("crm.lead")


@pytest.fixture
async def live(floor, odoo, leads):
    """A Live campaign on Odoo that has not begun; its id. Engine and worker run."""
    put_away_all(leads)
    await floor.hire()
    config = OdooConfig(
        url=odoo.url, database=odoo.database, rate_per_s=1000, overlap_s=5,
        filter=[["type", "=", "lead"]],
    )  # fmt: skip
    row = await floor.store.connectors.create(
        name="Odoo", kind="odoo", config=config.model_dump(mode="json"),
        sealed=Vault([KEY]).seal({"api_key": odoo.api_key}), secret_names=("api_key",),
        actor="t", now=now(),
    )  # fmt: skip
    listing = {"method": "crm", "connector_id": row.id, "live": True, "poll_interval_s": POLL_S}
    dialing = {"trunk": "carrier", "caller_ids": ["+12025550100"], "ring_timeout_s": 5}
    settings = CampaignSettings.model_validate({
        "list": listing, "dialing": dialing, "hours": {"windows": ALWAYS}, "wrap_up_s": 0,
    })  # fmt: skip
    campaign = await floor.store.campaigns.create("Live", settings, floor.agent_ids, "t", now())
    env = {"DIALER_SECRET_KEY": KEY, "DIALER_OUTBOUND_ALLOW": "127.0.0.1"}
    floor.start("engine", **env)
    floor.start("worker", **env)
    return campaign.id


def put_away_all(leads: Any) -> None:
    """Other tests of this session leave thousands in the same CRM."""
    others = leads.search(domain=[["type", "=", "lead"]])
    if others:
        leads.write(ids=others, vals={"active": False})


async def until(floor, holds: Callable[[], Awaitable[object]], why: str) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < PATIENCE_S, f"{why} not in time\n{floor.logs()}"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def is_paused(floor, campaign_id: int, reason: str) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        campaign = await floor.store.campaigns.get(campaign_id)
        return (campaign.status, campaign.status_reason) == (CampaignStatus.PAUSED, reason)

    return holds


def is_active(floor, campaign_id: int) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return (await floor.store.campaigns.get(campaign_id)).status is CampaignStatus.ACTIVE

    return holds


def new(leads: Any, phone: str, **more: Any) -> int:
    values = {"name": "Lead", "type": "lead", "contact_name": "Ann", "phone": phone, **more}
    return leads.create([values])[0]


async def log_in(floor, *, wanted: bool) -> None:
    for agent_id in floor.agent_ids:
        await floor.store.agents.set_wanted(
            agent_id, wanted_in=wanted, wanted_pause=None, now=now()
        )


async def test_leads_are_dialled_and_their_results_are_in_odoo(floor, live, leads, odoo_client):
    busy, (answers, withdrawn, listed) = floor.numbers(s01=1)[0], floor.numbers(s00=3)
    gone_id = new(leads, withdrawn)
    leads.write(ids=[gone_id], vals={"active": False})
    new(leads, listed)
    odoo_client.get_model("phone.blacklist").create([{"number": listed}])
    await floor.tell(live, Command.PLAY)
    await until(floor, is_paused(floor, live, "no_contacts"), "empty: paused")

    made_at = now()
    ids = [new(leads, phone) for phone in (answers, busy)]

    async def both_dialled() -> bool:
        return len(await floor.attempts(live)) >= 2

    await until(floor, both_dialled, "two calls")
    for call in floor.carrier_calls():
        assert call.started_at - made_at < timedelta(seconds=POLL_S + PATIENCE_S)
    calls = odoo_client.get_model("crm.phonecall")

    async def both_told() -> bool:
        found = calls.search_read(domain=[["opportunity_id", "in", ids]], fields=["id"])
        return len(found) >= 2

    await until(floor, both_told, "both calls in Odoo")
    fields = ["name", "opportunity_id", "partner_phone", "direction", "state", "duration"]
    told = {
        row["opportunity_id"][0]: row
        for row in calls.search_read(domain=[["opportunity_id", "in", ids]], fields=fields)
    }
    assert told[ids[0]]["partner_phone"] == answers and told[ids[0]]["duration"] > 0
    assert told[ids[0]]["state"] == "done" and told[ids[0]]["direction"] == "out"
    assert "busy" in told[ids[1]]["name"] and told[ids[1]]["duration"] == 0

    # Withdrawn while it waits for its redial: not called again.
    leads.write(ids=[ids[1]], vals={"active": False})

    async def is_withdrawn() -> bool:
        contacts = {c.phone: c.state for c in await floor.contacts(live)}
        return contacts.get(busy) is ContactState.WITHDRAWN

    await until(floor, is_withdrawn, "withdrawn")
    called = {call.number for call in floor.carrier_calls()}
    assert called == {answers.lstrip("+"), busy.lstrip("+")}
    assert await floor.store.dnc.contains(listed)


async def test_it_pauses_and_goes_on_by_itself(floor, live, leads):
    phones = floor.numbers(s00=6)
    new(leads, phones[0])
    await log_in(floor, wanted=False)
    await floor.tell(live, Command.PLAY)
    await until(floor, is_paused(floor, live, "no_agents"), "nobody is logged in")
    assert floor.carrier_calls() == [], "no call without agents"

    await log_in(floor, wanted=True)
    resumed = [await until(floor, is_active(floor, live), "agents are back")]
    await until(floor, is_paused(floor, live, "no_contacts"), "all are called")
    assert [call.number for call in floor.carrier_calls()] == [phones[0].lstrip("+")]

    await set_hours(floor, live, is_open=False)
    new(leads, phones[1])
    await until(floor, is_paused(floor, live, "calling_hours"), "outside of hours")
    assert len(floor.carrier_calls()) == 1
    await set_hours(floor, live, is_open=True)
    resumed.append(await until(floor, is_active(floor, live), "hours are open"))
    await until(floor, is_paused(floor, live, "no_contacts"), "all are called again")
    await floor.carrier_idle()
    assert {call.number for call in floor.carrier_calls()} == {p.lstrip("+") for p in phones[:2]}
    print(f"resumed after {resumed} s")


async def set_hours(floor, campaign_id: int, *, is_open: bool) -> None:
    """Closed: open only in the middle of the week after the next days."""
    far = (now() + timedelta(days=3)).strftime("%a").lower()
    windows = ALWAYS if is_open else [{"days": [far], "start": "12:00", "end": "12:01"}]
    settings = (await floor.store.campaigns.get(campaign_id)).settings
    edited = CampaignSettings.model_validate({
        **settings.model_dump(mode="json"), "hours": {"windows": windows},
    })  # fmt: skip
    await floor.store.campaigns.update(campaign_id, settings=edited, actor="t", now=now())


@pytest.mark.soak
async def test_how_soon_leads_are_dialled(floor, live, leads):
    """The issue's own bound, for a machine that does nothing else."""
    phones = floor.numbers(s01=8)
    await floor.tell(live, Command.PLAY)
    made_at = {}
    for phone in phones:
        await asyncio.sleep(1.7)
        made_at[phone.lstrip("+")] = now()
        new(leads, phone)

    async def all_dialled() -> bool:
        return len(await floor.attempts(live)) >= len(phones)

    await until(floor, all_dialled, "all are dialled")
    await floor.carrier_idle()
    waits_s = [(c.started_at - made_at[c.number]).total_seconds() for c in floor.carrier_calls()]
    print(f"dialled after {sorted(waits_s)} s")
    assert len(waits_s) == len(phones) and max(waits_s) < POLL_S + MORE_S
