"""The edit page: its checks, its warnings, and two people at once."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(open_as, save):
    page = open_as("sam", "/campaigns/new")
    page.get_by_label("Ring at most").fill("4000")
    page.get_by_label("Caller ids").fill("12")
    page.get_by_label("From", exact=True).fill("22:00")
    page.locator("[data-add-line='f-settings.dispositions']").click()
    page.get_by_label("Code", exact=True).fill("bad code!")
    save(page)
    for field in ("name", "settings.dialing.ring_timeout_s", "settings.dialing.caller_ids"):
        expect(page.get_by_role("alert").locator(f"a[href='#f-{field}']")).to_be_visible()
    ring = page.get_by_label("Ring at most")
    expect(ring).to_have_value("4000")
    expect(ring).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[id='e-f-settings.dialing.ring_timeout_s']")).to_contain_text("120")
    expect(page.get_by_label("Code", exact=True)).to_have_value("bad code!")
    expect(page.locator("[id='e-f-settings.dispositions.0.code']")).to_be_visible()
    expect(page.get_by_label("From", exact=True)).to_have_value("22:00")


def test_every_kind_of_setting_is_saved(open_as, api, make_campaign, save):
    campaign = make_campaign("kinds")
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    page.get_by_label("Mode", exact=True).select_option("power")
    page.get_by_label("Dial level").fill("1.5")
    page.get_by_label("Caller ids").fill("+12025550100\n+12025550101")
    page.get_by_label("Play ringing while waiting").check()
    page.get_by_label("sun", exact=True).uncheck()
    page.get_by_label("Times at most (Busy)").fill("7")
    page.locator("[data-add-line='f-settings.dispositions']").click()
    page.get_by_label("Code", exact=True).fill("sale")
    page.get_by_label("Then", exact=True).select_option("done")
    page.locator("[data-add-line='f-settings.hours.windows']").click()
    page.get_by_role("button", name="Remove this line").nth(1).click()
    page.locator("[data-add-line='f-settings.hours.regions']").click()
    regions = page.locator("[id='f-settings.hours.regions']")
    regions.get_by_label("Region").fill("US-FL")
    regions.get_by_label("sun").uncheck()
    regions.get_by_label("From").fill("09:00")
    page.get_by_label("Script").fill("Hello,\nis it you?")
    save(page)
    expect(page.get_by_text("Saved.")).to_be_visible()
    saved = api("GET", f"/campaigns/{campaign['id']}")["settings"]
    assert saved["pacing"]["mode"] == "power" and saved["pacing"]["dial_level"] == 1.5
    assert saved["dialing"]["caller_ids"] == ["+12025550100", "+12025550101"]
    assert saved["dialing"]["ringback"] is True
    assert [window["days"] for window in saved["hours"]["windows"]] == [
        ["mon", "tue", "wed", "thu", "fri", "sat"]
    ]
    (florida,) = saved["hours"]["regions"]["US-FL"]["windows"]
    assert (florida["days"][-1], florida["start"], florida["end"]) == ("sat", "09:00", "21:00")
    assert saved["redial"]["rules"]["busy"]["max"] == 7
    assert "answered" not in saved["redial"]["rules"]
    assert saved["dispositions"][0]["code"] == "sale"
    assert saved["script"] == "Hello,\nis it you?"


def test_saving_what_was_not_changed_changes_nothing(open_as, api, make_campaign, save):
    campaign = make_campaign("same")
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    save(page)
    after = api("GET", f"/campaigns/{campaign['id']}")
    assert after["settings"] == campaign["settings"]
    assert after["agent_ids"] == campaign["agent_ids"]


def test_two_browsers_edit_one_campaign(open_as, api, make_campaign, save):
    campaign = make_campaign("shared")
    path = f"/campaigns/{campaign['id']}/edit"
    ann, sam = open_as("ann", path), open_as("sam", path)
    _set_wrap_up(ann, "21")
    save(ann)
    _set_wrap_up(sam, "42")
    save(sam)
    conflict = sam.get_by_role("alert")
    expect(conflict).to_contain_text("Somebody else saved this campaign")
    row = conflict.get_by_role("row").filter(has_text="Wrap-up")
    expect(row.get_by_role("cell")).to_have_text(["42", "21"])
    assert api("GET", f"/campaigns/{campaign['id']}")["settings"]["wrap_up_s"] == 21
    expect(sam.get_by_label("Wrap-up")).to_have_value("42")
    save(sam)
    expect(sam.get_by_text("Saved.")).to_be_visible()
    assert api("GET", f"/campaigns/{campaign['id']}")["settings"]["wrap_up_s"] == 42


def _set_wrap_up(page: Page, seconds: str) -> None:
    page.get_by_label("Wrap-up").fill(seconds)


def test_what_play_needs_is_listed_on_top_and_beside_the_fields(open_as, api):
    campaign = api("POST", "/campaigns", json={"name": "empty"})
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    expect(page.locator("#missing li")).to_have_count(4)
    expect(page.locator(".needed")).to_have_count(3)
    page.get_by_role("link", name="Choose the trunk").click()
    expect(page.get_by_label("Trunk", exact=True)).to_be_focused()


def test_a_final_campaign_can_only_be_read(open_as, api, make_campaign):
    campaign = make_campaign("over")
    api("POST", f"/campaigns/{campaign['id']}/play")
    api("POST", f"/campaigns/{campaign['id']}/stop")
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    expect(page.get_by_label("Name", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("link", name="Clone it").click()
    expect(page.get_by_role("button", name="Save")).to_be_visible()


def test_a_clone_is_nothing_before_save(open_as, api, make_campaign, save, follow):
    campaign = make_campaign("origin", wrap_up_s=33)
    n_before = len(api("GET", "/campaigns", params={"name": "origin"})["items"])
    page = open_as("sam", "/campaigns?name=origin")
    follow(page, "Clone origin")
    expect(page.get_by_label("Wrap-up")).to_have_value("33")
    follow(page, "Cancel")
    assert len(api("GET", "/campaigns", params={"name": "origin"})["items"]) == n_before
    page.goto(f"/campaigns/{campaign['id']}/clone")
    save(page)
    expect(page).to_have_url(re.compile(r"/campaigns/\d+/edit\?saved=1"))
    clone = api("GET", "/campaigns", params={"name": "origin (copy)"})["items"][0]
    assert clone["settings"] == campaign["settings"] and clone["n_contacts"] == 0


def test_a_preset_fills_the_rules_and_leaves_the_rest(open_as, api, make_campaign, save):
    campaign = make_campaign("lawful")
    preset = next(p for p in api("GET", "/presets")["items"] if p["settings"].get("hours"))
    page = open_as("sam", f"/campaigns/{campaign['id']}/edit")
    page.get_by_label("Rules of law").select_option(preset["name"])
    page.get_by_label("Wrap-up").fill("17")
    save(page)
    saved = api("GET", f"/campaigns/{campaign['id']}")["settings"]
    assert saved["preset"] == preset["name"] and saved["wrap_up_s"] == 17
    assert saved["dialing"]["trunk"] == "carrier"
    for name, value in preset["settings"]["hours"].items():
        assert saved["hours"][name] == value or name == "windows"
    assert saved["hours"]["windows"] != campaign["settings"]["hours"]["windows"]
