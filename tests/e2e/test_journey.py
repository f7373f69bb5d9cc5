"""From a CSV file to a clone, on a real Asterisk, with nothing but the browser."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from cli.demo_contacts import as_csv, demo_contacts

N_CONTACTS = 30


def test_a_campaign_from_its_list_to_its_clone(open_as, follow, save, tmp_path: Path, stack):
    page = open_as("ann")
    follow(page, "New campaign")
    page.get_by_label("Name", exact=True).fill("Journey")
    for agent in stack.rig.extensions:
        page.get_by_label(f"Agent {agent}").check()
    page.get_by_label("Trunk", exact=True).select_option("carrier")
    page.get_by_label("Caller ids").fill("+12025550100")
    page.get_by_label("Ring at most").fill("5")
    page.get_by_label("Wrap-up").fill("1")
    page.get_by_label("From", exact=True).fill("00:00")
    page.get_by_label("To", exact=True).fill("24:00")
    save(page)
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("Add at least one contact")).to_be_visible()
    expect(page.get_by_role("button", name="Play Journey")).to_be_disabled()

    listed = tmp_path / "list.csv"
    listed.write_text(as_csv(demo_contacts(N_CONTACTS)) + "no number\n")
    page.get_by_label("Add a CSV or XLSX file").set_input_files(listed)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("is in.")).to_be_visible()
    expect(page.locator("dl.result dd")).to_have_text([str(N_CONTACTS), "0", "1"])
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected rows").click()
    assert "no number" in Path(download.value.path()).read_text()

    follow(page, "Campaigns")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Journey", exact=True))
    row.get_by_role("button", name="Play").click()
    expect(row.locator(".status")).to_have_text("Active")
    percent = row.locator(".progress span")
    expect(percent).not_to_have_text("0.0 %", timeout=40_000)
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused: by hand")

    follow(page, "Journey")
    page.get_by_label("Ring at most").fill("6")
    save(page)
    expect(page.get_by_text("takes effect with its next decision")).to_be_visible()
    page.get_by_role("button", name="Play Journey").click()
    expect(page.locator("#head .status")).to_have_text("Active")
    page.get_by_label("Ring at most").fill("7")
    save(page)
    expect(page.get_by_text("The campaign is active")).to_be_visible()

    follow(page, "Live figures")
    expect(page.locator("#figures")).to_contain_text("Answered", timeout=40_000)
    expect(page.locator("#chart canvas")).to_be_visible()
    follow(page, "Attempts")
    expect(page.get_by_role("row").nth(1)).to_contain_text("+12025550100")
    follow(page, "History")
    expect(page.get_by_role("table")).to_contain_text("ann")

    page.get_by_role("button", name="Stop Journey").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#head .status")).to_have_text("Active")
    page.get_by_role("button", name="Stop Journey").click()
    page.get_by_role("button", name="Yes, go on").click()
    expect(page.locator("#head .status")).to_have_text("Stopped")
    for command in ("Play", "Pause", "Stop"):
        expect(page.get_by_role("button", name=f"{command} Journey")).to_be_disabled()

    follow(page, "Campaigns")
    follow(page, "Clone Journey")
    expect(page.get_by_text("Nothing is saved until")).to_be_visible()
    expect(page.get_by_label("Ring at most")).to_have_value("7")
    page.get_by_label("Name", exact=True).fill("Journey again")
    save(page)
    expect(page).to_have_url(re.compile(r"/campaigns/\d+/edit\?saved=1"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Journey again")
    expect(page.get_by_text("0 contacts.")).to_be_visible()
