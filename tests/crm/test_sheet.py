"""Spreadsheets and do-not-call lists on the way of an import into a real store."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import openpyxl
import pytest

from crm.import_run import run
from crm.imports import BadFile
from crm.preview import preview_of
from crm.sheet import rows_of
from engine.core.settings import CampaignSettings
from engine.store import RedisStore

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


def book(*rows: list[object]) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    made.close()
    return out.getvalue()


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The spreadsheet with one of its parts, which `name` ends, changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            part = old.read(entry)
            if entry.endswith(name):
                assert change(part) != part
                part = change(part)
            new.writestr(entry, part)
    return out.getvalue()


GOOD = book(["phone", "name"], [12025550100, "Ann"], [12025550101, "Bea"])


async def imported(store: RedisStore, data: bytes, campaign_id: int, n_goes: int = 10**9):
    """Counts of the import, which is interrupted after each `n_goes` commits."""
    import_id = await store.imports.create(campaign_id, filename="x", now=NOW)
    for start in range(0, len(data), 4096):
        await store.imports.append(import_id, data[start : start + 4096], NOW)
    await store.imports.seal(import_id, NOW)
    ended = "interrupted"
    while ended == "interrupted":
        n_left = n_goes

        def may_go_on() -> bool:
            nonlocal n_left
            n_left -= 1
            return n_left >= 0

        ended = await run(store, import_id, may_go_on)
    found = await store.imports.get(campaign_id, import_id)
    rejected = [row async for row in store.imports.rejected(import_id)]
    return ended, (found.created, found.rejected, found.duplicates), rejected


@pytest.fixture
async def campaign_id(store: RedisStore) -> int:
    return (await store.campaigns.create("A", CampaignSettings(), [], "t", NOW)).id


def test_cells_are_texts_as_people_see_them() -> None:
    data = book(["phone", "n", "when", None], [12025550100, 2.5, datetime(2026, 1, 5), True], [])
    assert list(rows_of(data)) == [
        (1, ["phone", "n", "when", ""]),
        (2, ["12025550100", "2.5", "2026-01-05T00:00:00", "true"]),
    ]


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 9999])
def test_what_is_no_spreadsheet_is_refused(data: bytes) -> None:
    with pytest.raises(BadFile):
        list(rows_of(data))


@pytest.mark.parametrize("area", [b"A1", b"A1:A1", b"A1:XFD1048576", b"B2:C2"])
async def test_an_area_that_a_program_wrote_wrongly_hides_no_row(store, campaign_id, area) -> None:
    wrong = changed(GOOD, "sheet1.xml", lambda part: part.replace(b"A1:B3", area))
    assert (await imported(store, wrong, campaign_id))[1] == (2, 0, 0)


def test_cells_beyond_the_first_row_are_columns_too() -> None:
    rows = list(rows_of(book(["phone"], [12025550100, None, "x"], [None] * 400 + ["y"])))
    assert [len(cells) for _, cells in rows] == [100, 3, 401]


DAMAGES = {
    "cut sheet": ("sheet1.xml", lambda part: part[: len(part) // 2]),
    "cut book": ("workbook.xml", lambda part: part[: len(part) // 2]),
    "no such text": ("sheet1.xml", lambda part: part.replace(b'"n"><v>12025550101', b'"s"><v>999')),
    "no number": ("sheet1.xml", lambda part: part.replace(b"12025550101", b"abc")),
    "far row": ("sheet1.xml", lambda part: part.replace(b'r="3"', b'r="99999999999"')),
    "no sheet": ("workbook.xml", lambda part: re.sub(rb"<sheets>.*</sheets>", b"", part)),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_spreadsheet_ends_with_a_reason(store, campaign_id, damage) -> None:
    bad = changed(GOOD, *DAMAGES[damage])
    assert (await imported(store, bad, campaign_id))[0] == "failed"
    assert (await store.campaigns.get(campaign_id)).n_importing == 0
    with pytest.raises(BadFile, match="spreadsheet"):
        preview_of(bad, CampaignSettings(), None)


@pytest.mark.parametrize("n_goes", [1, 10**9], ids=["interrupted after each commit", "at once"])
async def test_a_spreadsheet_is_imported_once(store, campaign_id, n_goes) -> None:
    rows = [[f"+1202555{i:04}", f"Person {i}"] for i in range(1200)]
    data = book(["phone", "name"], *rows, ["12", "x"], rows[0])
    ended, counts, rejected = await imported(store, data, campaign_id, n_goes)
    assert (ended, counts) == ("done", (1200, 1, 1))
    assert [row.line for row in rejected] == [1202]
    assert (await imported(store, data, campaign_id))[1] == (0, 1, 1201)
    contact = await store.contacts.get(campaign_id, 1200)
    assert (contact.phone, contact.name) == ("+12025551199", "Person 1199")


async def test_the_progress_of_a_spreadsheet_moves(store, campaign_id, monkeypatch) -> None:
    commit, seen = store.imports.commit, []

    async def watched(import_id, **position):
        await commit(import_id, **position)
        found = await store.imports.get(campaign_id, import_id)
        seen.append(round(found.bytes_done / found.n_bytes, 2))

    monkeypatch.setattr(store.imports, "commit", watched)
    rows = [[f"+1202555{i:04}"] for i in range(1200)]
    await imported(store, book(["phone"], *rows), campaign_id)
    assert seen == [0.42, 0.83, 0.99]


async def test_a_broken_spreadsheet_fails_with_its_reason(store, campaign_id) -> None:
    assert (await imported(store, b"PK\x03\x04xxxx", campaign_id))[0] == "failed"


async def test_numbers_on_a_list_are_not_taken(store, campaign_id) -> None:
    await store.dnc.add("+12025550101", source="x", actor="t", now=NOW, scope=f"c{campaign_id}")
    await store.dnc.add_prefix("+1305", source="x", actor="t", now=NOW)
    data = b"phone\n+12025550100\n+12025550101\n+13055550123\n"
    ended, counts, rejected = await imported(store, data, campaign_id)
    assert (ended, counts) == ("done", (1, 2, 0))
    assert [(row.line, "do-not-call" in row.reason) for row in rejected] == [(3, True), (4, True)]
