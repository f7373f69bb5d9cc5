"""`dialer simulate --from-campaign`: what is not said is as in the campaign's calls."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cli import simulate
from cli.settings import Settings
from cli.simulate import SimulateOptions, show, told_by_campaign
from engine.core import ids
from engine.core.attempt import AttemptRecord
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.errors import Invalid, NotFound
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.core.settings import CampaignSettings
from engine.ports import Settlement

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
N_CALLS = 60
SETTINGS = CampaignSettings.model_validate({
    "pacing": {"mode": "power", "dial_level": 2.5, "max_abandon_rate": 0.05},
    "wrap_up_s": 5,
})  # fmt: skip


@pytest.fixture
async def worked(store, monkeypatch):
    """Every third of 60 calls was a conversation of 45 seconds."""

    @asynccontextmanager
    async def opened(_settings):
        yield store

    monkeypatch.setattr(simulate, "open_store", opened)
    campaign = await store.campaigns.create("A", SETTINGS, [], "t", NOW)
    contacts = [NewContact(phone=f"+1202555{n:04}", hours_class="UTC") for n in range(N_CALLS)]
    await store.contacts.add(campaign.id, contacts, NOW)
    step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign.id, step, "t", NOW)
    fence = await store.leadership.acquire("t", NOW, 60)
    await store.campaigns.fence(campaign.id, fence)
    attempt_ids = [ids.attempt_id(campaign.id, NOW, n) for n in range(N_CALLS)]
    claims = await store.calls.claim(campaign.id, fence, attempt_ids, ["UTC"], NOW, 60)
    marks = [(claim.attempt_id, "+12025550100", "carrier", "pbx") for claim in claims]
    await store.calls.mark_sent(campaign.id, fence, marks, NOW, 60)
    settlements = [ended(campaign.id, claim, n % 3 == 0) for n, claim in enumerate(claims)]
    await store.calls.settle(campaign.id, settlements, NOW)
    return campaign.id


def ended(campaign_id: int, claim, is_answered: bool) -> Settlement:
    answered_at = NOW + timedelta(seconds=7)
    talked = {"answered_at": answered_at, "bridged_at": answered_at, "talk_s": 45.0}
    record = AttemptRecord(
        attempt_id=claim.attempt_id, campaign_id=campaign_id, contact_id=claim.contact_id,
        number=1, phone=claim.phone, caller_id="+12025550100", trunk="carrier", node="pbx",
        started_at=NOW, ended_at=NOW + timedelta(seconds=52 if is_answered else 25),
        outcome=Outcome.ANSWERED if is_answered else Outcome.NO_ANSWER,
        **(talked if is_answered else {}),
    )  # fmt: skip
    return Settlement(record=record, next=Done("x"))


def options(**given: object) -> SimulateOptions:
    mode, compare = given.pop("mode", None), given.pop("compare", False)
    return SimulateOptions(
        scenario={"hours": 0.2, **given}, mode=mode, compare=compare, dial_level=None,
        max_abandon_rate=None, shifts=1, seed=1, warm=False,
    )  # type: ignore[arg-type]  # fmt: skip


async def test_as_in_the_campaign(worked, capsys):
    told = await told_by_campaign(Settings(_env_file=None), worked, options(agents=4))
    comparison = told.comparison
    assert comparison.modes == ("power",)
    assert (comparison.dial_level, comparison.max_abandon_rate) == (2.5, 0.05)
    assert comparison.scenario.answer_rate == pytest.approx(1 / 3)
    assert set(comparison.scenario.talk_of) == {45.0}
    show(told, as_json=True)
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert document["from_campaign"] == worked and document["agents"] == 4
    assert 0 < document["modes"]["power"]["utilisation"] <= 100


async def test_what_is_said_wins(worked):
    asked = options(talk_s=200.0, answer_rate=0.5, wrap_up_s=None, compare=True)
    scenario = (await told_by_campaign(Settings(_env_file=None), worked, asked)).comparison.scenario
    assert scenario.talk_of == () and scenario.talk_s == 200
    assert scenario.answer_rate == 0.5 and scenario.wrap_up_s == 5
    assert scenario.agents == 1, "nobody is assigned"


async def test_without_history_it_is_refused(store, worked):
    empty = await store.campaigns.create("B", SETTINGS, [], "t", NOW)
    with pytest.raises(Invalid):
        await told_by_campaign(Settings(_env_file=None), empty.id, options())
    with pytest.raises(NotFound):
        await told_by_campaign(Settings(_env_file=None), 10**9, options())
