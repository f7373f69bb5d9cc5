"""An auditor gets every figure from the files alone, and the files are what they say."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
from collections import Counter
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


def recomputed(files: Files) -> dict[str, Any]:
    """As how.txt says, with nothing but the files."""
    contacts, attempts = table(files, "contacts.csv"), table(files, "attempts.csv")
    outcomes = Counter(row["outcome"] for row in attempts)
    people = sum(outcomes[name] for name in ("answered", "abandoned", "hung_up_early"))
    complete = sum(row["state"] in ("done", "withdrawn") for row in contacts)
    return {
        "n_contacts": len(contacts),
        "n_complete": complete,
        "progress": math.floor(complete * 1000 / len(contacts)) / 10 if contacts else 0,
        "attempts": len(attempts),
        "outcomes": dict(outcomes),
        "abandon_rate": outcomes["abandoned"] / people if people else 0,
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
