"""Files that are dropped into a folder."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.csv_folder import CsvConfig, CsvConnector
from crm.cursor import Cursor, Position, advance, cursor_of
from crm.files import Files
from crm.port import Blocked, CallResult, Rejected

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
CALL = CallResult(
    attempt_id="1a1", external_id="1", phone="+12025550100", outcome="answered", disposition=None,
    started_at=NOW, answered_at=NOW, ended_at=NOW, talk_s=61.0, agent_id=3, campaign="A", rev=0,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.fixture
def connect(folder: Path) -> Callable[..., CsvConnector]:
    def open_(allowed: Path = folder, **more: Any) -> CsvConnector:
        config = CsvConfig.model_validate({"folder": str(folder), **more})
        return CsvConnector(config, Files((str(allowed),)))

    return open_


def drop(folder: Path, name: str, ids: range, header: str = "id,phone,name") -> None:
    rows = [f"{i},+1202555{i:04},Ann {i}" for i in ids]
    (folder / f".{name}").write_text("\n".join([header, *rows]))
    (folder / f".{name}").rename(folder / name)


async def read_all(connector: CsvConnector, since: datetime | None, limit: int) -> list[str]:
    ids, page = [], None
    for _ in range(50):
        answer = await connector.fetch(Cursor(since, page), limit)
        ids += [lead.external_id for lead in answer.leads]
        page = answer.next_page
        if page is None:
            return ids
    raise AssertionError("does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_all_rows_of_all_files(folder, connect, limit):
    drop(folder, "b.csv", range(3, 7))
    drop(folder, "a.csv", range(1, 3))
    drop(folder, "c.csv", range(0))
    (folder / "notes.txt").write_text("id\n99\n")
    (folder / ".half.csv").write_text("id\n98\n")
    connector = connect()
    assert await read_all(connector, None, limit) == list("123456")


async def test_a_poll_that_was_killed_goes_on_where_it_was(folder, connect):
    drop(folder, "a.csv", range(1, 8))
    first = await connect().fetch(Cursor(None, None), 3)
    rest = await connect().fetch(Cursor(None, first.next_page), 100)
    assert [lead.external_id for lead in rest.leads] == list("4567")


async def test_a_file_that_was_replaced_meanwhile_is_read_from_its_start(folder, connect):
    drop(folder, "a.csv", range(1, 8))
    connector = connect()
    first = await connector.fetch(Cursor(None, None), 3)
    drop(folder, "a.csv", range(20, 29))
    rest = await connector.fetch(Cursor(None, first.next_page), 100)
    assert [lead.external_id for lead in rest.leads] == [str(i) for i in range(20, 29)]


async def test_only_files_that_came_since_are_read_again(folder, connect):
    drop(folder, "a.csv", range(1, 3))
    connector = connect(overlap_s=5)
    position = Position()
    while True:
        page = await connector.fetch(cursor_of(position, 5), 100)
        position = advance(position, 5, page.server_at, page.next_page)
        if position.window is None:
            break
    later = position.high_water + timedelta(hours=1)
    assert await read_all(connector, later, 10) == []
    drop(folder, "b.csv", range(3, 5))
    os.utime(folder / "b.csv", (time.time() - 86_400,) * 2)
    assert set("34") <= set(await read_all(connector, cursor_of(position, 5).since, 10))


async def test_columns_are_mapped(folder, connect):
    text = "\ufeffID; Phone ;Full Name;opted_out;STAGE\n7;+12025550100;Ann;No;new\n8;;;yes;\n"
    (folder / "a.csv").write_text(text, encoding="utf-8")
    map_ = {"external_id": "id", "name": '"full name"', "do_not_call": "opted_out",
            "variables": {"stage": "stage"}}  # fmt: skip
    first, second = (await connect(map=map_).fetch(Cursor(None, None), 10)).leads
    assert first.contact == {
        "phone": "+12025550100", "name": "Ann", "variables": {"stage": "new"},
    }  # fmt: skip
    assert (first.do_not_call, second.do_not_call) == (False, True)


async def test_results_are_appended(folder, connect):
    connector = connect(results="results.csv")
    bad = '=cmd|" /C calc"!A0'
    await connector.push_batch([CALL, replace(CALL, attempt_id="1a2", disposition=bad)])
    await connector.push(replace(CALL, rev=1))
    with (folder / "results.csv").open(newline="") as file:
        first, second, third = csv.DictReader(file)
    assert (first["attempt_id"], first["phone"]) == ("1a1", "+12025550100")
    assert first["started_at"] == "2026-01-05T15:00:00Z"
    assert (second["disposition"], third["rev"]) == (f"'{bad}", "1")
    assert await read_all(connector, None, 10) == [], "they are not taken for leads"


async def test_what_is_no_csv_is_said(folder, connect):
    (folder / "a.csv").write_bytes(b"id,phone\n\xff\xfe,1\n")
    with pytest.raises(Rejected, match=r"a\.csv is not CSV"):
        await connect().fetch(Cursor(None, None), 10)
    with pytest.raises(Rejected, match="no folder"):
        await connect(allowed=folder.parent, folder=str(folder / "none")).check()


async def test_other_folders_are_not_read(folder, connect, tmp_path):
    with pytest.raises(Blocked, match="DIALER_FILES_ALLOW"):
        await connect(folder=str(tmp_path)).check()
    (folder / "a.csv").symlink_to("/etc/passwd")
    with pytest.raises(Blocked):
        await connect().check()
    with pytest.raises(Blocked):
        await connect(allowed=tmp_path / "x", results="r.csv").push(CALL)
