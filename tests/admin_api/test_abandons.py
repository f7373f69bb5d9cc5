"""Abandon rates as the API shows them, against the attempts that it shows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.ledger import answered_by
from engine.core.outcome import Outcome
from engine.core.redial import Done

PEOPLE = ("answered", "abandoned", "hung_up_early")
CODES = [{"code": "sale"}, {"code": "voicemail", "is_machine": True}]


def parsed(attempt, name):
    return attempt[name] and datetime.fromisoformat(attempt[name])


def is_abandoned(attempt):
    """A person, and no agent within 2 s of the greeting's end, or of the answer."""
    if attempt["outcome"] == "abandoned":
        return True
    since = parsed(attempt, "greeting_end_at") or parsed(attempt, "answered_at")
    until = parsed(attempt, "bridged_at") or parsed(attempt, "ended_at")
    return until - since > timedelta(seconds=2)


def counted(attempts, since):
    found = [a for a in attempts if a["outcome"] in PEOPLE and a["answered_by"] != "machine"]
    found = [attempt for attempt in found if parsed(attempt, "answered_at") >= since]
    return len(found), sum(map(is_abandoned, found))


def shown(period):
    return period["n_people"], period["n_abandoned"]


@pytest.fixture
def call(settle):
    """An answered call some time ago."""

    async def one(campaign_id, outcome, *, ago=timedelta(0), wait_s=0.5, greeting_s=None, **more):
        at = datetime.now(UTC) - ago
        end = at + timedelta(seconds=wait_s)
        return await settle(
            campaign_id,
            outcome,
            then=None if outcome is Outcome.ANSWERED else Done("x"),
            answered_at=at,
            greeting_end_at=greeting_s and at + timedelta(seconds=greeting_s),
            bridged_at=end if outcome is Outcome.ANSWERED else None,
            abandoned=outcome is Outcome.ABANDONED,
            answered_by=answered_by(outcome, None),
            **more,
        )

    return one


async def test_rates_follow_from_the_attempts(api, make_campaign, make_agent, call):
    """Each period by its own definition, from what anybody can read."""
    dice = random.Random(7)
    campaign = await make_campaign(n_contacts=40, dispositions=CODES)
    agent_id = campaign["agent_ids"][0]
    path = f"/campaigns/{campaign['id']}"
    await api("POST", f"{path}/play")
    ages = [timedelta(minutes=5), timedelta(hours=20), timedelta(days=20), timedelta(days=40)]
    outcomes = [Outcome.ANSWERED] * 3 + [Outcome.ABANDONED, Outcome.HUNG_UP_EARLY, Outcome.MACHINE]
    for n in range(40):
        outcome = dice.choice(outcomes)
        attempt_id = await call(
            campaign["id"], outcome, ago=dice.choice(ages), wait_s=dice.choice([0.5, 1.9, 2.5, 4]),
            greeting_s=dice.choice([None, 0.8]), agent_id=agent_id,
        )  # fmt: skip
        if outcome is Outcome.ANSWERED:
            body = {"attempt_id": attempt_id, "code": ["sale", "voicemail"][n % 5 == 0]}
            await api("POST", f"/agents/{agent_id}/disposition", json=body)
    attempts = (await api("GET", f"{path}/attempts"))["items"]
    stats = await api("GET", f"{path}/stats")
    abandons, now = stats["abandons"], datetime.now(UTC)
    everything = counted(attempts, now - timedelta(days=99))
    assert 0 < everything[1] < everything[0] < 40
    assert shown(abandons["so_far"]) == everything
    assert shown(abandons["last_24_h"]) == counted(attempts, now - timedelta(hours=24))
    assert shown(abandons["last_30_days"]) == counted(attempts, now - timedelta(days=30))
    assert abandons["blocks"] == [abandons["block"]]
    assert abandons["so_far"]["n_machines_met"] >= 1
    for name, period in (("", "so_far"), ("_24h", "last_24_h"), ("_30d", "last_30_days")):
        n_people, n_abandoned = shown(abandons[period])
        assert stats[f"abandon_rate{name}"] == pytest.approx(n_abandoned / n_people, abs=1e-6)


async def test_a_group_is_shown_with_all_its_members(api, make_campaign, call):
    pacing = {"mode": "power", "drop_rate_group": "north"}
    one = await make_campaign("one", pacing=pacing)
    two = await make_campaign("two", n_contacts=3, pacing=pacing)
    for campaign, outcome in ((one, Outcome.ANSWERED), (two, Outcome.ABANDONED)):
        await api("POST", f"/campaigns/{campaign['id']}/play")
        await call(campaign["id"], outcome)
    abandons = (await api("GET", f"/campaigns/{one['id']}/stats"))["abandons"]
    assert shown(abandons["so_far"]) == (1, 0)
    shared = abandons["shared"]
    assert (shared["group"], shared["campaign_ids"]) == ("north", [one["id"], two["id"]])
    assert shown(shared["so_far"]) == shown(shared["block"]) == (2, 1)
    await api("PATCH", f"/campaigns/{one['id']}", json={"settings": {"pacing": None}})
    assert (await api("GET", f"/campaigns/{one['id']}/stats"))["abandons"]["shared"] is None
