"""An auditor gets every figure from the files alone, and the files are what they say."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.core.outcome import Outcome
from engine.core.redial import Done, RedialAt

Files = dict[str, bytes]


@pytest.fixture
async def campaign_id(api, make_campaign, settle) -> int:
    """Every kind of end: redialled, done, withdrawn, with a disposition, and one never called."""
    campaign = await make_campaign(n_contacts=9)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    for outcome in (Outcome.BUSY, Outcome.ABANDONED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY):
        await settle(campaign["id"], outcome, then=Done("max_attempts"))
    await settle(campaign["id"], Outcome.ANSWERED, then=Done("disposition"), disposition="sold")
    await settle(campaign["id"], Outcome.UNKNOWN, then=Done("x"), tech_cause="=1+1")
    await api("DELETE", f"/campaigns/{campaign['id']}/contacts/9")
    await api("POST", f"/campaigns/{campaign['id']}/pause")
    return int(campaign["id"])


async def export(admin, campaign_id: int) -> Files:
    answer = await admin.get(f"/api/v1/campaigns/{campaign_id}/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def table(files: Files, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode(), newline="")))


def is_person(row: dict[str, str]) -> bool:
    outcome, who = row["outcome"], row["answered_by"]
    if row["message_played"] == "true" and outcome in ("answered", "hung_up_early"):
        return False
    if outcome == "unknown":
        return row["answered_at"] != "" and who != "machine"
    if outcome in ("machine", "fax"):
        return who not in ("", "machine")
    return outcome in ("answered", "abandoned", "hung_up_early") and who != "machine"


def is_abandoned(person: dict[str, str]) -> bool:
    if person["outcome"] in ("abandoned", "unknown"):
        return True
    since = person["greeting_end_at"] or person["answered_at"]
    until = datetime.fromisoformat(person["bridged_at"] or person["ended_at"])
    return since != "" and until - datetime.fromisoformat(since) > timedelta(seconds=2)


def recomputed(files: Files) -> dict[str, Any]:
    """As how.txt says, with nothing but the files."""
    contacts, attempts = table(files, "contacts.csv"), table(files, "attempts.csv")
    outcomes = Counter(row["outcome"] for row in attempts)
    people = [row for row in attempts if is_person(row)]
    complete = sum(row["state"] in ("done", "withdrawn") for row in contacts)
    return {
        "n_contacts": len(contacts),
        "n_complete": complete,
        "progress": math.floor(complete * 1000 / len(contacts)) / 10 if contacts else 0,
        "attempts": len(attempts),
        "outcomes": dict(outcomes),
        "abandon_rate": sum(map(is_abandoned, people)) / len(people) if people else 0,
    }


async def test_every_figure_follows_from_the_files(api, admin, campaign_id):
    files = await export(admin, campaign_id)
    stats = await api("GET", f"/campaigns/{campaign_id}/stats")
    mine = recomputed(files)
    assert stats["abandon_rate"] == pytest.approx(mine.pop("abandon_rate"))
    assert {name: stats[name] for name in mine} == mine
    assert (mine["n_contacts"], mine["n_complete"], mine["attempts"]) == (9, 7, 6)
    kept = json.loads(files["figures.json"])
    assert {name: kept[name] for name in mine if name in kept} == {
        name: value for name, value in mine.items() if name in kept
    }


#: Outcome, seconds from the answer to the greeting's end, an agent, the end; the disposition.
CALLS: list[tuple[Outcome, float | None, float | None, float, str | None]] = [
    (Outcome.ANSWERED, None, 0.5, 30, "sale"),
    (Outcome.ANSWERED, None, 2.5, 30, "sale"),  # late: abandoned, though an agent came
    (Outcome.ANSWERED, 0.8, 2.5, 30, "sale"),  # in time, counted from the greeting's end
    (Outcome.ANSWERED, 0.8, 4, 30, "voicemail"),  # a machine, as the agent heard
    (Outcome.ANSWERED, None, 0.5, 30, "voicemail"),
    (Outcome.HUNG_UP_EARLY, None, None, 1, None),
    (Outcome.HUNG_UP_EARLY, None, None, 5, None),  # waited in vain
    (Outcome.ABANDONED, None, None, 1.5, None),
    (Outcome.MACHINE, None, None, 9, None),
    (Outcome.FAX, None, None, 9, None),
    (Outcome.UNKNOWN, None, None, 9, None),  # answered, and nobody knows what became of it
]


async def test_the_abandon_rate_follows_from_the_rows(api, admin, make_campaign, settle):
    codes = [{"code": "sale"}, {"code": "voicemail", "is_machine": True}]
    campaign = await make_campaign(n_contacts=len(CALLS) + 1, dispositions=codes)
    path, agent_id = f"/campaigns/{campaign['id']}", campaign["agent_ids"][0]
    await api("POST", f"{path}/play")
    at = datetime.now(UTC) - timedelta(minutes=5)
    for outcome, greeting_s, agent_s, end_s, code in CALLS:
        told = {"greeting_end_at": greeting_s, "bridged_at": agent_s, "ended_at": end_s}
        attempt_id = await settle(
            campaign["id"], outcome, then=None if code else Done("x"), agent_id=agent_id,
            answered_at=at, **{n: at + timedelta(seconds=s) for n, s in told.items() if s},
        )  # fmt: skip
        if code:
            body = {"attempt_id": attempt_id, "code": code}
            await api("POST", f"/agents/{agent_id}/disposition", json=body)
    await settle(
        campaign["id"], Outcome.HUNG_UP_EARLY, then=Done("x"), answered_at=at, message_played=True
    )
    files = await export(admin, campaign["id"])
    stats = await api("GET", f"{path}/stats")
    rows = table(files, "attempts.csv")
    assert [sum(map(is_person, rows)), sum(map(is_abandoned, filter(is_person, rows)))] == [7, 4]
    assert stats["abandon_rate"] == pytest.approx(recomputed(files)["abandon_rate"], abs=1e-6)
    so_far = stats["abandons"]["so_far"]
    assert (so_far["n_people"], so_far["n_abandoned"]) == (7, 4)


async def test_each_contact_agrees_with_its_attempts(admin, campaign_id):
    files = await export(admin, campaign_id)
    of_contact: dict[str, Counter[str]] = {}
    for row in table(files, "attempts.csv"):
        of_contact.setdefault(row["contact_id"], Counter())[row["outcome"]] += 1
        assert int(row["number"]) == of_contact[row["contact_id"]].total()
    for row in table(files, "contacts.csv"):
        assert json.loads(row["outcomes"]) == of_contact.get(row["contact_id"], {})


async def test_the_manifest_names_rows_and_digests(admin, campaign_id):
    files = await export(admin, campaign_id)
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["is_still"]
    assert manifest["sha256"] == {n: hashlib.sha256(d).hexdigest() for n, d in files.items()}
    rows = {name: len(table(files, name)) for name in files if name.endswith(".csv")}
    assert manifest["rows"] == rows
    actions = {row["action"] for row in table(files, "audit.csv")}
    assert {"create", "status", "withdraw"} <= actions
    assert b"abandon_rate" in files["how.txt"]
    assert json.loads(files["campaign.json"])["settings"]["redial"]["max_attempts"] >= 1
    assert table(files, "attempts.csv")[-1]["tech_cause"] == "'=1+1"


async def test_a_campaign_of_many_pages_is_exported_whole(api, admin, make_campaign, monkeypatch):
    monkeypatch.setattr("admin_api.export.PAGE", 2)
    campaign = await make_campaign(n_contacts=5)
    files = await export(admin, campaign["id"])
    assert [row["contact_id"] for row in table(files, "contacts.csv")] == list("12345")
    assert table(files, "attempts.csv") == []


async def test_a_campaign_that_is_not_there_has_no_export(api):
    assert (await api("GET", "/campaigns/99/export", 404))["code"] == "not_found"


async def test_a_later_record_of_an_attempt_takes_the_place_of_the_first(
    api, admin, store, make_campaign, settle
):
    campaign = await make_campaign(n_contacts=1)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    attempt_id = await settle(campaign["id"], Outcome.ANSWERED)
    (wrap,) = await store.calls.wrapping(campaign["id"])
    await store.calls.finish(campaign["id"], attempt_id, "sold", RedialAt(wrap.until), wrap.until)
    files = await export(admin, campaign["id"])
    (row,) = table(files, "attempts.csv")
    assert (row["rev"], row["disposition"], row["outcome"]) == ("1", "sold", "answered")
    assert json.loads(files["figures.json"])["dispositions"] == {"sold": 1}
