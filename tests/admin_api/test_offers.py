"""An agent's offer over the API: seen, answered once, and only by that agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.preview import Offer, OfferState


@pytest.fixture
def make_offer(api, make_campaign, store):
    """An offer to the campaign's agent, as the engine makes one."""

    async def make(**preview: object) -> tuple[Offer, str]:
        settings = {"pacing": {"mode": "preview"}, "preview": preview}
        campaign = await make_campaign(script="Say hello.", **settings)
        path = f"/campaigns/{campaign['id']}"
        rich = {"phone": "+12025559999", "name": "Ada", "url": "https://crm.example/1",
                "variables": {"plan": "gold"}}  # fmt: skip
        await api("POST", f"{path}/contacts", json=[rich])
        now = datetime.now(UTC)
        offer = Offer(
            attempt_id=f"{campaign['id']}a1", campaign_id=campaign["id"], contact_id=2,
            agent_id=campaign["agent_ids"][0], offered_at=now,
            expires_at=now + timedelta(seconds=60), phone="+12025559999", hours_class="UTC",
            number=1,
        )  # fmt: skip
        await store.offers.put(offer)
        return offer, f"/agents/{offer.agent_id}/offer"

    return make


async def test_the_contact_is_shown_and_accepted_once(api, make_offer, store):
    offer, path = await make_offer()
    shown = await api("GET", path)
    assert (shown["name"], shown["phone"], shown["url"]) == (
        "Ada", "+12025559999", "https://crm.example/1",
    )  # fmt: skip
    assert (shown["variables"], shown["script"]) == ({"plan": "gold"}, "Say hello.")
    assert shown["may_skip"] is True and shown["state"] == "offered"
    answer = {"json": {"attempt_id": offer.attempt_id}}
    assert (await api("POST", f"{path}/accept", **answer))["state"] == "accepted"
    for command in ("accept", "skip"):
        await api("POST", f"{path}/{command}", 409, **answer)
    [kept] = await store.offers.list(offer.campaign_id)
    assert kept.state is OfferState.ACCEPTED and kept.agent_id == offer.agent_id
    assert (kept.offered_at - offer.offered_at) < timedelta(milliseconds=1)


async def test_skips_are_counted_and_limited(api, make_offer, store):
    offer, path = await make_offer(max_skips=1)
    answer = {"json": {"attempt_id": offer.attempt_id}}
    await api("POST", f"{path}/skip", 204, **answer)
    assert await store.offers.n_skips(offer) == 1
    await store.offers.put(offer)
    assert (await api("GET", path))["may_skip"] is False
    refused = await api("POST", f"{path}/skip", 409, **answer)
    assert "as often as" in refused["detail"]
    await api("POST", f"{path}/accept", **answer)


async def test_an_answer_names_its_offer(api, make_offer):
    _, path = await make_offer()
    await api("POST", f"{path}/accept", 409, json={"attempt_id": "1a2"})
    await api("POST", f"{path}/accept", 422, json={})


async def test_without_an_offer_there_is_none(api, make_agent):
    agent = await make_agent()
    await api("GET", f"/agents/{agent['id']}/offer", 404)


async def test_nobody_else_can_answer(client_for, make_offer, make_agent):
    offer, path = await make_offer()
    other = await make_agent()
    foreign = await client_for("agent", agent_id=other["id"])
    body = {"attempt_id": offer.attempt_id}
    assert (await foreign.post(f"/api/v1{path}/accept", json=body)).status_code == 403
    theirs = await foreign.post(f"/api/v1/agents/{other['id']}/offer/accept", json=body)
    assert theirs.status_code == 409
