"""Settings of the system bind every campaign."""

from __future__ import annotations

from datetime import UTC, datetime


async def test_they_are_edited_and_audited(api):
    assert (await api("GET", "/system"))["destinations"]["countries"] == []
    patch = {"destinations": {"countries": ["US"], "allow_premium": False}}
    edited = await api("PATCH", "/system", json=patch)
    assert edited["destinations"]["countries"] == ["US"]
    assert await api("GET", "/system") == edited
    entry = (await api("GET", "/audit"))["items"][0]
    assert (entry["subject"], entry["detail"]) == ("system", {"fields": ["destinations"]})
    back = await api("PATCH", "/system", json={"destinations": None})
    assert back["destinations"]["countries"] == []
    for wrong in ({"owned_numbers": ["12"]}, {"colour": 1}, {"destinations": {"countries": ["x"]}}):
        assert (await api("PATCH", "/system", 422, json=wrong))["code"] == "validation_error"


async def test_a_closed_country_is_refused_at_import_and_explained(api, make_campaign):
    campaign = await make_campaign(n_contacts=1)
    path = f"/campaigns/{campaign['id']}/contacts"
    await api("PATCH", "/system", json={"destinations": {"countries": ["GB"]}})
    answer = await api("POST", path, json=[{"phone": "+12025550177"}, {"phone": "+442079460958"}])
    assert (answer["created"], [r["index"] for r in answer["rejected"]]) == (1, [0])
    why = await api("GET", f"{path}/1/why")
    assert "destination_country" in [each["reason"] for each in why["why_not_now"]]
    shown = await api("GET", f"/campaigns/{campaign['id']}")
    assert shown["settings"]["destinations"]["countries"] == []


async def test_play_wants_own_numbers(api, make_campaign):
    campaign = await make_campaign()
    await api("PATCH", "/system", json={"owned_numbers": ["+12025550199"]})
    problem = await api("POST", f"/campaigns/{campaign['id']}/play", 409)
    assert [e["field"] for e in problem["errors"]] == ["settings.dialing.caller_ids"]
    own = {"settings": {"dialing": {"caller_ids": ["+12025550199"]}}}
    await api("PATCH", f"/campaigns/{campaign['id']}", json=own)
    await api("POST", f"/campaigns/{campaign['id']}/play")


async def test_used_up_caller_ids_are_told(api, store, make_campaign):
    dialing = {"trunk": "carrier", "caller_ids": ["+12025550198"], "max_per_caller_id_per_day": 1}
    campaign = await make_campaign(dialing=dialing)
    path = f"/campaigns/{campaign['id']}/contacts/1/why"
    reasons = [each["reason"] for each in (await api("GET", path))["why_not_now"]]
    assert "caller_ids" not in reasons
    await store.callers.take(["+12025550198"], 1, datetime.now(UTC))
    found = await api("GET", path)
    told = {each["reason"]: each["until"] for each in found["why_not_now"]}
    assert told["caller_ids"] is not None
    assert found["next_dial_at"] >= told["caller_ids"]
