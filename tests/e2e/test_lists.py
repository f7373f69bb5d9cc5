"""Calling lists on the edit page: first rows, columns, progress, result."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
from playwright.sync_api import expect

GERMAN = "Wer;Anschluss;Ort;Zweiter\r\nAnn;+12025550141;Bonn;\r\nBob;12;Ulm;\r\n"


def test_columns_are_shown_chosen_and_obeyed(open_as, api, make_campaign, violations, tmp_path):
    campaign = make_campaign("columns", n_contacts=0)
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    listed = tmp_path / "liste.csv"
    listed.write_bytes(GERMAN.encode("cp1252"))
    page.get_by_label("Add a CSV or XLSX file").set_input_files(listed)
    upload = page.get_by_role("button", name="Upload")
    # No header says so, but below it are numbers.
    first_rows = page.locator("#preview")
    expect(first_rows.get_by_label("Wer")).to_have_value("variables.wer")
    first_rows.get_by_label("Anschluss").select_option("Leave out")
    expect(page.get_by_text("Choose the column that has the phone numbers.")).to_be_visible()
    expect(upload).to_be_disabled()
    first_rows.get_by_label("Anschluss").focus()
    first_rows.get_by_label("Anschluss").select_option("Phone")
    expect(page.get_by_role("cell", name="Rejected")).to_be_visible()
    expect(page.get_by_role("cell", name="Good")).to_have_count(1)
    expect(first_rows.get_by_label("Anschluss")).to_be_focused()
    first_rows.get_by_label("Wer").select_option("Name")
    first_rows.get_by_label("Zweiter").select_option("Leave out")
    assert violations(page) == []
    upload.click()
    expect(page.get_by_text("is in.")).to_be_visible()
    expect(page.locator("dl.result dd")).to_have_text(["1", "0", "1"])
    (contact,) = api("GET", f"/campaigns/{campaign['id']}/contacts")["items"]
    assert (contact["name"], contact["variables"]) == ("Ann", {"ort": "Bonn"})
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the list").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert [(row["phone"], row["name"]) for row in rows] == [("+12025550141", "Ann")]


def test_a_spreadsheet_is_taken_as_it_is(open_as, api, make_campaign, tmp_path):
    campaign = make_campaign("sheet", n_contacts=0)
    book = openpyxl.Workbook()
    book.active.append(["Phone", "Name"])
    book.active.append([12025550142, "Eve"])
    book.save(tmp_path / "list.xlsx")
    book.close()
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    page.get_by_label("Add a CSV or XLSX file").set_input_files(tmp_path / "list.xlsx")
    expect(page.get_by_label("Phone", exact=True)).to_have_value("phone")
    expect(page.get_by_role("cell", name="Good")).to_be_visible()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("is in.")).to_be_visible()
    (contact,) = api("GET", f"/campaigns/{campaign['id']}/contacts")["items"]
    assert (contact["phone"], contact["name"]) == ("+12025550142", "Eve")


def test_a_file_that_is_no_list_says_so_before_it_is_sent(open_as, make_campaign, tmp_path):
    campaign = make_campaign("no list", n_contacts=0)
    (tmp_path / "empty.csv").write_text("\n\n")
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    page.get_by_label("Add a CSV or XLSX file").set_input_files(tmp_path / "empty.csv")
    expect(page.get_by_role("alert")).to_have_text("The file is empty.")
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()


def test_lists_are_named_and_weighed_in_place(open_as, api, make_campaign, violations):
    campaign = make_campaign("weights", n_contacts=1)
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    lists = page.locator("#lists")
    lists.get_by_label("Name of Added one by one").fill("Trade fair")
    lists.get_by_label("Weight of Added one by one").fill("3")
    lists.get_by_role("button", name="Save Added one by one").click()
    expect(lists.get_by_text("List Trade fair is saved")).to_be_visible()
    expect(lists.get_by_label("Weight of Trade fair")).to_have_value("3")
    assert violations(page) == []
    (one,) = api("GET", f"/campaigns/{campaign['id']}/lists")["items"]
    assert (one["name"], one["weight"]) == ("Trade fair", 3)
