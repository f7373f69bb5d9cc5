"""The page without a browser: who is let in, and what cannot be forged or guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from admin_api import passwords
from admin_api.web.guard import PageRoute
from admin_api.web.pages import ROOMS
from admin_api.web.routes.sign_in import MAX_TRIES_OF_NAME
from engine.core.outcome import Outcome
from engine.core.redial import Done

PASSWORD = "correct horse battery"
#: Slow on purpose, so made once.
HASH = passwords.hash_of(PASSWORD)
IN = frozenset({200, 303, 404, 409, 422})
NO = frozenset({403})
#: Route and what administrator, supervisor and agent get; nobody: the way to the sign-in.
TABLE = [
    ("GET", "/", IN, IN, IN),
    ("GET", "/campaigns", IN, IN, NO),
    ("POST", "/campaigns", IN, IN, NO),
    ("GET", "/campaigns/new", IN, IN, NO),
    ("GET", "/campaigns/99", IN, IN, NO),
    ("POST", "/campaigns/99", IN, IN, NO),
    ("GET", "/campaigns/99/edit", IN, IN, NO),
    ("GET", "/campaigns/99/clone", IN, IN, NO),
    ("GET", "/campaigns/99/head", IN, IN, NO),
    ("GET", "/campaigns/99/hour.json", IN, IN, NO),
    ("GET", "/campaigns/99/what-if", IN, IN, NO),
    ("GET", "/campaigns/99/contacts", IN, IN, NO),
    ("GET", "/campaigns/99/contacts.csv", IN, IN, NO),
    ("GET", "/campaigns/99/contacts/1", IN, IN, NO),
    ("POST", "/campaigns/99/contacts/1/withdraw", IN, IN, NO),
    ("GET", "/campaigns/99/attempts", IN, IN, NO),
    ("GET", "/campaigns/99/attempts.csv", IN, IN, NO),
    ("GET", "/campaigns/99/history", IN, IN, NO),
    ("GET", "/campaigns/99/imports/99i1", IN, IN, NO),
    ("POST", "/campaigns/99/preview", IN, IN, NO),
    ("POST", "/campaigns/99/lists/0", IN, IN, NO),
    ("POST", "/campaigns/99/play", IN, IN, NO),
    ("GET", "/agents", IN, IN, NO),
    ("POST", "/agents", IN, IN, NO),
    ("GET", "/agents/99", IN, IN, NO),
    ("POST", "/agents/99", IN, IN, NO),
    ("POST", "/agents/99/delete", IN, IN, NO),
    ("POST", "/agents/99/login", IN, IN, NO),
    ("GET", "/dnc", IN, IN, NO),
    ("POST", "/dnc", IN, IN, NO),
    ("GET", "/dnc.csv", IN, IN, NO),
    ("POST", "/dnc/remove", IN, IN, NO),
    ("GET", "/audit", IN, IN, NO),
    ("GET", "/connectors", IN, IN, NO),
    ("POST", "/connectors", IN, NO, NO),
    ("POST", "/connectors/jobs/retry", IN, NO, NO),
    ("GET", "/connectors/99", IN, NO, NO),
    ("POST", "/connectors/99", IN, NO, NO),
    ("POST", "/connectors/99/test", IN, IN, NO),
    ("POST", "/connectors/99/poll", IN, IN, NO),
    ("POST", "/connectors/99/delete", IN, NO, NO),
    ("GET", "/webhooks", IN, NO, NO),
    ("POST", "/webhooks", IN, NO, NO),
    ("GET", "/webhooks/99", IN, NO, NO),
    ("POST", "/webhooks/99/enable", IN, NO, NO),
    ("POST", "/webhooks/99/disable", IN, NO, NO),
    ("POST", "/webhooks/99/test", IN, NO, NO),
    ("POST", "/webhooks/99/replay", IN, NO, NO),
    ("POST", "/webhooks/99/deliveries/1/replay", IN, NO, NO),
    ("POST", "/webhooks/99/delete", IN, NO, NO),
    ("GET", "/tokens", IN, NO, NO),
    ("POST", "/tokens", IN, NO, NO),
    ("POST", "/tokens/99/revoke", IN, NO, NO),
    ("GET", "/users", IN, NO, NO),
    ("POST", "/users", IN, NO, NO),
    ("POST", "/users/delete", IN, NO, NO),
    ("POST", "/users/password", IN, NO, NO),
    ("GET", "/sounds", IN, IN, NO),
    ("POST", "/sounds/upload", IN, IN, NO),
    ("POST", "/sounds/speech", IN, IN, NO),
    ("GET", "/sounds/99.wav", IN, IN, NO),
    ("POST", "/sounds/99/delete", IN, IN, NO),
    ("GET", "/system", IN, IN, NO),
    ("POST", "/system", IN, NO, NO),
    # Only people who are an agent have a desk: for others there is none.
    ("GET", "/desk", IN, IN, IN),
    ("POST", "/desk/disposition", IN, IN, IN),
    ("POST", "/desk/offer/accept", IN, IN, IN),
    ("POST", "/desk/pause", IN, IN, IN),
]
OPEN = {("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out")}


@pytest.fixture
def browser_for(app, store):
    """`await browser_for("admin")`: a client with a session and its CSRF token; None: nobody."""

    async def make(role: str | None, agent_id: int | None = None) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(transport=transport, base_url="http://test", timeout=30)
        if role is not None:
            now = datetime.now(UTC)
            user = await store.users.create(
                f"the {role}", role, HASH, agent_id=agent_id, actor="test", now=now
            )
            session, secret = await store.sessions.begin(user, now, 600)
            client.cookies.set("dialer_session", secret)
            client.headers["X-CSRF-Token"] = session.csrf
        return client

    return make


async def test_roles(browser_for, make_agent):
    agent = await make_agent()
    clients = [
        await browser_for("admin"),
        await browser_for("supervisor"),
        await browser_for("agent", agent_id=agent["id"]),
    ]
    nobody = await browser_for(None)
    for method, path, *expected in TABLE:
        for client, allowed in zip(clients, expected, strict=True):
            answer = await client.request(method, path)
            assert answer.status_code in allowed, (method, path, client.cookies, answer.text)
        answer = await nobody.request(method, path)
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"].startswith("/sign-in?")


def test_the_table_has_every_page():
    routes = [route for room in ROOMS for route in room.router.routes]
    missing = [
        (method, route.path)
        for route in routes
        for method in route.methods
        if (method, route.path) not in OPEN
        and not any(method == m and route.path_regex.match(path) for m, path, *_ in TABLE)
    ]
    assert routes and not missing
    assert all(isinstance(route, PageRoute) for route in routes)


@pytest.mark.parametrize("path", ["/campaigns", "/api/v1/campaigns"])
async def test_a_change_needs_the_session_s_own_token(browser_for, path: str):
    client = await browser_for("admin")
    for wrong in ("", "x", "é"):
        client.headers["X-CSRF-Token"] = wrong
        answer = await client.post(path, json={"name": "forged"})
        assert answer.status_code == 403
    del client.headers["X-CSRF-Token"]
    assert (await client.post(path, json={"name": "forged"})).status_code == 403
    assert (await client.get("/api/v1/campaigns")).json()["items"] == []


async def test_a_form_may_carry_the_token_in_a_field(browser_for, api):
    client = await browser_for("supervisor")
    csrf = client.headers.pop("X-CSRF-Token")
    answer = await client.post("/campaigns", data={"name": "By form", "csrf": csrf})
    assert answer.status_code == 303
    assert [c["name"] for c in (await api("GET", "/campaigns"))["items"]] == ["By form"]
    (entry,) = (await api("GET", "/audit", params={"campaign_id": 1}))["items"]
    assert entry["actor"] == "the supervisor"


async def test_every_answer_keeps_other_sites_out(browser_for):
    client = await browser_for("admin")
    for path in ("/campaigns", "/sign-in", "/static/dialer.js", "/api/v1/campaigns", "/nowhere"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"


async def test_pages_with_data_are_kept_by_nobody(browser_for):
    client = await browser_for("admin")
    assert (await client.get("/campaigns")).headers["cache-control"] == "no-store"


async def sign_in(client: httpx2.AsyncClient, name: str, password: str, **more: str):
    return await client.post("/sign-in", data={"name": name, "password": password, **more})


async def test_sign_in_gives_a_cookie_and_the_wanted_page(browser_for):
    await browser_for("admin")
    client = await browser_for(None)
    answer = await sign_in(client, "THE ADMIN", PASSWORD, next="/agents?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents?x=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    assert (await client.get("/campaigns")).status_code == 200


async def test_the_cookie_is_secure_behind_https(browser_for):
    await browser_for("admin")
    client = await browser_for(None)
    client.base_url = "https://test"
    assert "Secure" in (await sign_in(client, "the admin", PASSWORD)).headers["set-cookie"]


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil", "/a\r\nb"])
async def test_sign_in_leads_to_no_other_site(browser_for, next: str):
    await browser_for("admin")
    answer = await sign_in(await browser_for(None), "the admin", PASSWORD, next=next)
    assert answer.headers["location"] == "/campaigns"


async def test_sign_in_from_another_site_is_refused(browser_for):
    await browser_for("admin")
    client = await browser_for(None)
    client.headers["Origin"] = "https://evil.example"
    assert (await sign_in(client, "the admin", PASSWORD)).status_code == 403


async def test_guessing_is_slow_and_then_over(browser_for):
    await browser_for("admin")
    client = await browser_for(None)
    for _ in range(MAX_TRIES_OF_NAME):
        assert (await sign_in(client, "the admin", "wrong password")).status_code == 401
    answer = await sign_in(client, "the admin", PASSWORD)
    assert answer.status_code == 429 and "set-cookie" not in answer.headers
    assert (await sign_in(client, "nobody", "wrong password")).status_code == 401


async def test_an_agent_starts_at_the_desk(browser_for, make_agent):
    agent = await make_agent()
    client = await browser_for("agent", agent_id=agent["id"])
    assert (await client.get("/")).headers["location"] == "/desk"
    assert (await client.get("/api/v1/campaigns")).status_code == 403
    assert (await client.get(f"/api/v1/agents/{agent['id']}")).status_code == 200


async def test_a_page_that_lost_its_session_is_sent_to_the_sign_in_whole(browser_for):
    client = await browser_for(None)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://test/campaigns?sort=name"}
    answer = await client.get("/campaigns", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fcampaigns%3Fsort%3Dname"


async def test_the_chart_has_the_last_hour_and_no_more(
    browser_for, make_campaign, store, api, settle
):
    campaign = await make_campaign()
    await api("POST", f"/campaigns/{campaign['id']}/play")
    answered_at = datetime.now(UTC)
    await settle(campaign["id"], Outcome.ABANDONED, then=Done("x"), answered_at=answered_at)
    now_s = int(answered_at.timestamp())
    figures = {"calls": {"dialing": 1, "ringing": 2, "talking": 3}, "agents": {"on_call": 3}}
    for ago_s in (7200, 600, 0):
        at = {"at_s": now_s - ago_s}
        await store.campaigns.publish_live(campaign["id"], figures | at)
    answer = await (await browser_for("admin")).get(f"/campaigns/{campaign['id']}/hour.json")
    assert answer.json() == [[now_s - 600, now_s], [3, 3], [0, 0], [3, 3], [3, 3], [0, 1]]


async def test_names_are_text_and_no_markup(browser_for, api):
    await api("POST", "/campaigns", 201, json={"name": "<script>alert(1)</script>'\""})
    page = (await (await browser_for("admin")).get("/campaigns")).text
    assert "<script>alert" not in page and "&lt;script&gt;" in page


async def test_a_record_of_a_conversation_ends_at_the_desk(
    browser_for, api, make_campaign, settle, store
):
    from engine.core.agent import AgentState

    campaign = await make_campaign(dispositions=[{"code": "sale", "label": "Sold"}], script="Hello")
    await api("POST", f"/campaigns/{campaign['id']}/play")
    agent_id = campaign["agent_ids"][0]
    attempt_id = await settle(campaign["id"], "answered", agent_id=agent_id)
    await store.agents.set_state(
        agent_id, AgentState.WRAP_UP, datetime.now(UTC), attempt_id=attempt_id
    )
    client = await browser_for("agent", agent_id=agent_id)
    page = (await client.get("/desk")).text
    assert "Sold" in page and "Hello" in page and "+12025550100" in page
    sent = {"attempt_id": attempt_id, "code": "sale"}
    assert (await client.post("/desk/disposition", data=sent)).status_code == 200
    (attempt,) = (await api("GET", f"/campaigns/{campaign['id']}/attempts"))["items"]
    assert attempt["disposition"] == "sale"
    assert "Sold" not in (await client.get("/desk")).text


async def test_webhooks(browser_for, api, monkeypatch):
    monkeypatch.setenv("DIALER_SECRET_KEY", "a key of the tests that is long")
    ann = await browser_for("admin")
    csrf = {"csrf": ann.headers["X-CSRF-Token"]}
    body = {"name": "Books", "url": "https://books.example.com/in", **csrf}
    made = await ann.post("/webhooks", data={**body, "events": "campaign.status"})
    assert made.status_code == 200 and "whsec_" in made.text
    again = await ann.get("/webhooks")
    assert "whsec_" not in again.text and "campaign.status" in again.text
    wrong = await ann.post("/webhooks", data={**body, "url": "nothing"})
    assert wrong.status_code == 422 and "nothing" in wrong.text
    for command, target in (("test", "/webhooks/1"), ("disable", "/webhooks"),
                            ("enable", "/webhooks"), ("replay", "/webhooks/1"),
                            ("deliveries/1/replay", "/webhooks/1")):  # fmt: skip
        answer = await ann.post(f"/webhooks/1/{command}", data=csrf)
        assert (answer.status_code, answer.headers["location"]) == (303, target), command
    log = await ann.get("/webhooks/1")
    assert "msg_ping_" in log.text
    assert (await ann.post("/webhooks/1/delete", data=csrf)).status_code == 303
    assert (await api("GET", "/webhooks"))["items"] == []


async def test_jobs_that_failed_are_seen_and_tried_again_by_administrators(browser_for, app):
    connection = app.state.context.jobs.connection
    queue = Queue("imports", connection=connection, serializer=JSONSerializer)
    queue.empty()  # other tests of this server upload lists that nobody reads
    queue.enqueue("crm.jobs.run_import", "1i1", job_id="import-1i1-x")
    SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(burst=True)
    ann, sam = await browser_for("admin"), await browser_for("supervisor")
    page = (await ann.get("/connectors")).text
    assert "Reading a calling list" in page and "import-1i1-x" in page
    assert "dialer worker" in page, "the reason"
    assert "jobs that failed" not in (await sam.get("/connectors")).text
    answer = await ann.post("/connectors/jobs/retry")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connectors")
    assert queue.get_job_ids() == ["import-1i1-x"]
    assert "jobs that failed" not in (await ann.get("/connectors")).text
    queue.empty()


async def test_a_supervisor_sees_why_nothing_more_is_dialled(
    browser_for, api, make_campaign, settle, store
):
    campaign = await make_campaign(n_contacts=2)
    await api("POST", f"/campaigns/{campaign['id']}/play")
    await settle(campaign["id"], Outcome.ABANDONED, then=Done("x"))
    why = {"why": "limit_reached", "period": "block"}
    figures = {"pacing": {"mode": "predictive", "explained": why}, "idle_reasons": []}
    await store.campaigns.publish_live(campaign["id"], figures)
    stats = await api("GET", f"/campaigns/{campaign['id']}/stats")
    assert stats["pacing"]["explained"] == why
    page = (await (await browser_for("supervisor")).get(f"/campaigns/{campaign['id']}")).text
    assert "Limit reached: one call for each free agent" in page
    assert "this block of 30 days" in page and "above the limit" in page
    assert "1 of 1" in page


async def test_lists_are_named_and_weighed_on_the_edit_page(browser_for, api, make_campaign):
    campaign = await make_campaign(n_contacts=2)
    path = f"/campaigns/{campaign['id']}"
    sam = await browser_for("supervisor")
    page = (await sam.get(f"{path}/edit")).text
    assert "Added one by one" in page and 'name="weight"' in page
    answer = await sam.post(f"{path}/lists/0", data={"name": "<Fair>", "weight": "7"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/edit#lists")
    (one,) = (await api("GET", f"{path}/lists"))["items"]
    assert (one["name"], one["weight"]) == ("<Fair>", 7)
    htmx = {"HX-Request": "true"}
    answer = await sam.post(f"{path}/lists/0", data={"name": " ", "weight": "8"}, headers=htmx)
    assert "List 0 is saved" in answer.text and 'value="8"' in answer.text
    for wrong in ("0", "1001", "x", ""):
        answer = await sam.post(f"{path}/lists/0", data={"weight": wrong}, headers=htmx)
        assert answer.status_code == 422 and "Not saved: weight" in answer.text
    assert (await sam.post(f"{path}/lists/9", data={"weight": "2"})).status_code == 404
    (one,) = (await api("GET", f"{path}/lists"))["items"]
    assert (one["name"], one["weight"]) == ("", 8)
    assert "edited a list" in (await sam.get(f"{path}/history")).text


async def test_recordings_are_spoken_uploaded_heard_chosen_and_deleted(browser_for, api):
    client = await browser_for("supervisor")
    said = {"name": "Said", "text": "Hello, this is Acme."}
    assert "Said is ready" in (await client.post("/sounds/speech", data=said)).text
    (spoken,) = (await api("GET", "/sounds"))["items"]
    heard = await client.get(f"/sounds/{spoken['id']}.wav")
    assert heard.headers["content-type"] == "audio/wav" and heard.content[:4] == b"RIFF"
    file = {"file": ("a.wav", heard.content, "audio/wav")}
    page = await client.post("/sounds/upload", data={"name": "By hand"}, files=file)
    assert page.status_code == 200 and "By hand is ready" in page.text
    bad = await client.post("/sounds/upload", data={"name": "x"}, files={"file": ("a", b"text")})
    assert bad.status_code == 422 and "must be WAV" in bad.text
    assert "By hand (" in (await client.get("/campaigns/new")).text, "it can be chosen"
    gone = await client.post(f"/sounds/{spoken['id']}/delete")
    assert gone.status_code == 200 and "no recordings yet" in gone.text
