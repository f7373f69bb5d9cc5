"""The page System: what administrators save, what supervisors read, and how mistakes are told."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest


@pytest.fixture
def browser_for(app, store):
    async def make(role: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=30)
        now = datetime.now(UTC)
        user = await store.users.create(f"the {role}", role, "", actor="test", now=now)
        session, secret = await store.sessions.begin(user, now, 600)
        client.cookies.set("dialer_session", secret)
        client.headers["X-CSRF-Token"] = session.csrf
        return client

    return make


NUMBERS, COUNTRIES = "settings.owned_numbers", "settings.destinations.countries"


async def test_an_administrator_saves_it_and_a_supervisor_reads_it(browser_for, api):
    admin = await browser_for("admin")
    numbers = "+1 202 555 0199\r\n\r\n+12025550199\r\n+12025550198\r\n"
    sent = {NUMBERS: numbers, COUNTRIES: "US\r\nGB", "settings.destinations.allow_premium": "on"}
    answer = await admin.post("/system", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/system?saved=1")
    assert await api("GET", "/system") == {
        "destinations": {
            "countries": ["US", "GB"],
            "allow_premium": True,
            "allow_shared_cost": False,
            "allow_satellite": False,
        },
        "owned_numbers": ["+12025550199", "+12025550198"],
    }
    supervisor = await browser_for("supervisor")
    page = (await supervisor.get("/system")).text
    assert "+12025550199\n+12025550198</textarea>" in page
    assert "the admin" in page  # among the last changes
    assert "<fieldset disabled>" in page and ">Save<" not in page
    assert (await supervisor.post("/system", data=sent)).status_code == 403


async def test_a_mistake_is_told_beside_its_field_and_nothing_is_saved(browser_for, api):
    admin = await browser_for("admin")
    before = await api("GET", "/system")
    sent = {NUMBERS: "+12025550199\r\n<b>12</b>", COUNTRIES: "US\r\nFrance"}
    answer = await admin.post("/system", data=sent)
    assert answer.status_code == 422
    assert (
        f'id="e-f-{NUMBERS}">Line 2 (&lt;b&gt;12&lt;/b&gt;): is not a phone number' in answer.text
    )
    assert f'id="e-f-{COUNTRIES}">Line 2 (France): ' in answer.text
    assert "+12025550199\n&lt;b&gt;12&lt;/b&gt;</textarea>" in answer.text
    assert await api("GET", "/system") == before
