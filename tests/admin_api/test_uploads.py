"""Calling lists as CSV: staged by the API, read by a job."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, datetime

import pytest

from admin_api import uploads
from admin_api.app import create_app
from crm.import_run import run
from engine.core.campaign import CampaignStatus

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
async def path(api):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    return f"/campaigns/{made['id']}"


async def work(store, import_id: str) -> str:
    return await run(store, import_id, lambda: True)


async def test_a_list_is_accepted_read_and_reported(api, admin, store, path):
    body = (
        '\ufeffTelephone;Name;Shoe size\r\n'
        '+12025550100;Ann;38\r\n'
        '12;=HYPERLINK("x");40\r\n'
        '+12025550100;Again;\r\n'
    ).encode()  # fmt: skip
    accepted = await api(
        "POST", f"{path}/contacts?filename=list.csv", 202, content=body, headers=CSV
    )
    assert (accepted["status"], accepted["filename"]) == ("queued", "list.csv")
    assert accepted["n_bytes"] == len(body)
    where = f"{path}/imports/{accepted['import_id']}"
    assert await api("GET", where) == accepted
    assert await work(store, accepted["import_id"]) == "done"
    done = await api("GET", where)
    assert (done["status"], done["progress"], done["error"]) == ("done", 100.0, None)
    assert (done["created"], done["rejected"], done["duplicates"]) == (1, 1, 1)
    (contact,) = (await api("GET", f"{path}/contacts"))["items"]
    assert contact["variables"] == {"shoe_size": "38"}
    report = await admin.get(f"/api/v1{where}/rejected.csv")
    assert report.headers["content-type"].startswith("text/csv")
    header, row = list(csv.reader(io.StringIO(report.text)))
    assert header == ["line", "reason", "row"]
    assert (row[0], row[2], row[4]) == ("3", "12", "40")
    assert row[3].startswith("'=HYPERLINK")


async def test_a_csv_that_windows_calls_excel_s_is_taken(api, store, path):
    headers = {"Content-Type": "application/vnd.ms-excel"}
    body = b"phone;name\r\n+12025550100;Ann\r\n"
    shown = await api("POST", f"{path}/contacts/preview", content=body, headers=headers)
    assert shown["columns"] == ["phone", "name"]
    accepted = await api("POST", f"{path}/contacts", 202, content=body, headers=headers)
    assert await work(store, accepted["import_id"]) == "done"


async def test_a_compressed_list_is_refused_clearly(api, store, path):
    packed = gzip.compress(b"phone\n+12025550100\n")
    for where in (f"{path}/contacts", f"{path}/contacts/preview", "/dnc"):
        headers = {**CSV, "Content-Encoding": "gzip"}
        problem = await api("POST", where, 415, content=packed, headers=headers)
        assert "gzip" in problem["detail"]
    accepted = await api("POST", f"{path}/contacts", 202, content=packed, headers=CSV)
    assert await work(store, accepted["import_id"]) == "failed"
    failed = await api("GET", f"{path}/imports/{accepted['import_id']}")
    assert "gzip" in failed["error"]


async def test_wrong_columns_fail_with_what_was_found_and_is_needed(api, store, path):
    body = b"first,last\nAnn,Lee\n"
    accepted = await api("POST", f"{path}/contacts", 202, content=body, headers=CSV)
    await work(store, accepted["import_id"])
    failed = await api("GET", f"{path}/imports/{accepted['import_id']}")
    assert failed["status"] == "failed"
    assert "'first', 'last'" in failed["error"]
    assert "named phone" in failed["error"]


async def test_nothing_completes_while_a_list_is_imported(api, store, path):
    await api("POST", f"{path}/contacts", 202, content=b"phone\n", headers=CSV)
    campaign = await store.campaigns.get(int(path.rsplit("/", 1)[1]))
    assert campaign.n_importing == 1


async def test_a_large_upload_is_staged_in_equal_pieces(api, admin, store, path):
    async def pieces():
        yield b"phone,name\n"
        for n in range(3000):
            yield f"+1202{2_000_000 + n},{'x' * 80}\n".encode()

    answer = await admin.post(f"/api/v1{path}/contacts", content=pieces(), headers=CSV)
    assert answer.status_code == 202
    import_id = answer.json()["import_id"]
    (staged,) = await store.imports.unfinished()
    assert staged.n_chunks == -(-staged.n_bytes // uploads.CHUNK_BYTES)
    assert await work(store, import_id) == "done"
    assert (await api("GET", f"{path}/imports/{import_id}"))["created"] == 3000


async def test_a_list_has_a_greatest_size(store, settings, client_for, app, path, admin):
    app.state.context.settings.max_upload_bytes = 1000
    answer = await admin.post(f"/api/v1{path}/contacts", content=b"x" * 1001, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert await store.imports.unfinished() == []
    assert (await store.campaigns.get(int(path.rsplit("/", 1)[1]))).n_importing == 0


async def test_an_upload_that_breaks_off_is_ended(api, app, store, path, client_for):
    """The client goes away in the middle: as the server tells it to the application."""
    campaign_id = int(path.rsplit("/", 1)[1])
    _, secret = await store.tokens.create(role="admin", now=datetime.now(UTC))
    messages = iter(
        [{"type": "http.request", "body": b"phone\n", "more_body": True},
         {"type": "http.disconnect"}]
    )  # fmt: skip
    sent: list[dict] = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": f"/api/v1{path}/contacts", "raw_path": b"", "query_string": b"", "scheme": "http",
        "headers": [
            (b"content-type", b"text/csv"), (b"authorization", f"Bearer {secret}".encode()),
        ],
        "server": ("test", 80), "client": ("test", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert await store.imports.unfinished() == []
    assert (await store.campaigns.get(campaign_id)).n_importing == 0


async def test_a_lost_queue_does_not_lose_the_list(store, settings, client_for, app, path):
    """The job's server is down: the upload is accepted, and a worker's sweep will find it."""
    lost = create_app(store, settings.model_copy(update={"rq_redis_url": "redis://127.0.0.1:1/0"}))
    app.state.context = lost.state.context
    client = await client_for("admin")
    answer = await client.post(f"/api/v1{path}/contacts", content=b"phone\n", headers=CSV)
    assert answer.status_code == 202, answer.text
    assert [one.import_id for one in await store.imports.unfinished()] == [
        answer.json()["import_id"]
    ]


async def test_a_final_campaign_takes_no_list(api, make_campaign):
    campaign = await make_campaign()
    path = f"/campaigns/{campaign['id']}"
    await api("POST", f"{path}/play")
    stopped = await api("POST", f"{path}/stop")
    assert stopped["status"] == CampaignStatus.STOPPED
    problem = await api("POST", f"{path}/contacts", 409, content=b"phone\n", headers=CSV)
    assert problem["code"] == "campaign_final"


@pytest.mark.parametrize("import_id", ["1i0", "99i0123", "x", "i", "1i"])
async def test_an_import_that_does_not_exist(api, path, import_id):
    await api("GET", f"{path}/imports/{import_id}", 404)
    await api("GET", f"{path}/imports/{import_id}/rejected.csv", 404)


# ---------------------------------------------------------------------- preview and columns


async def test_a_list_is_shown_before_it_is_sent_and_read_as_chosen(api, store, path):
    body = b"Wer;Nummer;Ort\r\nAnn;+12025550100;Bonn\r\n"
    shown = await api("POST", f"{path}/contacts/preview", content=body, headers=CSV)
    assert shown["columns"] == ["variables.wer", "phone", "variables.ort"]
    assert shown["rows"] == [{"line": 2, "cells": ["Ann", "+12025550100", "Bonn"], "problem": ""}]
    assert (await api("GET", f"{path}/contacts"))["items"] == []
    query = "columns=name,phone,-&header=true"
    accepted = await api("POST", f"{path}/contacts?{query}", 202, content=body, headers=CSV)
    assert await work(store, accepted["import_id"]) == "done"
    (contact,) = (await api("GET", f"{path}/contacts"))["items"]
    assert (contact["name"], contact["variables"]) == ("Ann", {})


@pytest.mark.parametrize("columns", ["name,-", "phone,nonsense", "phone,phone"])
async def test_columns_that_read_nothing_are_refused_before_anything_is_kept(
    api, store, path, columns
):
    refused = await api(
        "POST", f"{path}/contacts?columns={columns}", 422, content=b"a,b\n", headers=CSV
    )
    assert refused["errors"][0]["field"] == "columns"
    assert await store.imports.unfinished() == []


async def test_a_preview_refuses_what_is_no_list_and_what_is_too_large(api, path):
    where = f"{path}/contacts/preview"
    refused = await api("POST", where, 422, content=b"", headers=CSV)
    assert "empty" in refused["detail"]
    await api("POST", where, 415, content=b"{}", headers={"Content-Type": "application/json"})
    await api("POST", where, 413, content=b"x" * (1024 * 1024 + 1), headers=CSV)


async def test_each_import_is_a_list_with_a_weight(api, admin, make_campaign):
    campaign = await make_campaign(n_contacts=2)
    path = f"/campaigns/{campaign['id']}"
    text, kind = b"phone\n+12025550190\n", {"Content-Type": "text/csv"}
    await api("POST", f"{path}/contacts?filename=may.csv", 202, content=text, headers=kind)
    single, imported = (await api("GET", f"{path}/lists"))["items"]
    assert (single["list_id"], single["kind"], single["n_contacts"]) == (0, "single", 2)
    assert (imported["kind"], imported["name"], imported["weight"]) == ("import", "may.csv", 1)
    edited = await api("PATCH", f"{path}/lists/{imported['list_id']}", json={"weight": 5})
    assert edited == {**imported, "weight": 5}
    assert (await api("GET", f"{path}/lists"))["items"] == [single, edited]
    renamed = await api("PATCH", f"{path}/lists/{imported['list_id']}", json={"name": "May"})
    assert renamed == {**edited, "name": "May"}
    own = await api("PATCH", f"{path}/lists/{imported['list_id']}", json={"name": ""})
    assert own["name"] == "may.csv"
    for wrong in ({"weight": 0}, {"weight": 1001}, {}):
        await api("PATCH", f"{path}/lists/1", 422, json=wrong)
    await api("PATCH", f"{path}/lists/9", 404, json={"weight": 2})
    await api("GET", "/campaigns/99/lists", 404)
