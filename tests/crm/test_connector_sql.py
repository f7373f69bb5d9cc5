"""Leads from a database: SQLite here, PostgreSQL beside the real Odoo."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from crm.cursor import Cursor, Position, advance, cursor_of
from crm.files import Files
from crm.outbound import Outbound
from crm.port import AuthError, Blocked, CallResult, Rejected, Transient
from crm.sql import SqlConnector
from crm.sql_spec import SqlConfig

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
CALL = CallResult(
    attempt_id="1a1", external_id="1", phone="+12025550100", outcome="answered", disposition=None,
    started_at=NOW, answered_at=NOW, ended_at=NOW, talk_s=61.0, agent_id=3, campaign="A", rev=0,
)  # fmt: skip
TABLES = """
create table leads (id integer primary key, phone text, name text, stage text, gone integer
  default 0, dnc text default 'no', changed_at text default current_timestamp);
create table calls (attempt_id text primary key, lead integer, result text, seconds real, at text);
"""
QUERY = """
select id, phone, name, stage, gone, dnc from leads
where changed_at >= :since and id > :last_id order by id limit :limit
"""
PUSH = {
    "sql": """insert into calls values (:attempt_id, :external_id, :outcome, :talk_s, :started_at)
              on conflict (attempt_id) do update set result = excluded.result""",
    "opt_out": "update leads set dnc = 'yes' where id = :external_id",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)
    return path


def run(file: Path, sql: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(file)) as database, database:
        return database.execute(sql, values).fetchall()


def add(file: Path, n: int) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        rows = [(f"+1202555{i:04}", f"Ann {i}") for i in range(100, 100 + n)]
        database.executemany("insert into leads (phone, name) values (?, ?)", rows)


@pytest.fixture
async def connect(file: Path) -> AsyncIterator[Any]:
    opened: list[SqlConnector] = []

    def open_(allowed: Path = file.parent, **more: Any) -> SqlConnector:
        config = SqlConfig.model_validate({
            "url": f"sqlite:///{file}", "query": QUERY, "since_as": "sql", "push": PUSH,
            "map": {"withdrawn": "gone", "do_not_call": "dnc", "variables": {"stage": "stage"}},
            "existing": "select id from leads where id in :ids", **more,
        })  # fmt: skip
        opened.append(SqlConnector(config, {}, Outbound(), Files((str(allowed),))))
        return opened[-1]

    yield open_
    for connector in opened:
        await connector.close()


async def read_all(connector: SqlConnector, limit: int) -> list[str]:
    ids, page = [], None
    while True:
        answer = await connector.fetch(Cursor(None, page), limit)
        ids += [lead.external_id for lead in answer.leads]
        page = answer.next_page
        if page is None:
            return ids


@pytest.mark.parametrize("n", [0, 1, 4, 5])
async def test_pages_by_id(file, connect, n):
    add(file, n)
    assert await read_all(connect(), 2) == [str(i) for i in range(1, n + 1)]


async def test_a_row_becomes_a_lead(file, connect):
    add(file, 3)
    run(file, "update leads set gone = 1, stage = 'lost' where id = 2")
    run(file, "update leads set dnc = 'yes' where id = 3")
    first, second, third = (await connect().fetch(Cursor(None, None), 10)).leads
    assert first.contact == {"phone": "+12025550100", "name": "Ann 100"}
    assert (first.withdrawn, first.do_not_call) == (False, False)
    assert (second.withdrawn, second.contact["variables"]) == (True, {"stage": "lost"})
    assert (third.withdrawn, third.do_not_call) == (False, True)


async def test_only_what_changed_since_is_read_again(file, connect):
    add(file, 3)
    connector = connect(overlap_s=5)
    page = await connector.fetch(cursor_of(Position(), 5), 10)
    position = advance(Position(), 5, page.server_at, page.next_page)
    assert abs(page.server_at - datetime.now(UTC)) < timedelta(seconds=30)
    run(file, "update leads set changed_at = datetime('now', '-1 hour') where id < 3")
    page = await connector.fetch(cursor_of(position, 5), 10)
    assert [lead.external_id for lead in page.leads] == ["3"]


async def test_calls_and_opt_outs_are_written_back_once(file, connect):
    add(file, 1)
    connector = connect()
    for outcome in ("unknown", "answered"):
        await connector.push(replace(CALL, outcome=outcome, do_not_call=True))
    told = run(file, "select * from calls")
    assert told == [("1a1", 1, "answered", 61.0, "2026-01-05 15:00:00")]
    assert run(file, "select dnc from leads") == [("yes",)]


async def test_a_known_call_is_not_written_again(file, connect):
    plain = {"sql": "insert into calls (attempt_id) values (:attempt_id)"}
    known = {**plain, "known": "select 1 from calls where attempt_id = :attempt_id"}
    assert not (await connect(push=known).push(CALL)).was_there
    assert (await connect(push=known).push(CALL)).was_there
    with pytest.raises(Rejected, match="UNIQUE"):
        await connect(push=plain).push(CALL)
    with pytest.raises(Rejected, match="no row"):
        await connect(push={"sql": "update calls set result = 'x' where lead = 9"}).push(CALL)


async def test_deleted_rows_are_found(file, connect):
    add(file, 3)
    run(file, "delete from leads where id = 2")
    assert await connect().existing(["1", "2", "3"]) == {"1", "3"}
    assert await connect(existing=None).existing(["1"]) is None


async def test_a_check_shows_rows(file, connect):
    add(file, 9)
    health = await connect().check()
    assert (health.ok, len(health.sample)) == (True, 5)


async def test_errors_are_told_apart(file, connect, tmp_path):
    with pytest.raises(Rejected, match="no such table"):
        await connect(query=QUERY.replace("from leads", "from none_such")).check()
    with pytest.raises(Rejected, match="no time"):
        await connect(clock="select 'soon'").check()
    with pytest.raises(Blocked, match="DIALER_FILES_ALLOW"):
        await connect(allowed=tmp_path / "elsewhere").check()
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.db").symlink_to(file)
    with pytest.raises(Blocked):
        await connect(allowed=tmp_path / "in", url=f"sqlite:///{tmp_path}/in/link.db").check()
    with pytest.raises(Rejected, match="unable to open"):
        await connect(url=f"sqlite:///{tmp_path}/none.db").check()
    assert not (tmp_path / "none.db").exists()
    other = {"sql": f"attach database '{tmp_path}/other.db' as other"}
    with pytest.raises(Rejected, match="not authorized"):
        await connect(push=other).push(CALL)


async def test_a_database_that_is_busy_is_tried_again(file, connect, monkeypatch):
    monkeypatch.setattr("crm.sql_engine.CONNECT_S", 0)
    with closing(sqlite3.connect(file)) as other:
        other.execute("begin exclusive")
        with pytest.raises(Transient, match="locked"):
            await connect().check()


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "localhost"])
async def test_private_servers_are_not_reached(connect, host):
    with pytest.raises(Blocked):
        await connect(url=f"postgresql+psycopg://me@{host}/crm").check()


async def test_a_socket_in_a_folder_that_is_not_allowed(connect):
    with pytest.raises(Blocked):
        await connect(url="postgresql+psycopg:///crm?host=/run/postgresql").check()
    with pytest.raises(Blocked):
        await connect(url="postgresql+psycopg://db/crm?host=127.0.0.1").check()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": "not a url"}, "is not a database URL"),
        ({"url": "postgresql+psycopg://me:secret@db/crm"}, "must not hold the password"),
        ({"url": "postgresql+psycopg://db/crm?service=x"}, "option service is not allowed"),
        ({"query": "select 1 where :since < 1 and :last_id > 1"}, "lacks :limit"),
        ({"query": f"{QUERY} offset :offset"}, ":offset is not known here"),
        ({"push": {"sql": "insert into calls values (:nothing)"}}, ":nothing is not known here"),
    ],
)
def test_a_description_says_where_it_is_wrong(values, said):
    with pytest.raises(ValidationError, match=said):
        SqlConfig.model_validate({"url": "sqlite:////x.db", "query": QUERY, **values})


# -------------------------------------------------------------------------------- PostgreSQL

LEADS = """
select id, phone, contact_name as name, active from crm_lead
where write_date >= :since and id > :last_id order by id limit :limit
"""


@pytest.fixture
async def postgres(odoo) -> AsyncIterator[Any]:
    """Odoo's own database, behind its socket."""
    opened: list[SqlConnector] = []

    def open_(**more: Any) -> SqlConnector:
        url = f"postgresql+psycopg://odoo@/{odoo.database}?host={odoo.folder}"
        config = SqlConfig.model_validate({
            "url": url, "query": LEADS, "since_as": "naive",
            "map": {"withdrawn": "active == `false`"},
            "existing": "select id from crm_lead where id in :ids", **more,
        })  # fmt: skip
        opened.append(SqlConnector(config, {}, Outbound(), Files((str(odoo.folder),))))
        return opened[-1]

    yield open_
    for connector in opened:
        await connector.close()


@pytest.mark.timeout(1800)
async def test_a_real_postgresql(odoo, odoo_client, postgres):
    leads = [{"name": f"Lead {i}", "phone": f"+1202555010{i}"} for i in range(5)]
    made = odoo_client.get_model("crm.lead").create(leads)
    connector = postgres()
    found = await read_all(connector, 2)
    assert set(map(str, made)) <= set(found) and len(found) == len(set(found))
    # Other tests of this session leave thousands in the same CRM.
    recent = Cursor(datetime.now(UTC) - timedelta(hours=1), str(made[0] - 1))
    page = await connector.fetch(recent, 500)
    assert set(map(str, made)) <= {lead.external_id for lead in page.leads}
    assert abs(page.server_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert await connector.existing([str(made[0]), "999999999"]) == {str(made[0])}
    late = datetime.now(UTC) + timedelta(hours=1)
    assert (await connector.fetch(Cursor(late, None), 500)).leads == []
    push = {"sql": "update crm_lead set description = :title where id = :external_id"}
    with pytest.raises(Rejected, match="out of range for type integer"):
        await postgres(push={"sql": push["sql"].replace(":external_id", ":phone")}).push(CALL)
    await postgres(push=push).push(replace(CALL, external_id=str(made[0])))
    told = await postgres(query=LEADS.replace("phone", "description as phone")).fetch(
        Cursor(None, str(made[0] - 1)), 1
    )
    assert told.leads[0].contact["phone"] == CALL.title
    with pytest.raises(Rejected, match="nothing"):
        await postgres(query=LEADS.replace("crm_lead", "nothing")).check()
    with pytest.raises(Transient, match="statement timeout"):
        await postgres(clock="set statement_timeout = 50; select pg_sleep(5)").check()
    with pytest.raises((AuthError, Transient)):
        await postgres(url=f"postgresql+psycopg://nobody@/none?host={odoo.folder}").check()
