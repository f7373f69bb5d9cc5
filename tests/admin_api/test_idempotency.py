from __future__ import annotations

import asyncio

import pytest

CASES = [
    ("/campaigns", {"name": "A"}, {"name": "B"}, 201),
    ("/agents", {"name": "A", "extension": "7001"}, {"name": "A", "extension": "7002"}, 201),
    ("/dnc", {"phones": ["+12025550100"]}, {"phones": ["+12025550101"]}, 200),
]


@pytest.mark.parametrize(("path", "body", "other", "status"), CASES)
async def test_the_same_key_gives_the_same_answer(admin, path, body, other, status):
    headers = {"Idempotency-Key": "k1"}
    first = await admin.post(f"/api/v1{path}", json=body, headers=headers)
    again = await admin.post(f"/api/v1{path}", json=body, headers=headers)
    assert first.status_code == again.status_code == status
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    reused = await admin.post(f"/api/v1{path}", json=other, headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


async def test_contacts_and_clones_are_made_once(api):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    path, headers = f"/campaigns/{made['id']}", {"Idempotency-Key": "k"}
    clones = [await api("POST", f"{path}/clone", 201, headers=headers) for _ in range(2)]
    assert clones[0] == clones[1]
    headers = {"Idempotency-Key": "k2"}
    body = [{"phone": "+12025550100"}]
    answers = [await api("POST", f"{path}/contacts", json=body, headers=headers) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[1]["created"] == 1
    headers = {"Idempotency-Key": "k3", "Content-Type": "text/csv"}
    uploads = [
        await api("POST", f"{path}/contacts", 202, content=b"phone\n", headers=headers)
        for _ in range(2)
    ]
    assert uploads[0]["import_id"] == uploads[1]["import_id"]


@pytest.mark.parametrize(("path", "status"), [("/contacts", 202), ("/dnc", 200)])
async def test_another_file_under_the_same_key_is_refused(api, admin, path, status):
    made = await api("POST", "/campaigns", 201, json={"name": "A"})
    path = f"/campaigns/{made['id']}{path}" if path == "/contacts" else path
    headers = {"Idempotency-Key": "k", "Content-Type": "text/csv"}
    first = await api("POST", path, status, content=b"phone\n+12025550100\n", headers=headers)
    other = await api("POST", path, 422, content=b"phone\n+12025550101\n", headers=headers)
    assert other["code"] == "idempotency_key_reused"
    again = await admin.post(f"/api/v1{path}", content=b"phone\n+12025550100\n", headers=headers)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first, "true")


async def test_a_failed_request_may_be_repeated(api):
    headers = {"Idempotency-Key": "k"}
    body = {"name": "A", "agent_ids": [1]}
    await api("POST", "/campaigns", 422, json=body, headers=headers)
    await api("POST", "/agents", 201, json={"name": "Ann", "extension": "1"})
    await api("POST", "/campaigns", 201, json=body, headers=headers)


async def test_keys_of_different_tokens_do_not_meet(admin, client_for):
    headers = {"Idempotency-Key": "k"}
    other = await client_for("supervisor")
    first = await admin.post("/api/v1/campaigns", json={"name": "A"}, headers=headers)
    second = await other.post("/api/v1/campaigns", json={"name": "B"}, headers=headers)
    assert first.json()["id"] != second.json()["id"]


async def test_at_once_it_is_done_once(admin, api):
    requests = (
        admin.post("/api/v1/campaigns", json={"name": "A"}, headers={"Idempotency-Key": "k"})
        for _ in range(8)
    )
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len((await api("GET", "/campaigns"))["items"]) == 1


async def test_a_secret_is_not_kept_for_repetition(admin):
    headers = {"Idempotency-Key": "k"}
    first, again = [
        (await admin.post("/api/v1/tokens", json={"role": "admin"}, headers=headers)).json()
        for _ in range(2)
    ]
    assert first["token"] and again["token"] is None
    assert first["id"] == again["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a b"])
async def test_bad_keys_are_refused(api, key):
    headers = {"Idempotency-Key": key}
    await api("POST", "/campaigns", 422, json={"name": "A"}, headers=headers)
