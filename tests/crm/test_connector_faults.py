"""What a REST connector makes of every way in which a CRM says no, nothing, or too much."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from crm.cursor import Cursor
from crm.fake_crm import FakeCrm, Reply
from crm.http import Http
from crm.outbound import Outbound
from crm.port import (
    AuthError,
    Blocked,
    CallResult,
    CrmError,
    RateLimited,
    Rejected,
    Transient,
)
from crm.rest import RestConnector
from crm.rest_spec import RestConfig

LOCAL = Outbound(("127.0.0.1",))
ALL = Cursor(None, None)
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
THROTTLE = [
    {
        "status": 403,
        "path": "[0].errorCode",
        "equals": "REQUEST_LIMIT_EXCEEDED",
        "retry_after_s": 60,
    },
    {"status": 403, "path": "title", "equals": "blocked", "error": "blocked"},
    {"status": 503, "path": "error", "equals": "QUERY_LIMIT_EXCEEDED", "retry_after_s": 2},
    {"status": 200, "path": "error.code", "equals": "TOO_MANY", "retry_after_s": 5},
]


@pytest.fixture
async def fake() -> AsyncIterator[FakeCrm]:
    async with FakeCrm() as crm:
        yield crm


@pytest.fixture
async def connect(fake: FakeCrm):
    opened: list[RestConnector] = []

    def open_(secrets: dict[str, str] | None = None, **more: Any) -> RestConnector:
        limits = {name: more.pop(name) for name in ("timeout_s", "max_bytes") if name in more}
        config = RestConfig.model_validate(fake.description(throttle=THROTTLE, **more))
        http = Http(config.base_url, LOCAL, **limits)
        opened.append(RestConnector(config, secrets or {}, http))
        return opened[-1]

    yield open_
    for connector in opened:
        await connector.close()


def result(attempt_id: str = "1a1") -> CallResult:
    return CallResult(
        attempt_id=attempt_id, external_id="1", phone="+12025550100", outcome="answered",
        disposition=None, started_at=NOW, answered_at=NOW, ended_at=NOW, talk_s=42.0,
        agent_id=None, campaign="A", rev=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(429, {}, {"Retry-After": "7"}), 7),
        (Reply(429, {}), 30),
        (Reply(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]), 60),
        (Reply(503, {"error": "QUERY_LIMIT_EXCEEDED"}), 2),
        (Reply(200, {"error": {"code": "TOO_MANY"}}), 5),
    ],
)
async def test_five_ways_to_say_too_many_requests(fake, connect, reply, seconds):
    fake.faults.append(reply)
    with pytest.raises(RateLimited) as caught:
        await connect().fetch(ALL, 10)
    assert caught.value.retry_after_s == seconds


async def test_retry_after_may_be_an_instant(fake, connect):
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    fake.faults.append(Reply(429, {}, {"Retry-After": at}))
    with pytest.raises(RateLimited) as caught:
        await connect().fetch(ALL, 10)
    assert 30 < caught.value.retry_after_s < 90


@pytest.mark.parametrize("reply", [Reply(200, {"data": []}), Reply(204), Reply(304)])
async def test_three_ways_to_say_nothing(fake, connect, reply):
    fake.faults.append(reply)
    page = await connect().fetch(ALL, 10)
    assert (page.leads, page.next_page) == ((), None) or page.leads == []
    assert abs(page.server_at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401, {}), AuthError),
        (Reply(403, {"title": "no"}), AuthError),
        (Reply(403, {"title": "blocked"}), Blocked),
        (Reply(500, {}), Transient),
        (Reply(503, {"error": "other"}), Transient),
        (Reply(408, {}), Transient),
        (Reply(400, {"message": "no such field"}), Rejected),
        (Reply(302, {}, {"Location": "http://127.0.0.1/"}), Rejected),
        (Reply(200, b"<html>"), Transient),
        (Reply(200, {"data": {"id": 1}}), Rejected),
        (Reply(200, {"data": [{"phone": "1"}]}), Rejected),
    ],
)
async def test_other_answers(fake, connect, reply, error):
    fake.faults.append(reply)
    with pytest.raises(error):
        await connect().fetch(ALL, 10)


async def test_a_slow_answer_is_no_answer(fake, connect):
    fake.faults.append(Reply(200, None, drips=200))
    with pytest.raises(Transient, match="within"):
        await connect(timeout_s=0.5).fetch(ALL, 10)


async def test_an_endless_answer_is_not_read(fake, connect):
    fake.faults.append(Reply(200, None, swells=50_000_000))
    with pytest.raises(Rejected, match="larger"):
        await connect(max_bytes=1_000_000).fetch(ALL, 10)


async def test_a_server_that_is_gone(fake, connect):
    connector = connect()
    await fake.__aexit__()
    with pytest.raises(Transient):
        await connector.fetch(ALL, 10)


# ------------------------------------------------------------------------------------ auth

OAUTH = {"kind": "oauth2_refresh", "client_id": "me"}
SECRETS = {"client_secret": "s", "refresh_token": "r0"}


async def test_a_token_that_ended_is_renewed_once(fake, connect):
    fake.needs_token = True
    fake.add(3)
    connector = connect(SECRETS, auth={**OAUTH, "token_url": f"{fake.url}/token"})
    assert len((await connector.fetch(ALL, 10)).leads) == 3
    assert len((await connector.fetch(ALL, 10)).leads) == 3
    assert fake.n_tokens == 1
    fake.n_tokens += 1
    assert len((await connector.fetch(ALL, 10)).leads) == 3
    forms = [asked.body.decode() for asked in fake.asked if asked.path == "/token"]
    assert ["r0" in forms[0], "r1" in forms[1]] == [True, True], "the new one took its place"


async def test_expired_credentials_are_said_to_be_so(fake, connect):
    fake.needs_token = fake.token_refused = True
    with pytest.raises(AuthError, match="credentials"):
        await connect(SECRETS, auth={**OAUTH, "token_url": f"{fake.url}/token"}).fetch(ALL, 10)


@pytest.mark.parametrize(
    ("auth", "name", "expected"),
    [
        ({"kind": "basic", "username": "u"}, "authorization", "Basic dTpz"),
        ({"kind": "bearer"}, "authorization", "Bearer s"),
        ({"kind": "header", "name": "X-Api-Key", "prefix": "k "}, "x-api-key", "k s"),
    ],
)
async def test_fixed_credentials(fake, connect, auth, name, expected):
    await connect({"password": "s", "token": "s"}, auth=auth).fetch(ALL, 10)
    assert fake.asked[-1].headers[name] == expected


async def test_a_token_in_the_address(fake, connect):
    await connect({"token": "s&"}, auth={"kind": "query", "name": "key"}).fetch(ALL, 10)
    assert fake.asked[-1].query["key"] == "s&"


async def test_a_session_by_a_login(fake, connect):
    auth = {"kind": "login_session", "path": "/token", "body": {"pass": "{password}"},
            "token": "access_token", "prefix": "Bearer "}  # fmt: skip
    fake.needs_token = True
    await connect({"password": "s"}, auth=auth).fetch(ALL, 10)
    assert fake.asked[0].json() == {"pass": "s"}


# ---------------------------------------------------------------------------------- paging


async def read_all(connector: RestConnector, limit: int = 2) -> list[str]:
    ids, page = [], None
    for _ in range(20):
        answer = await connector.fetch(Cursor(None, page), limit)
        ids += [lead.external_id for lead in answer.leads]
        page = answer.next_page
        if page is None:
            return ids
    raise AssertionError("does not end")


def listing(fake: FakeCrm, **paging: Any) -> dict[str, Any]:
    base = fake.description()["list"]
    return {**base, "paging": paging, "params": {"page": "{page}", "limit": "{limit}"}}


@pytest.mark.parametrize("n", [0, 1, 2, 5, 6])
async def test_pages_by_id(fake, connect, n):
    fake.add(n)
    assert await read_all(connect()) == [str(i) for i in range(1, n + 1)]


@pytest.mark.parametrize("kind", ["page", "offset"])
async def test_pages_by_number(fake, connect, kind):
    rows = [{"id": i, "phone": "1"} for i in range(5)]

    def answer(asked):
        at = int(asked.query["page"])
        start = (at - 1) * 2 if kind == "page" else at
        return Reply(200, {"data": rows[start : start + 2]})

    fake.listing = answer
    assert await read_all(connect(list=listing(fake, kind=kind))) == list("01234")


async def test_pages_by_cursor(fake, connect):
    pages = {None: ("1", "b"), "b": ("2", "c"), "c": ("3", None)}

    def answer(asked):
        id_, after = pages[asked.query.get("page")]
        return Reply(200, {"data": [{"id": id_}], "after": after})

    fake.listing = answer
    assert await read_all(connect(list=listing(fake, kind="cursor", next="after"))) == list("123")


async def test_pages_by_address_stay_on_the_server(fake, connect):
    def answer(asked):
        at = int(asked.query.get("n", 1))
        next_ = f"{fake.url}/leads?n={at + 1}" if at < 3 else None
        return Reply(200, {"data": [{"id": at}], "next": next_}, {
            "Link": f'<{next_}>; rel="next"' if next_ else "",
        })  # fmt: skip

    fake.listing = answer
    assert await read_all(connect(list=listing(fake, kind="next_url", next="next"))) == list("123")
    assert await read_all(connect(list=listing(fake, kind="link_header"))) == list("123")
    fake.listing = lambda asked: Reply(200, {"data": [], "next": "http://example.com/"})
    with pytest.raises(Blocked):
        await read_all(connect(list=listing(fake, kind="next_url", next="next")))


# ------------------------------------------------------------------------------ write-back


async def test_a_call_is_written_once(fake, connect):
    connector = connect()
    assert (await connector.push(result())).external_id == "1"
    assert (await connector.push(result())).was_there
    assert fake.calls == [{"lead": 1, "uniq": "1a1", "result": "answered", "seconds": 42}]


async def test_a_partial_success_is_looked_into(fake, connect):
    push = {**fake.description()["push"], "failed": "data[?status=='error'].message | [0]"}
    fake.faults.append(Reply(207, {"data": [{"status": "error", "message": "no such lead"}]}))
    with pytest.raises(Rejected, match="no such lead"):
        await connect(push=push).push(result())


# ------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:1", ()),
        ("https://[::1]:1", ()),
        ("https://10.1.2.3", ()),
        ("https://169.254.169.254", ()),
        ("https://[::ffff:127.0.0.1]:1", ()),
        ("https://localhost:1", ("10.0.0.0/8",)),
        ("http://192.0.0.8", ()),
        ("http://1.1.1.1", ()),
    ],
)
async def test_private_and_plain_addresses_are_not_reached(url, allowed):
    http = Http(url, Outbound(allowed), timeout_s=5)
    with pytest.raises(Blocked):
        await http.send("GET", url)
    await http.close()


async def test_a_named_network_is_reached(fake):
    http = Http(fake.url, Outbound(("127.0.0.0/8",)))
    assert (await http.send("GET", f"{fake.url}/leads?limit=1")).status == 200
    await http.close()


def test_every_error_has_a_code():
    codes = {error.code for error in (AuthError, RateLimited, Transient, Rejected, Blocked)}
    assert len(codes) == 5 and CrmError.code not in codes
