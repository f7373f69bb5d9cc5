from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from admin_api.why_not_now import why_not_now
from engine.core.campaign import Campaign, CampaignStatus
from engine.core.contact import Contact, ContactState
from engine.core.settings import CampaignSettings

NOON_UTC = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
async def path(api):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    return f"/campaigns/{made['id']}/contacts"


async def test_each_contact_is_created_rejected_or_a_duplicate(api, path):
    answer = await api(
        "POST", path,
        json=[
            {"phone": "(202) 555-0100", "name": "Ann", "priority": 3, "variables": {"n": 1}},
            {"phone": "+12025550100"},
            {"phone": "12"},
            {"phone": "+12025550101", "colour": "red"},
            "text",
            {"phones": ["1", "+44 20 7946 0958"], "timezone": "Europe/London"},
        ],
    )  # fmt: skip
    assert answer["created"] == 2
    assert answer["duplicates"] == [{"index": 1, "phone": "+12025550100"}]
    assert [(r["index"], r["phone"]) for r in answer["rejected"]] == [
        (2, "12"), (3, "+12025550101"), (4, None),
    ]  # fmt: skip
    assert [r["errors"][0]["field"] for r in answer["rejected"]] == ["phone", "colour", ""]
    again = await api("POST", path, json=[{"phone": "+12025550100"}])
    assert (again["created"], len(again["duplicates"])) == (0, 1)
    first, second = (await api("GET", path))["items"]
    assert (first["phone"], first["name"], first["priority"]) == ("+12025550100", "Ann", 3)
    assert (first["variables"], first["state"], first["attempts"]) == ({"n": "1"}, "ready", 0)
    assert first["id"] == first["contact_id"] == 1
    assert (second["phone"], second["timezone"]) == ("+442079460958", "Europe/London")
    assert await api("GET", f"{path}/1") == first
    assert (await api("GET", f"{path}/9", 404))["code"] == "not_found"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{}", "application/json", 422, "validation_error"),
        ("[", "application/json", 422, "validation_error"),
        ("\xff", "application/json", 422, "validation_error"),
        ("x", "text/plain", 415, "unsupported_media_type"),
        ("[" + ",".join(["{}"] * 1001) + "]", "application/json", 413, "too_many_contacts"),
        ("[" + " " * 1_100_000 + "]", "application/json", 413, "too_large"),
    ],
)
async def test_bodies_that_are_no_contacts(api, path, body, content_type, status, code):
    problem = await api(
        "POST", path, status,
        content=body.encode("latin-1"), headers={"Content-Type": content_type},
    )  # fmt: skip
    assert problem["code"] == code


async def test_a_body_that_hides_its_size_is_bounded_too(admin, api, path):
    async def pieces():
        for _ in range(20):
            yield b" " * 100_000

    json_, csv_ = "application/json", "text/csv"
    for target, kind in [
        (path, json_), ("/campaigns", json_), ("/campaigns", csv_), ("/dnc", json_), ("/dnc", csv_),
    ]:  # fmt: skip
        headers = {"Content-Type": kind}
        answer = await admin.post(f"/api/v1{target}", content=pieces(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), target


async def test_contacts_are_paged_and_filtered(api, path):
    contacts = [{"phone": f"+1202555{n:04}"} for n in range(100, 125)]
    await api("POST", path, json=contacts)
    await api("DELETE", f"{path}/3")
    found, cursor = [], None
    while True:
        params = {"limit": 10} | ({"cursor": cursor} if cursor else {})
        page = await api("GET", path, params=params)
        found += [contact["id"] for contact in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == list(range(1, 26))
    withdrawn = (await api("GET", f"{path}?state=withdrawn"))["items"]
    assert [contact["id"] for contact in withdrawn] == [3]
    for bad in ("cursor=x", "state=gone", "limit=x"):
        await api("GET", f"{path}?{bad}", 422)


async def test_long_pages_at_once_do_not_use_up_the_connections(api, admin, path):
    contacts = [{"phone": f"+1202555{n:04}"} for n in range(100, 1000)]
    assert (await api("POST", path, json=contacts))["created"] == 900
    requests = (admin.get(f"/api/v1{path}?limit=1000") for _ in range(10))
    answers = await asyncio.gather(*requests)
    assert [len(answer.json()["items"]) for answer in answers] == [900] * 10
    phones = [contact["phone"] for contact in contacts]
    assert (await api("POST", "/dnc", json={"phones": phones}))["added"] == 900


async def test_withdrawn_is_complete_and_says_so(api, path):
    await api("POST", path, json=[{"phone": "+12025550100"}, {"phone": "+12025550101"}])
    gone = await api("DELETE", f"{path}/1")
    assert (gone["state"], gone["why_not_now"]) == (
        "withdrawn",
        [{"reason": "withdrawn", "until": None}],
    )
    campaign = await api("GET", path.removesuffix("/contacts"))
    assert campaign["progress"] == 50.0


async def test_why_not_now_knows_the_do_not_call_list_and_the_campaign(api, path):
    await api("POST", path, json=[{"phone": "+12025550100", "timezone": "UTC"}])
    await api("POST", "/dnc", json={"phones": ["+12025550100"]})
    reasons = [r["reason"] for r in (await api("GET", f"{path}/1"))["why_not_now"]]
    assert reasons[:2] == ["dnc", "campaign:draft"]


# --------------------------------------------------------------------- the rule itself, pure


def contact(**fields) -> Contact:
    defaults = {
        "contact_id": 1, "phone": "+12025550100", "hours_class": "UTC", "name": "",
        "timezone": None, "priority": 500, "external_id": None, "source": None, "url": None,
        "variables": {}, "state": ContactState.READY, "n_attempts": 0, "n_trunk_faults": 0,
        "outcomes": {}, "attempt_id": None, "next_dial_at": None, "last_outcome": None,
        "done_reason": None,
    }  # fmt: skip
    return Contact(**{**defaults, **fields})


def campaign(status=CampaignStatus.ACTIVE) -> Campaign:
    return Campaign(
        id=1, name="A", created_at=NOON_UTC, updated_at=NOON_UTC, version=1, status=status,
        status_reason="", settings=CampaignSettings(), agent_ids=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({}, []),
        ({"state": ContactState.IN_FLIGHT}, ["in_flight"]),
        ({"state": ContactState.WRAP_UP}, ["wrap_up"]),
        ({"state": ContactState.DONE, "done_reason": "max_attempts"}, ["done:max_attempts"]),
        ({"state": ContactState.WITHDRAWN}, ["withdrawn"]),
        (
            {"state": ContactState.SCHEDULED, "next_dial_at": NOON_UTC + timedelta(hours=1)},
            ["scheduled"],
        ),
        ({"state": ContactState.SCHEDULED, "next_dial_at": NOON_UTC}, []),
        ({"hours_class": "Asia/Tokyo,UTC"}, ["calling_hours"]),
    ],
)
def test_reasons(fields, reasons):
    found = why_not_now(contact(**fields), campaign(), NOON_UTC)
    assert [why.reason for why in found] == reasons


def test_reasons_say_until_when():
    tokyo = contact(hours_class="Asia/Tokyo", next_dial_at=NOON_UTC + timedelta(hours=1))
    found = {why.reason: why.until for why in why_not_now(tokyo, campaign(), NOON_UTC)}
    assert found == {
        "scheduled": NOON_UTC + timedelta(hours=1),
        "calling_hours": datetime(2026, 6, 3, 23, 0, tzinfo=UTC),
    }


@pytest.mark.parametrize("status", [s for s in CampaignStatus if s is not CampaignStatus.ACTIVE])
def test_a_campaign_that_does_not_dial_is_a_reason(status):
    found = why_not_now(contact(), campaign(status), NOON_UTC)
    assert [why.reason for why in found] == [f"campaign:{status}"]
