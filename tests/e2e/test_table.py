"""The table of campaigns: orders, search, controls, and rows that change by themselves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

COLUMNS = [
    "Created on", "ID", "Name", "Contacts", "Agents", "Progress", "Status", "Controls",
    "Clone campaign",
]  # fmt: skip


def names(page: Page) -> list[str]:
    return page.locator("tbody th a").all_inner_texts()


def test_the_columns_are_those_of_the_document(open_as):
    page = open_as("sam")
    heads = page.locator("thead th").all_inner_texts()
    assert [re.sub(r"\s*[▲▼↕]", "", head).strip() for head in heads] == COLUMNS


def test_a_click_sorts_and_the_next_one_reverses(open_as, make_campaign):
    for name in ("sort b", "sort a", "sort C"):
        make_campaign(name)
    page = open_as("sam", "/campaigns?name=sort")
    assert names(page) == ["sort C", "sort a", "sort b"]  # the newest first
    for column, key, order in (
        ("Name", "name", ["sort a", "sort b", "sort C"]),
        ("Name", "-name", ["sort C", "sort b", "sort a"]),
        ("Created on", "-created_at", ["sort C", "sort a", "sort b"]),
        ("Created on", "created_at", ["sort b", "sort a", "sort C"]),
    ):
        page.get_by_role("link", name=column).click()
        expect(page).to_have_url(re.compile(rf"sort={key}(&|$)"))
        expect(page.locator("tbody th a")).to_have_text(order)
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Created on")
    page.reload()
    assert names(page) == ["sort b", "sort a", "sort C"]
    page.go_back()
    expect(page.locator("tbody th a")).to_have_text(["sort C", "sort a", "sort b"])


def test_status_sorts_in_lifecycle_order(open_as, api, make_campaign):
    ids = [make_campaign(f"life {n}")["id"] for n in range(3)]
    api("POST", f"/campaigns/{ids[0]}/play")
    api("POST", f"/campaigns/{ids[0]}/stop")
    api("POST", f"/campaigns/{ids[1]}/play")
    api("POST", f"/campaigns/{ids[1]}/pause")
    page = open_as("sam", "/campaigns?name=life")
    page.get_by_role("link", name="Status").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Status")
    expect(page.locator("tbody .status")).to_have_text(["Draft", "Paused", "Stopped"])
    page.get_by_role("link", name="Status").click()
    expect(page.locator("tbody .status")).to_have_text(["Stopped", "Paused", "Draft"])


def test_search_and_filter_keep_the_order(open_as, make_campaign):
    make_campaign("needle one")
    make_campaign("needle two")
    page = open_as("sam", "/campaigns?sort=name")
    page.get_by_label("Search by name").press_sequentially("NEEDLE")
    expect(page.locator("tbody th a")).to_have_text(["needle one", "needle two"])
    expect(page).to_have_url(re.compile("sort=name"))
    page.get_by_label("Status").select_option("completed")
    expect(page.get_by_text("No campaign is like this.")).to_be_visible()


def test_pages_follow_one_another(open_as, make_campaign):
    for n in range(51):
        make_campaign(f"paged {n:02}", n_contacts=0, agent_ids=())
    page = open_as("sam", "/campaigns?name=paged&sort=name")
    assert len(names(page)) == 50
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("tbody th a")).to_have_text(["paged 50"])
    page.get_by_role("link", name="First page").click()
    expect(page.locator("tbody th a").first).to_have_text("paged 00")


def test_a_live_campaign_has_endless_contacts(open_as, make_campaign):
    campaign = make_campaign("endless", list={"method": "api", "live": True})
    page = open_as("sam", "/campaigns?name=endless")
    row = page.locator(f"#campaign-{campaign['id']}")
    expect(row.locator("td").nth(2)).to_have_text("∞")
    expect(row.get_by_role("img")).to_have_accessible_name(re.compile("Live"))


def test_a_live_campaign_says_why_it_paused_itself(open_as, api, make_campaign):
    """An agent that nobody logged in: the engine pauses it, and the row says so by itself."""
    agent = api("POST", "/agents", json={"name": "Away", "extension": "7777"})
    campaign = make_campaign(
        "asleep", agent_ids=(agent["id"],), list={"method": "api", "live": True}
    )
    page = open_as("sam", "/campaigns?name=asleep")
    row = page.locator(f"#campaign-{campaign['id']}")
    row.get_by_role("button", name="Play").click()
    expect(row).to_contain_text("Paused: no agents are logged in")
    expect(row.get_by_role("button", name="Play")).to_be_enabled()


def test_an_active_campaign_says_why_it_dials_nothing(open_as, api, make_campaign):
    agent = api("POST", "/agents", json={"name": "Off", "extension": "7778"})
    campaign = make_campaign("idle", agent_ids=(agent["id"],))
    page = open_as("sam", "/campaigns?name=idle")
    row = page.locator(f"#campaign-{campaign['id']}")
    row.get_by_role("button", name="Play").click()
    expect(row).to_contain_text("Active – waiting: no agents are logged in")


def test_rows_change_without_losing_order_focus_or_place(open_as, api, make_campaign):
    campaigns = [make_campaign(f"still {n:02}", agent_ids=()) for n in range(40)]
    page = open_as("sam", "/campaigns?name=still&sort=name")
    link = page.locator(f"#name-{campaigns[35]['id']}")
    link.focus()
    place = link.bounding_box()
    assert page.evaluate("scrollY") > 0
    api("PATCH", f"/campaigns/{campaigns[36]['id']}", json={"name": "still 3X"})
    expect(page.get_by_text("still 3X")).to_be_visible()
    expect(link).to_be_focused()
    assert link.bounding_box() == place
    assert names(page)[:2] == ["still 00", "still 01"]
    api("POST", "/campaigns", json={"name": "still 00 before"})
    expect(page.locator("tbody th a").nth(1)).to_have_text("still 00 before")
    expect(link).to_be_focused()


def test_controls_work_with_the_keyboard_alone(open_as, api, make_campaign):
    agent = api("POST", "/agents", json={"name": "Keys", "extension": "7779"})
    campaign = make_campaign("keys", agent_ids=(agent["id"],))
    page = open_as("sam", "/campaigns?name=keys")
    page.locator(f"#play-{campaign['id']}").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#pause-{campaign['id']}")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(f"#campaign-{campaign['id']} .status")).to_have_text("Active")


@pytest.mark.parametrize(("extension", "command"), [("7701", "play"), ("7702", "stop")])
def test_what_the_state_refuses_is_said(open_as, api, make_campaign, extension, command):
    """A click on what was allowed a moment ago: somebody else stopped the campaign meanwhile."""
    agent = api("POST", "/agents", json={"name": "Refused", "extension": extension})
    campaign = make_campaign(f"refused {command}", agent_ids=(agent["id"],))
    api("POST", f"/campaigns/{campaign['id']}/play")
    if command == "play":
        api("POST", f"/campaigns/{campaign['id']}/pause")
    page = open_as("sam", f"/campaigns?name=refused {command}")
    # As on a page whose news have not come yet.
    page.route("**/campaigns?*", lambda route: route.fulfill(status=204))
    api("POST", f"/campaigns/{campaign['id']}/stop")
    page.locator(f"#{command}-{campaign['id']}").click()
    if command == "stop":
        page.get_by_role("button", name="Yes, go on").click()
    expect(page.locator("#notice")).to_contain_text("cannot be changed or started again")
