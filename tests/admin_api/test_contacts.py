from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from admin_api.why_not_now import known, why_not_now
from engine.core.campaign import Campaign, CampaignStatus, Transition
from engine.core.contact import Contact, ContactState
from engine.core.settings import CampaignSettings, LimitSettings

ALL_DAY = {"start": "00:00", "end": "24:00"}
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
        ("[" + " " * 8_500_000 + "]", "application/json", 413, "too_large"),
        ("[" * 100_000, "application/json", 422, "validation_error"),
        ("[" + '{"a":' * 100_000, "application/json", 422, "validation_error"),
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
        for _ in range(90):
            yield b" " * 100_000

    json_, csv_ = "application/json", "text/csv"
    for target, kind in [
        (path, json_), ("/campaigns", json_), ("/campaigns", csv_), ("/dnc", json_),
    ]:  # fmt: skip
        headers = {"Content-Type": kind}
        answer = await admin.post(f"/api/v1{target}", content=pieces(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), target


async def test_a_thousand_contacts_with_long_variables_are_taken(api, path):
    note = {"note": "é" * 1500}
    contacts = [{"phone": f"+1202{2_000_000 + n}", "variables": note} for n in range(1000)]
    assert (await api("POST", path, json=contacts))["created"] == 1000


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


async def test_a_postal_code_and_a_state_come_back_and_tell_the_zone(api, path, store):
    await api("POST", path, json=[
        {"phone": "+12025550100", "postal_code": 90210, "region": "US-CA"},
        {"phone": "+12025550101", "postal_code": "nowhere"},
    ])  # fmt: skip
    first, second = (await api("GET", path))["items"]
    assert (first["postal_code"], first["region"]) == ("90210", "US-CA")
    assert (second["postal_code"], second["region"]) == ("nowhere", None)
    assert sorted(await store.calls.hours_classes(int(path.split("/")[2]))) == [
        "America/Los_Angeles;US-CA,US-DC", "America/New_York;US-DC",
    ]  # fmt: skip


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
    who = contact(**fields)
    found = why_not_now(who, campaign(), known(who), NOON_UTC)
    assert [why.reason for why in found] == reasons


def test_reasons_say_until_when():
    tokyo = contact(hours_class="Asia/Tokyo", next_dial_at=NOON_UTC + timedelta(hours=1))
    found = {
        why.reason: why.until for why in why_not_now(tokyo, campaign(), known(tokyo), NOON_UTC)
    }
    assert found == {
        "scheduled": NOON_UTC + timedelta(hours=1),
        "calling_hours": datetime(2026, 6, 3, 23, 0, tzinfo=UTC),
    }


@pytest.mark.parametrize("status", [s for s in CampaignStatus if s is not CampaignStatus.ACTIVE])
def test_a_campaign_that_does_not_dial_is_a_reason(status):
    found = why_not_now(contact(), campaign(status), known(contact()), NOON_UTC)
    assert [why.reason for why in found] == [f"campaign:{status}"]


# ------------------------------------------------------------------------- rules and edits


async def new_campaign(api, **settings):
    body = {"name": "A", "settings": settings}
    return f"/campaigns/{(await api('POST', '/campaigns', 201, json=body))['id']}/contacts"


async def test_a_contact_is_edited_while_its_campaign_runs(api):
    path = await new_campaign(api)
    await api("POST", path, json=[{"phone": "+12125550123", "variables": {"a": "1"}}])
    changed = {"name": "Anna", "priority": 3, "active": False, "variables": {"n": 7}}
    out = await api("PATCH", f"{path}/1", json=changed)
    assert (out["name"], out["priority"], out["state"]) == ("Anna", 3, "inactive")
    assert (out["variables"], out["active"]) == ({"a": "1", "n": "7"}, False)
    assert [why["reason"] for why in out["why_not_now"]] == ["inactive"]
    out = await api("PATCH", f"{path}/1", json={"active": True})
    assert (out["name"], out["state"], out["active"]) == ("Anna", "ready", True)
    await api("PATCH", f"{path}/1", 422, json={"priority": 1001})
    await api("PATCH", f"{path}/1", 422, json={"variables": {"a b": 1}})
    await api("PATCH", f"{path}/1", 422, json={"phone": "+12125550124"})
    await api("PATCH", f"{path}/9", 404, json={"priority": 1})


async def test_a_patch_merges_and_null_is_the_default(api):
    path = await new_campaign(api)
    sent = {"phone": "+12125550123", "name": "Ann", "priority": 3, "variables": {"a": 1, "b": 2}}
    await api("POST", path, json=[sent])

    async def patched(**body):
        out = await api("PATCH", f"{path}/1", json=body)
        return out["name"], out["priority"], out["active"], out["variables"]

    assert await patched(variables={"a": "9"}) == ("Ann", 3, True, {"a": "9", "b": "2"})
    assert await patched(variables={"a": None, "c": True}) == (
        "Ann", 3, True, {"b": "2", "c": "true"},
    )  # fmt: skip
    assert await patched(active=False) == ("Ann", 3, False, {"b": "2", "c": "true"})
    assert await patched(name=None, priority=None, active=None) == (
        "", 500, True, {"b": "2", "c": "true"},
    )  # fmt: skip
    assert (await patched(variables=None))[3] == {}
    many = {f"v{n}": "x" for n in range(50)}
    assert len((await patched(variables=many))[3]) == 50
    await api("PATCH", f"{path}/1", 422, json={"variables": {"more": "x"}})
    await api("PATCH", f"{path}/1", 422, json={"variables": {"v1": {"a": "b"}}})
    await api("PATCH", f"{path}/9", 404, json={"variables": {"a": "b"}})


async def test_several_phones_are_kept_in_order(api):
    path = await new_campaign(api)
    phones = ["+12125550123", "911", "+13055550123", "+12125550123"]
    await api("POST", path, json=[{"phones": phones, "person_key": "P1"}])
    out = await api("GET", f"{path}/1")
    assert (out["phone"], out["other_phones"]) == ("+12125550123", ["+13055550123"])
    assert out["person_key"] == "P1"


async def test_a_phone_on_a_do_not_call_list_is_left_out(api):
    path = await new_campaign(api)
    await api("POST", "/dnc", json={"phones": ["+12125550123", "+12125550124"]})
    sent = [
        {"phones": ["+12125550123", "+13055550123"]},
        {"phones": ["+12125550123", "+12125550124"]},
    ]
    out = await api("POST", path, json=sent)
    assert (out["created"], [row["index"] for row in out["rejected"]]) == (1, [1])
    (contact,) = (await api("GET", path))["items"]
    assert (contact["phone"], contact["other_phones"]) == ("+13055550123", [])


async def test_null_is_absent_and_numbers_are_texts_where_they_may_be(api):
    path = await new_campaign(api)
    empty = {"name": None, "priority": None, "variables": None, "phones": None}
    sent = [
        {"phone": 12125550123, "external_id": 4711, **empty},
        {"phones": [12125550124, "+12125550125"], "phone": None},
        {"phone": True},
    ]
    out = await api("POST", path, json=sent)
    assert (out["created"], [row["index"] for row in out["rejected"]]) == (2, [2])
    first, second = (await api("GET", path))["items"]
    assert (first["phone"], first["external_id"]) == ("+12125550123", "4711")
    assert (first["name"], first["priority"], first["variables"]) == ("", 500, {})
    assert (second["phone"], second["other_phones"]) == ("+12125550124", ["+12125550125"])


@pytest.mark.parametrize(
    ("phone", "says"),
    [("911", "emergency"), ("+19002345678", "premium"), ("+442079460000", "country")],
)
async def test_what_may_not_be_called_is_not_taken(api, phone, says):
    path = await new_campaign(api, destinations={"countries": ["US"]})
    out = await api("POST", path, json=[{"phone": phone}])
    assert out["created"] == 0
    assert says in out["rejected"][0]["errors"][0]["message"]


async def test_a_number_on_a_list_is_not_taken(api):
    path = await new_campaign(api)
    campaign_id = path.split("/")[2]
    await api("POST", f"/dnc?campaign_id={campaign_id}", json={"phones": ["+12125550123"]})
    await api("POST", "/dnc", json={"prefixes": ["+1305"]})
    sent = [{"phone": p} for p in ("+12125550123", "+13055550123", "+12125550124")]
    out = await api("POST", path, json=sent)
    assert (out["created"], [r["index"] for r in out["rejected"]]) == (1, [0, 1])
    other = await new_campaign(api)
    assert (await api("POST", other, json=sent[:1]))["created"] == 1


async def test_why_tells_every_rule_and_the_next_dial(api, store):
    limits, hours = {"max_per_24h": 1, "max_per_7d": 1}, {"windows": [ALL_DAY]}
    path = await new_campaign(api, limits=limits, hours=hours)
    await api("POST", path, json=[{"phone": "+12125550123"}])
    out = await api("GET", f"{path}/1/why")
    assert [v["rule"] for v in out["verdicts"] if not v["allows"]] == []
    now = datetime.now(UTC)
    held = ("+12125550123", "9aX")
    await store.numbers.reserve([held], LimitSettings(), now)
    await store.numbers.release([(*held, True)])
    out = await api("GET", f"{path}/1/why")
    against = [v["rule"] for v in out["verdicts"] if not v["allows"]]
    assert against == ["limit_24h", "limit_7d"]
    in_a_week = datetime.fromisoformat(out["next_dial_at"]) - now
    assert timedelta(days=7) <= in_a_week < timedelta(days=7, seconds=5)


async def test_presets_fill_rules_that_stay_editable(api):
    items = (await api("GET", "/presets"))["items"]
    assert {"us_tsr", "us_fl", "uk", "ca", "eu_default"} <= {item["name"] for item in items}
    assert any(not f["verified"] for item in items for f in item["figures"])
    body = {"name": "A", "settings": {"preset": "uk", "limits": {"after_machine_s": 60}}}
    made = await api("POST", "/campaigns", 201, json=body)
    limits = made["settings"]["limits"]
    assert (limits["after_abandon_s"], limits["after_machine_s"]) == (72 * 3600, 60)
    edited = await api(
        "PATCH", f"/campaigns/{made['id']}", json={"settings": {"limits": {"after_abandon_s": 5}}}
    )
    again = {"settings": {"preset": "uk"}}
    edited = await api("PATCH", f"/campaigns/{made['id']}", json=again)
    assert edited["settings"]["limits"]["after_abandon_s"] == 5
    await api("POST", "/campaigns", 422, json={"name": "A", "settings": {"preset": "x"}})


async def test_another_preset_leaves_no_state_of_the_one_before(api):
    body = {"name": "A", "settings": {"preset": "us_fl"}}
    path = f"/campaigns/{(await api('POST', '/campaigns', 201, json=body))['id']}"
    own = {"respect_contact_timezone": False}
    edited = await api("PATCH", path, json={"settings": {"hours": own}})
    assert "US-FL" in edited["settings"]["hours"]["regions"]
    other = (await api("PATCH", path, json={"settings": {"preset": "ca"}}))["settings"]
    assert (other["hours"]["regions"], other["limits"]["regions"]) == ({}, {})
    assert other["hours"]["respect_contact_timezone"] is True


async def test_a_registry_s_file_of_any_size_is_streamed_in(api):
    rows = "".join(f"+1212555{i:04};x\r\n" for i in range(3000))
    headers = {"Content-Type": "text/csv"}
    body = "\ufeffphone;name\r\n" + rows
    out = await api("POST", "/dnc?source=registry", content=body.encode(), headers=headers)
    assert (out["added"], out["n_rejected"]) == (3000, 1)
    out = await api("POST", "/dnc?source=registry", content=body.encode(), headers=headers)
    assert (out["added"], out["present"]) == (0, 3000)


async def test_prefixes_are_listed_and_removed(api):
    await api("POST", "/dnc", json={"prefixes": ["+1305"]})
    listed = (await api("GET", "/dnc/prefixes"))["items"]
    assert [item["phone"] for item in listed] == ["+1305"]
    await api("DELETE", "/dnc/prefixes/+1305", 204)
    await api("DELETE", "/dnc/prefixes/+1305", 404)


async def test_a_number_of_another_active_campaign_is_a_duplicate_where_asked(api, store):
    other = await api("POST", "/campaigns", 201, json={"name": "Other"})
    settings = {"list": {"duplicates": "active_campaigns"}}
    mine = await api("POST", "/campaigns", 201, json={"name": "Mine", "settings": settings})
    contacts = [{"phone": "+12025550100"}, {"phone": "+12025550101"}]
    await api("POST", f"/campaigns/{other['id']}/contacts", json=contacts[:1])
    step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(other["id"], step, "test", datetime.now(UTC))
    answer = await api("POST", f"/campaigns/{mine['id']}/contacts", json=contacts)
    held = {"index": 0, "phone": "+12025550100", "campaign_id": other["id"]}
    assert (answer["created"], answer["duplicates"]) == (1, [held])
