from __future__ import annotations

import asyncio

import pytest

from engine.core.campaign import CampaignStatus, Transition


async def test_a_name_is_enough_for_a_draft(api):
    campaign = await api("POST", "/campaigns", 201, json={"name": "  Spring  "})
    assert campaign["name"] == "Spring"
    assert campaign["status"] == "draft"
    assert campaign["status_reason"] == ""
    assert campaign["version"] == 1
    assert (campaign["contacts"], campaign["n_contacts"], campaign["agents"]) == (0, 0, 0)
    assert campaign["progress"] == 0
    assert campaign["agent_ids"] == campaign["idle_reasons"] == []
    assert campaign["live"] is False
    assert campaign["created_at"].endswith("Z")
    assert campaign["settings"]["redial"]["max_attempts"] == 3
    assert await api("GET", f"/campaigns/{campaign['id']}") == campaign


async def test_partial_settings_are_merged_over_the_defaults(api):
    settings = {
        "dialing": {"ring_timeout_s": 30},
        "redial": {"rules": {"busy": {"delay_s": 60}, "no_answer": None}},
    }
    campaign = await api("POST", "/campaigns", 201, json={"name": "A", "settings": settings})
    found = campaign["settings"]
    assert found["dialing"]["ring_timeout_s"] == 30
    assert found["dialing"]["max_channels"] == 60
    rules = found["redial"]["rules"]
    assert (rules["busy"]["delay_s"], rules["busy"]["max"]) == (60, 3)
    assert (rules["no_answer"]["delay_s"], rules["no_answer"]["max"]) == (3600, 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\u0007b"}, "name"),
        ({"name": "A", "colour": "red"}, "colour"),
        ({"name": "A", "settings": {"colour": 1}}, "settings.colour"),
        ({"name": "A", "settings": {"dialing": {"ring_timeout_s": 1}}},
         "settings.dialing.ring_timeout_s"),
        ({"name": "A", "settings": {"dialing": {"trunk": "elsewhere"}}}, "settings.dialing.trunk"),
        ({"name": "A", "settings": {"dialing": {"trunk": "a\r\nb"}}}, "settings.dialing.trunk"),
        ({"name": "A", "settings": {"dialing": {"caller_ids": ["12"]}}},
         "settings.dialing.caller_ids"),
        ({"name": "A", "settings": {"hours": {"timezone": "Mars"}}}, "settings.hours.timezone"),
        ({"name": "A", "settings": {"list": {"live": True}}}, "settings.list"),
        ({"name": "A", "settings": []}, "settings"),
        ({"name": "A", "agent_ids": [77]}, "agent_ids.0"),
        ({"name": "A", "agent_ids": "x"}, "agent_ids"),
    ],
)  # fmt: skip
async def test_what_is_not_valid_names_the_field(api, body, field):
    problem = await api("POST", "/campaigns", 422, json=body)
    assert problem["code"] == "validation_error"
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]


async def test_an_unknown_trunk_is_told_which_there_are(api):
    body = {"name": "A", "settings": {"dialing": {"trunk": "elsewhere"}}}
    problem = await api("POST", "/campaigns", 422, json=body)
    assert "carrier, backup" in problem["errors"][0]["message"]


async def test_a_lone_surrogate_in_a_body_is_an_error_of_the_client(admin):
    for body in ('{"name": "\\ud800"}', '{"name": "A", "settings": {"\\ud800": 1}}'):
        answer = await admin.post(
            "/api/v1/campaigns", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, answer.text


async def test_patch_merges_and_null_is_the_default(api):
    made = await api(
        "POST", "/campaigns", 201,
        json={"name": "A", "settings": {"dialing": {"max_cps": 3, "ring_timeout_s": 30}}},
    )  # fmt: skip
    path = f"/campaigns/{made['id']}"
    patch = {"settings": {"dialing": {"ring_timeout_s": None}, "wrap_up_s": 0}}
    edited = await api("PATCH", path, json=patch)
    assert edited["settings"]["dialing"]["ring_timeout_s"] == 25
    assert edited["settings"]["dialing"]["max_cps"] == 3
    assert edited["settings"]["wrap_up_s"] == 0
    assert (edited["name"], edited["version"]) == ("A", 2)
    edited = await api("PATCH", path, json={"settings": None, "name": "B"})
    assert edited["settings"]["dialing"]["max_cps"] == 10
    assert (edited["name"], edited["version"]) == ("B", 3)
    assert (await api("PATCH", path, 422, json={"name": None}))["errors"][0]["field"] == "name"
    problem = await api("PATCH", path, 422, json={"settings": {"dialing": {"trunk": "nowhere"}}})
    assert problem["errors"][0]["field"] == "settings.dialing.trunk"


async def test_agents_and_campaigns_are_one_relation(api, make_agent):
    one, two = await make_agent(), await make_agent()
    made = await api("POST", "/campaigns", 201, json={"name": "A", "agent_ids": [one["id"]]})
    path = f"/campaigns/{made['id']}"
    edited = await api("PATCH", path, json={"agent_ids": [two["id"]]})
    assert (edited["agent_ids"], edited["agents"]) == ([two["id"]], 1)
    assert (await api("GET", f"/agents/{one['id']}"))["campaign_ids"] == []
    assert (await api("GET", f"/agents/{two['id']}"))["campaign_ids"] == [made["id"]]
    await api("PATCH", f"/agents/{one['id']}", json={"campaign_ids": [made["id"]]})
    assert (await api("GET", path))["agent_ids"] == [one["id"], two["id"]]
    assert (await api("PATCH", path, json={"agent_ids": None}))["agent_ids"] == []


async def test_a_stale_version_is_refused_and_only_edits_move_it(api, make_campaign):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    await api("POST", f"{path}/play")
    assert (await api("GET", path))["version"] == campaign["version"]
    await api("PATCH", path, json={"name": "B", "version": campaign["version"]})
    problem = await api("PATCH", path, 409, json={"name": "C", "version": campaign["version"]})
    assert problem["code"] == "version_conflict"
    assert (await api("GET", path))["name"] == "B"


async def test_edits_at_once_without_version_all_take_effect(api):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    path = f"/campaigns/{made['id']}"
    patches = [{"wrap_up_s": 1}, {"script": "hello"}, {"dialing": {"max_cps": 2}}]
    await asyncio.gather(*(api("PATCH", path, json={"settings": p}) for p in patches))
    settings = (await api("GET", path))["settings"]
    assert settings["wrap_up_s"] == 1
    assert settings["script"] == "hello"
    assert settings["dialing"]["max_cps"] == 2


async def test_only_a_draft_is_deleted(api, make_campaign):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    await api("DELETE", f"/campaigns/{made['id']}", 204)
    assert (await api("GET", f"/campaigns/{made['id']}", 404))["code"] == "not_found"
    campaign = await make_campaign()
    await api("POST", f"/campaigns/{campaign['id']}/play")
    problem = await api("DELETE", f"/campaigns/{campaign['id']}", 409)
    assert problem["code"] == "invalid_transition"


async def test_a_clone_is_a_new_draft_without_contacts(api, make_campaign):
    source = await make_campaign(wrap_up_s=7)
    await api("POST", f"/campaigns/{source['id']}/play")
    await api("POST", f"/campaigns/{source['id']}/stop")
    clone = await api("POST", f"/campaigns/{source['id']}/clone", 201)
    assert clone["id"] != source["id"]
    assert (clone["name"], clone["status"], clone["version"]) == ("Ready (copy)", "draft", 1)
    assert clone["settings"] == source["settings"]
    assert clone["agent_ids"] == source["agent_ids"]
    assert clone["n_contacts"] == 0
    changed = await api(
        "POST", f"/campaigns/{source['id']}/clone", 201,
        json={"name": "Other", "settings": {"wrap_up_s": None, "script": "hi"}, "agent_ids": []},
    )  # fmt: skip
    assert (changed["name"], changed["agent_ids"]) == ("Other", [])
    assert changed["settings"]["wrap_up_s"] == 10
    assert changed["settings"]["script"] == "hi"
    assert changed["settings"]["dialing"] == source["settings"]["dialing"]


async def test_a_live_campaign_shows_no_number_of_contacts(api):
    settings = {"list": {"method": "api", "live": True}}
    live = await api("POST", "/campaigns", 201, json={"name": "L", "settings": settings})
    await api("POST", f"/campaigns/{live['id']}/contacts", 200, json=[{"phone": "+12025550100"}])
    live = await api("GET", f"/campaigns/{live['id']}")
    assert (live["live"], live["contacts"], live["n_contacts"]) == (True, None, 1)


# ------------------------------------------------------------------------- DESIGN §5, the table

LIVE = {"list": {"method": "api", "live": True}}
ROWS = [
    # how it came here, command, status code, status and reason after
    ((), "play", 200, ("active", "")),
    ((), "pause", 409, ("draft", "")),
    ((), "stop", 409, ("draft", "")),
    (("play",), "play", 409, ("active", "")),
    (("play",), "pause", 200, ("paused", "manual")),
    (("play",), "stop", 200, ("stopped", "")),
    (("play", "pause"), "play", 200, ("active", "")),
    (("play", "pause"), "pause", 409, ("paused", "manual")),
    (("play", "pause"), "stop", 200, ("stopped", "")),
    (("play", "auto"), "play", 200, ("paused", "no_agents")),
    (("play", "auto"), "pause", 200, ("paused", "manual")),
    (("play", "auto"), "stop", 200, ("stopped", "")),
    (("play", "stop"), "play", 409, ("stopped", "")),
    (("play", "stop"), "pause", 409, ("stopped", "")),
    (("play", "stop"), "stop", 409, ("stopped", "")),
    (("play", "complete"), "play", 409, ("completed", "")),
    (("play", "complete"), "pause", 409, ("completed", "")),
    (("play", "complete"), "stop", 409, ("completed", "")),
]
_OF_THE_ENGINE = {
    "auto": Transition(CampaignStatus.ACTIVE, CampaignStatus.PAUSED, "no_agents"),
    "complete": Transition(CampaignStatus.ACTIVE, CampaignStatus.COMPLETED, ""),
}


@pytest.mark.parametrize(("history", "command", "expected", "after"), ROWS)
async def test_transitions(api, app, store, make_campaign, history, command, expected, after):
    campaign = await make_campaign(**(LIVE if "auto" in history else {}))
    path = f"/campaigns/{campaign['id']}"
    for step in history:
        if step in _OF_THE_ENGINE:
            now = app.state.context.now()
            await store.campaigns.move(campaign["id"], _OF_THE_ENGINE[step], "engine", now)
        else:
            await api("POST", f"{path}/{step}")
    answer = await api("POST", f"{path}/{command}", expected)
    if expected == 409:
        is_final = after[0] in ("stopped", "completed")
        assert answer["code"] == ("campaign_final" if is_final else "invalid_transition")
    found = await api("GET", path)
    assert (found["status"], found["status_reason"]) == after


async def test_play_lists_all_that_is_missing(api):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    problem = await api("POST", f"/campaigns/{made['id']}/play", 409)
    assert problem["code"] == "campaign_incomplete"
    assert {error["field"] for error in problem["errors"]} == {
        "settings.dialing.trunk", "settings.dialing.caller_ids", "agent_ids", "contacts",
    }  # fmt: skip


async def test_a_final_campaign_is_not_edited(api, make_campaign):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    await api("POST", f"{path}/play")
    await api("POST", f"{path}/stop")
    assert (await api("PATCH", path, 409, json={"name": "B"}))["code"] == "campaign_final"
    problem = await api("POST", f"{path}/contacts", 409, json=[{"phone": "+12025550199"}])
    assert problem["code"] == "campaign_final"


async def test_two_who_command_at_once_get_one_effect(api, make_campaign, admin):
    campaign = await make_campaign()
    path = f"/api/v1/campaigns/{campaign['id']}"
    answers = await asyncio.gather(*(admin.post(f"{path}/play") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    audit = (await api("GET", f"/audit?campaign_id={campaign['id']}"))["items"]
    assert sum(entry["detail"].get("to") == "active" for entry in audit) == 1


async def test_an_active_campaign_says_why_it_dials_nothing(api, store, make_campaign):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    await api("POST", f"{path}/play")
    assert (await api("GET", path))["idle_reasons"] == ["no_engine"]
    await store.campaigns.publish_live(campaign["id"], {"idle_reasons": ["no_agents"]})
    assert (await api("GET", path))["idle_reasons"] == ["no_agents"]
    await api("POST", f"{path}/pause")
    assert (await api("GET", path))["idle_reasons"] == []


# ------------------------------------------------------------------------------------- lists


@pytest.fixture
async def five(api, make_campaign):
    """Names chosen so that casefold matters, statuses so that each is there."""
    names = ["beta", "Alpha", "gamma", "alpha", "Beta"]
    made = [await make_campaign(name) for name in names]
    await api("POST", f"/campaigns/{made[1]['id']}/play")
    await api("POST", f"/campaigns/{made[2]['id']}/play")
    await api("POST", f"/campaigns/{made[2]['id']}/pause")
    await api("POST", f"/campaigns/{made[3]['id']}/play")
    await api("POST", f"/campaigns/{made[3]['id']}/stop")
    return [campaign["id"] for campaign in made]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created_at", [0, 1, 2, 3, 4]),
        ("-created_at", [4, 3, 2, 1, 0]),
        ("name", [1, 3, 0, 4, 2]),
        ("-name", [2, 4, 0, 3, 1]),
        ("status", [0, 4, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_lists_are_sorted_and_paged(api, five, sort, order, limit):
    found, cursor = [], None
    while True:
        params = {"sort": sort, "limit": limit} | ({"cursor": cursor} if cursor else {})
        page = await api("GET", "/campaigns", params=params)
        assert len(page["items"]) <= limit
        found += [campaign["id"] for campaign in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [five[i] for i in order]


async def test_lists_are_filtered(api, five):
    async def ids(query: str) -> set[int]:
        return {c["id"] for c in (await api("GET", f"/campaigns?{query}"))["items"]}

    assert await ids("status=active&status=stopped") == {five[1], five[3]}
    assert await ids("name=ALPH") == {five[1], five[3]}
    assert await ids("live=true") == set()
    assert len(await ids("live=false")) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("sort=colour", "sort"),
        ("status=gone", "status.0"),
        ("cursor=nonsense", "cursor"),
        ("live=perhaps", "live"),
    ],
)
async def test_bad_queries_name_the_parameter(api, query, field):
    problem = await api("GET", f"/campaigns?{query}", 422)
    assert [error["field"] for error in problem["errors"]] == [field]
