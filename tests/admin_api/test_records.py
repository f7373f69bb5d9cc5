"""Attempts, figures, the do-not-call list, the audit log."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

import pytest

from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome
from engine.core.redial import Done

FIELDS = [field.name for field in fields(AttemptRecord)]


@pytest.fixture
async def busy(api, make_campaign, settle):
    """A campaign with five settled attempts, the last one with cells a spreadsheet would run."""
    campaign = await make_campaign(n_contacts=6)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    outcomes = [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.ABANDONED]
    ids = [await settle(campaign["id"], o, then=Done("max_attempts")) for o in outcomes]
    ids.append(await settle(campaign["id"], then=Done("x"), tech_cause="=cmd|' /C calc'!A0"))
    return campaign["id"], ids


async def test_attempts_have_every_field_and_are_paged(api, busy):
    campaign_id, ids = busy
    page = await api("GET", f"/campaigns/{campaign_id}/attempts?limit=2")
    assert sorted(page["items"][0]) == sorted(FIELDS)
    first = page["items"][0]
    assert (first["attempt_id"], first["outcome"], first["number"]) == (ids[0], "busy", 1)
    assert first["started_at"].endswith("Z")
    found = [a["attempt_id"] for a in page["items"]]
    while page["next_cursor"]:
        params = {"limit": 2, "cursor": page["next_cursor"]}
        page = await api("GET", f"/campaigns/{campaign_id}/attempts", params=params)
        found += [a["attempt_id"] for a in page["items"]]
    assert found == ids
    some = await api("GET", f"/campaigns/{campaign_id}/attempts?outcome=no_answer")
    assert [a["attempt_id"] for a in some["items"]] == [ids[1]]
    await api("GET", "/campaigns/99/attempts", 404)
    await api("GET", f"/campaigns/{campaign_id}/attempts?cursor=x", 422)


async def test_attempts_of_all_campaigns(api, busy, make_campaign, settle):
    _, ids = busy
    await make_campaign("without attempts")
    other = await make_campaign("other", n_contacts=7)
    # The numbers differ from those of the first campaign, which are locked by no limit here.
    await api("POST", f"/campaigns/{other['id']}/play")
    ids = [*ids, await settle(other["id"], then=Done("x"))]
    for limit in (1, 3, 100):
        found, cursor = [], None
        while True:
            params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = await api("GET", "/attempts", params=params)
            found += [a["attempt_id"] for a in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == ids, limit
    await api("GET", "/attempts?cursor=WzEse31d", 422)


@pytest.mark.parametrize("path", ["/campaigns/{id}/attempts", "/attempts"])
async def test_attempts_as_csv_are_safe_for_a_spreadsheet(admin, busy, path):
    campaign_id, ids = busy
    target = f"/api/v1{path.format(id=campaign_id)}"
    answer = await admin.get(target, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == FIELDS
    assert [row["attempt_id"] for row in rows] == ids
    assert rows[0]["phone"].startswith("+1202555")
    assert rows[-1]["tech_cause"] == "'=cmd|' /C calc'!A0"


async def test_figures_come_from_the_counters(api, busy, store):
    campaign_id, _ = busy
    stats = await api("GET", f"/campaigns/{campaign_id}/stats")
    assert stats["attempts"] == 5
    assert stats["outcomes"] == {"abandoned": 1, "no_answer": 1, "busy": 3}
    assert (stats["n_contacts"], stats["n_complete"], stats["progress"]) == (6, 5, 83.3)
    assert stats["abandon_rate"] == 1.0
    assert stats["agents"] == {"offline": 1}
    assert stats["calls"] == {"in_flight": 0}
    assert stats["idle_reasons"] == ["no_engine"]
    figures = {
        "agents": {"available": 1}, "calls": {"ringing": 2}, "idle_reasons": [],
        "pacing": {"mode": "progressive"},
    }  # fmt: skip
    await store.campaigns.publish_live(campaign_id, figures)
    stats = await api("GET", f"/campaigns/{campaign_id}/stats")
    assert {key: stats[key] for key in figures} == figures


async def test_the_do_not_call_list(api, admin):
    added = await api("POST", "/dnc", json={"phones": ["(202) 555-0100", "+12025550101", "x"]})
    assert (added["added"], added["present"]) == (2, 0)
    assert [(r["index"], r["phone"]) for r in added["rejected"]] == [(2, "x")]
    again = await api("POST", "/dnc", json={"phones": ["+12025550101"], "source": "letter"})
    assert (again["added"], again["present"]) == (0, 1)
    text = '\ufeffphone,why\r\n+44 20 7946 0958;asked\r\n\r\n"+12025550101"\n'
    by_csv = await api("POST", "/dnc", content=text.encode(), headers={"Content-Type": "text/csv"})
    assert (by_csv["added"], by_csv["present"]) == (1, 1)
    assert [r["phone"] for r in by_csv["rejected"]] == ["phone"]
    entries, cursor = [], None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = await api("GET", "/dnc", params=params)
        entries += [(entry["phone"], entry["source"]) for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(entries) == [
        ("+12025550100", "api"), ("+12025550101", "api"), ("+442079460958", "csv"),
    ]  # fmt: skip
    out = await admin.get("/api/v1/dnc", headers={"Accept": "text/csv"})
    assert sorted(line.split(",")[0] for line in out.text.splitlines()) == [
        "+12025550100", "+12025550101", "+442079460958", "phone",
    ]  # fmt: skip
    await api("DELETE", "/dnc/+12025550100", 204)
    await api("DELETE", "/dnc?phone=+12025550101", 204)
    await api("DELETE", "/dnc?phone=%2B442079460958", 204)
    assert (await api("GET", "/dnc"))["items"] == []
    await api("DELETE", "/dnc/+12025550100", 404)
    assert (await api("DELETE", "/dnc/x", 422))["errors"][0]["field"] == "phone"
    assert (await api("DELETE", "/dnc", 422))["errors"][0]["field"] == "phone"


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "phones"), ({"phones": []}, "phones"), ({"phones": ["1"], "colour": 1}, "colour")],
)
async def test_dnc_bodies_are_checked(api, body, field):
    problem = await api("POST", "/dnc", 422, json=body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_dnc_takes_json_or_csv(api):
    headers = {"Content-Type": "text/plain"}
    await api("POST", "/dnc", 415, content=b"x", headers=headers)


async def test_who_did_what_is_kept(api, make_campaign):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    await api("POST", f"{path}/play")
    await api("PATCH", path, json={"name": "B"})
    found, cursor = [], None
    while True:
        params = {"limit": 2, "campaign_id": campaign["id"]}
        page = await api("GET", "/audit", params=params | ({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert {entry["actor"] for entry in found} == {"the admin"}
    assert {entry["subject"] for entry in found} == {f"campaign:{campaign['id']}"}
    assert len(found) == len({entry["id"] for entry in found}) >= 3
    everything = (await api("GET", "/audit"))["items"]
    assert any(entry["subject"].startswith("agent:") for entry in everything)
