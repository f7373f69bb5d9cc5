from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.core.agent import AgentState
from engine.core.hours import zones_in
from engine.core.outcome import Outcome
from engine.core.redial import Done
from engine.core.settings import LimitSettings
from engine.ports import Wanted


async def test_an_agent_is_made_edited_and_deleted(api):
    campaign = await api("POST", "/campaigns", 201, json={"name": "A"})
    body = {
        "name": "Ann", "extension": "1001", "mode": "off_hook", "campaign_ids": [campaign["id"]],
        "skills": ["fr"],
    }  # fmt: skip
    agent = await api("POST", "/agents", 201, json=body)
    assert {key: agent[key] for key in body} == body
    assert (agent["state"], agent["pause_reason"], agent["logged_in"]) == ("offline", None, False)
    path = f"/agents/{agent['id']}"
    edited = await api("PATCH", path, json={"name": "Bea", "skills": None})
    assert (edited["name"], edited["skills"], edited["mode"]) == ("Bea", [], "off_hook")
    assert (await api("PATCH", path, json={"mode": None}))["mode"] == "on_hook"
    assert (await api("GET", "/agents"))["items"] == [await api("GET", path)]
    await api("POST", f"{path}/login")
    assert (await api("DELETE", path, 409))["code"] == "conflict"
    await api("POST", f"{path}/logout")
    await api("DELETE", path, 204)
    await api("GET", path, 404)
    await api("DELETE", path, 404)
    assert (await api("GET", f"/campaigns/{campaign['id']}"))["agent_ids"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A"}, "extension"),
        ({"name": "A", "extension": "12a"}, "extension"),
        ({"name": "A", "extension": "١٢"}, "extension"),
        ({"name": "A", "extension": "1\r\n"}, "extension"),
        ({"name": "A", "extension": "1001"}, "extension"),
        ({"name": "A", "extension": "1", "mode": "sideways"}, "mode"),
        ({"name": "A", "extension": "1", "campaign_ids": [7]}, "campaign_ids.0"),
        ({"name": "A", "extension": "1", "skills": ["a b"]}, "skills.0"),
        ({"name": "A", "extension": "1", "state": "available"}, "state"),
    ],
)
async def test_what_is_not_valid_names_the_field(api, make_agent, body, field):
    await make_agent()  # has 1001
    problem = await api("POST", "/agents", 422, json=body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_agents_are_paged(api, make_agent):
    made = [(await make_agent())["id"] for _ in range(5)]
    page = await api("GET", "/agents?limit=3")
    rest = await api("GET", "/agents", params={"cursor": page["next_cursor"]})
    assert [agent["id"] for agent in page["items"] + rest["items"]] == made


async def test_what_an_agent_asks_for_is_written_down(api, store, client_for, make_agent):
    agent = await make_agent()
    own = await client_for("agent", agent_id=agent["id"])

    async def do(verb: str, expected: int = 200, **options):
        answer = await own.post(f"/api/v1/agents/{agent['id']}/{verb}", **options)
        assert answer.status_code == expected, answer.text
        found = await store.agents.get(agent["id"])
        return found.wanted_in, found.wanted_pause

    assert await do("pause", 409) == (False, None)
    assert await do("unpause", 409) == (False, None)
    assert await do("login") == (True, None)
    assert await do("pause", json={"reason": "lunch"}) == (True, "lunch")
    assert await do("login") == (True, "lunch")
    assert await do("unpause") == (True, None)
    assert await do("pause") == (True, "break")
    assert await do("logout") == (False, None)
    assert await do("login") == (True, None)


@pytest.mark.parametrize("reason", ["", "Wrap-Up", "reserved", "a\r\nb", "x" * 101])
async def test_pause_reasons_are_safe_for_asterisk(api, make_agent, reason):
    agent = await make_agent()
    await api("POST", f"/agents/{agent['id']}/login")
    problem = await api("POST", f"/agents/{agent['id']}/pause", 422, json={"reason": reason})
    assert problem["errors"][0]["field"] == "reason"


@pytest.mark.parametrize("verb", ["login", "logout", "pause", "unpause"])
async def test_an_agent_that_does_not_exist(api, verb):
    assert (await api("POST", f"/agents/99/{verb}", 404))["code"] == "not_found"


RULES = [
    {"code": "sold"},
    {"code": "later", "action": "callback", "delay_s": 600},
    {"code": "never", "action": "dnc"},
    {"code": "machine", "is_machine": True},
]


@pytest.fixture
async def talked(api, make_campaign, settle):
    """A campaign, its agent, and an ended conversation that waits for its disposition."""
    campaign = await make_campaign(dispositions=RULES)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    agent_id = campaign["agent_ids"][0]
    attempt_id = await settle(campaign["id"], Outcome.ANSWERED, agent_id=agent_id)
    return campaign["id"], agent_id, attempt_id


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("sold", "done", "disposition"),
        ("later", "scheduled", None),
        ("never", "done", "do_not_call"),
    ],
)
async def test_a_disposition_ends_the_wrap_up(api, store, client_for, talked, code, state, reason):
    campaign_id, agent_id, attempt_id = talked
    own = await client_for("agent", agent_id=agent_id)
    body = {"attempt_id": attempt_id, "code": code}
    answer = await own.post(f"/api/v1/agents/{agent_id}/disposition", json=body)
    assert (answer.status_code, answer.json()["id"]) == (200, agent_id), answer.text
    contact = await api("GET", f"/campaigns/{campaign_id}/contacts/1")
    assert (contact["state"], contact["done_reason"]) == (state, reason)
    assert (contact["next_dial_at"] is not None) == (code == "later")
    (attempt,) = (await api("GET", f"/campaigns/{campaign_id}/attempts"))["items"]
    assert (attempt["disposition"], attempt["rev"]) == (code, 1)
    assert await store.dnc.contains(contact["phone"]) == (code == "never")
    again = await own.post(f"/api/v1/agents/{agent_id}/disposition", json=body)
    if code == "never":  # heard before, and heard again
        assert again.status_code == 200
    else:
        assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_machine_that_an_agent_met_locks_its_number(api, store, talked):
    campaign_id, agent_id, attempt_id = talked
    phone = (await api("GET", f"/campaigns/{campaign_id}/contacts/1"))["phone"]
    body = {"attempt_id": attempt_id, "code": "machine"}
    await api("POST", f"/agents/{agent_id}/disposition", json=body)
    limits, asked = LimitSettings(after_machine_s=86_400), [Wanted(phone, "")]
    ((refusal,),) = await store.numbers.standing(asked, limits, datetime.now(UTC))
    assert refusal.reason == "after_machine"


async def test_who_opts_out_is_heard_when_wrap_up_is_over(api, store, make_agent, talked):
    """Wrap-up of ten seconds ends sooner than many an agent has found the button."""
    campaign_id, agent_id, attempt_id = talked
    phone = (await api("GET", f"/campaigns/{campaign_id}/contacts/1"))["phone"]
    await store.calls.finish(campaign_id, attempt_id, None, Done("answered"), datetime.now(UTC))
    late = {"attempt_id": attempt_id, "code": "sold"}
    await api("POST", f"/agents/{agent_id}/disposition", 409, json=late)
    other = await make_agent()
    never = {"attempt_id": attempt_id, "code": "never"}
    await api("POST", f"/agents/{other['id']}/disposition", 409, json=never)
    assert not await store.dnc.contains(phone)
    await api("POST", f"/agents/{agent_id}/disposition", json=never)
    assert await store.dnc.contains(phone)


async def test_who_opts_out_is_heard_while_the_call_lasts(api, store, make_campaign, dial):
    campaign = await make_campaign(dispositions=RULES)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    agent_id = campaign["agent_ids"][0]
    attempt_id = (await dial(campaign["id"])).attempt_id
    never = {"attempt_id": attempt_id, "code": "never"}
    await api("POST", f"/agents/{agent_id}/disposition", 409, json=never)
    now, on_call = datetime.now(UTC), AgentState.ON_CALL
    await store.agents.set_state(agent_id, on_call, now, attempt_id=attempt_id)
    await api("POST", f"/agents/{agent_id}/disposition", json=never)
    phone = (await api("GET", f"/campaigns/{campaign['id']}/contacts/1"))["phone"]
    assert await store.dnc.contains(phone)


async def test_a_disposition_must_fit(api, make_agent, talked):
    _, agent_id, attempt_id = talked
    path = f"/agents/{agent_id}/disposition"
    problem = await api("POST", path, 422, json={"attempt_id": attempt_id, "code": "bought"})
    assert problem["errors"][0]["field"] == "code"
    assert "sold, later, never, machine" in problem["errors"][0]["message"]
    for wrong in ("x", "99a" + "0" * 20, "99999999999999999999999a" + "0" * 20):
        problem = await api("POST", path, 422, json={"attempt_id": wrong, "code": "sold"})
        assert problem["errors"][0]["field"] == "attempt_id"
    other = await make_agent()
    body = {"attempt_id": attempt_id, "code": "sold"}
    await api("POST", f"/agents/{other['id']}/disposition", 409, json=body)
    await api("POST", "/agents/99/disposition", 404, json=body)


async def test_any_code_will_do_where_the_campaign_has_none(api, make_campaign, settle):
    campaign = await make_campaign()
    await api("POST", f"/campaigns/{campaign['id']}/play")
    agent_id = campaign["agent_ids"][0]
    attempt_id = await settle(campaign["id"], Outcome.ANSWERED, agent_id=agent_id)
    body = {"attempt_id": attempt_id, "code": "fine"}
    await api("POST", f"/agents/{agent_id}/disposition", json=body)
    contact = await api("GET", f"/campaigns/{campaign['id']}/contacts/1")
    assert (contact["state"], contact["done_reason"]) == ("done", "answered")


async def test_an_attempt_that_waits_for_nothing(api, make_campaign, settle):
    campaign = await make_campaign()
    await api("POST", f"/campaigns/{campaign['id']}/play")
    attempt_id = await settle(campaign["id"], then=Done("max_attempts"))
    body = {"attempt_id": attempt_id, "code": "fine"}
    await api("POST", f"/agents/{campaign['agent_ids'][0]}/disposition", 409, json=body)


@pytest.mark.parametrize(
    ("by", "agent"), [("anyone", False), ("me", True)], ids=["for anyone", "for this agent"]
)
async def test_a_callback_is_at_the_contacts_own_clock(api, store, talked, by, agent):
    campaign_id, agent_id, attempt_id = talked
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    body = {"attempt_id": attempt_id, "code": "sold", "callback_by": by}
    body["callback_at"] = f"{day}T14:30:00"
    await api("POST", f"/agents/{agent_id}/disposition", json=body)
    contact = (await store.contacts.list(campaign_id))[0][0]
    local = contact.next_dial_at.astimezone(ZoneInfo(zones_in(contact.hours_class)[0]))
    assert (local.date(), local.strftime("%H:%M")) == (day, "14:30")
    assert contact.callback_agent_id == (agent_id if agent else None)


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
async def test_a_callback_is_within_a_year(api, talked, at):
    _, agent_id, attempt_id = talked
    body = {"attempt_id": attempt_id, "code": "sold", "callback_at": at}
    problem = await api("POST", f"/agents/{agent_id}/disposition", 422, json=body)
    assert problem["errors"][0]["field"] == "callback_at"


async def test_a_disposition_that_does_not_count_leaves_an_attempt(api, make_campaign, settle):
    rule = {"code": "again", "action": "redial", "delay_s": 60, "counts": False}
    campaign = await make_campaign(dispositions=[rule], redial={"max_attempts": 1})
    await api("POST", f"/campaigns/{campaign['id']}/play")
    agent_id = campaign["agent_ids"][0]
    attempt_id = await settle(campaign["id"], Outcome.ANSWERED, agent_id=agent_id)
    body = {"attempt_id": attempt_id, "code": "again"}
    await api("POST", f"/agents/{agent_id}/disposition", json=body)
    contact = await api("GET", f"/campaigns/{campaign['id']}/contacts/1")
    assert (contact["state"], contact["attempts"]) == ("scheduled", 0)
