"""Who gets in and how far, and pages that everybody can use."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect


def test_a_wrong_password_says_no_more_than_that(open_as):
    page = open_as(None, "/campaigns")
    for name in ("ann", "nobody"):
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill("wrong password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")


def test_sign_in_leads_to_the_page_that_was_wanted(open_as):
    page = open_as("ann", "/campaigns?name=wanted&sort=name", fresh=True)
    expect(page).to_have_url(re.compile(r"/campaigns\?name=wanted&sort=name$"))


def test_the_cookie_is_closed_to_scripts_and_other_sites(open_as):
    page = open_as("ann")
    (cookie,) = [c for c in page.context.cookies() if c["name"] == "dialer_session"]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["expires"] == -1


def test_signing_out_ends_the_session_everywhere_in_the_browser(open_as):
    page = open_as("sam", fresh=True)
    (cookie,) = [c for c in page.context.cookies() if c["name"] == "dialer_session"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in to the dialer")
    page.context.add_cookies([cookie])  # as somebody who has copied it would
    page.goto("/campaigns")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_page_whose_session_has_ended_leads_to_the_sign_in_and_back(open_as, stack, password):
    env = {**os.environ, "DIALER_REDIS_URL": stack.redis_url, "DIALER_USER_PASSWORD": password}
    dialer = [sys.executable, "-m", "cli.main", "user"]
    create = [*dialer, "create", "--name", "eva", "--role", "supervisor"]
    subprocess.run(create, env=env, check=True, timeout=60)
    page = open_as("eva", "/campaigns?sort=name", fresh=True)
    # A new password ends all of her sessions.
    subprocess.run([*dialer, "password", "--name", "eva"], env=env, check=True, timeout=60)
    expect(page).to_have_url(re.compile("/sign-in"))  # the table asks for news by itself
    page.get_by_label("Name").fill("eva")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/campaigns\?sort=name$"))


def test_each_role_sees_its_own_pages(open_as):
    admin, supervisor, agent = open_as("ann"), open_as("sam"), open_as("ida", "/")
    assert _menu(admin)[-2:] == ["Tokens", "Users"]
    assert "Tokens" not in _menu(supervisor) and "Campaigns" in _menu(supervisor)
    assert _menu(agent) == ["My desk"]
    for page, path in ((supervisor, "/tokens"), (supervisor, "/users"), (agent, "/campaigns")):
        answer = page.goto(path)
        assert answer is not None and answer.status == 403
        expect(page.get_by_text("Your role does not allow this.")).to_be_visible()


def _menu(page: Page) -> list[str]:
    return page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()


def test_an_agent_pauses_and_goes_on_at_the_own_desk(open_as, api):
    page = open_as("ida", "/")
    expect(page.get_by_text("Available")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".big")).to_have_text("Paused")
    expect(page.get_by_text("pause: break")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".big")).to_have_text("Available")


def test_a_change_without_the_page_s_own_token_is_refused(open_as, make_campaign):
    campaign = make_campaign("forged")
    page = open_as("sam")
    for path in (f"/campaigns/{campaign['id']}/play", f"/api/v1/campaigns/{campaign['id']}/play"):
        assert page.request.post(path).status == 403


def test_a_supervisor_makes_an_agent_and_is_told_what_is_wrong(open_as):
    page = open_as("sam", "/agents")
    page.get_by_label("Name", exact=True).fill("Newcomer")
    page.get_by_label("Extension").fill("12a")
    page.get_by_role("button", name="Add agent").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Extension").fill("6543")
    page.get_by_role("button", name="Add agent").click()
    expect(page.get_by_role("row").filter(has_text="Newcomer")).to_contain_text("Offline")


def test_numbers_go_on_and_off_the_do_not_call_list(open_as):
    page = open_as("sam", "/dnc")
    page.get_by_label("Numbers, one a line").fill("+1 202 555 0177\nhello")
    with page.expect_navigation():  # the script that asks must run before the next click
        page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("1 added, 0 were there already, 1 rejected.")).to_be_visible()
    page.get_by_role("button", name="Remove +12025550177").click()
    page.get_by_role("button", name="Yes, go on").click()
    expect(page.get_by_role("row").filter(has_text="+12025550177")).to_have_count(0)


def test_a_token_is_shown_once_and_can_be_revoked(open_as):
    page = open_as("ann", "/tokens")
    page.get_by_label("What it is for").fill("a program")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#secret")).to_have_text(re.compile(r"^\S{40,}$"))
    page.goto("/tokens")
    expect(page.locator("#secret")).to_have_count(0)
    page.get_by_role("button", name="Revoke a program").click()
    page.get_by_role("button", name="Yes, go on").click()
    expect(page.get_by_role("row").filter(has_text="a program")).to_have_count(0)


def test_a_connector_is_added_and_its_test_says_what_is_wrong(open_as):
    page = open_as("ann", "/connectors")
    page.get_by_label("Name", exact=True).fill("Our CRM")
    page.get_by_label("Kind").select_option("odoo")
    page.get_by_label("Description").fill("nonsense: 1")
    page.get_by_role("button", name="Add connector").click()
    expect(page.get_by_text("nonsense").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Our CRM")).to_have_count(0)


PAGES = [
    (None, "/sign-in"),
    ("ann", "/campaigns"),
    ("ann", "/campaigns/new"),
    ("ann", "/campaigns/{id}/edit"),
    ("ann", "/campaigns/{id}/clone"),
    ("ann", "/campaigns/{id}"),
    ("ann", "/campaigns/{id}/contacts"),
    ("ann", "/campaigns/{id}/contacts/1"),
    ("ann", "/campaigns/{id}/attempts"),
    ("ann", "/campaigns/{id}/history"),
    ("ann", "/agents"),
    ("ann", "/agents/1"),
    ("ann", "/dnc"),
    ("ann", "/connectors"),
    ("ann", "/webhooks"),
    ("ann", "/system"),
    ("ann", "/audit"),
    ("ann", "/tokens"),
    ("ann", "/users"),
    ("ann", "/campaigns/999999"),
    ("ida", "/desk"),
]


LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark, on a phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
}


#: What makes a page scroll sideways, and how far it reaches; the page itself when nothing does.
STICKING_OUT = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter(
    (one) => one.getBoundingClientRect().right > innerWidth + 1
      && !one.closest(".scroll, .choices, .hidden"));
  const shown = wide.slice(0, 8).map((one) => one.outerHTML.slice(0, 120));
  return [document.documentElement.scrollWidth, ...shown];
}"""


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_usable_by_everybody(open_as, make_campaign, violations, look: str):
    """No violation that axe knows of, and no sideways scrolling."""
    campaign = make_campaign(f"with a name that is longer than a phone is wide, {look}")
    pages = {name: open_as(name, "/", **LOOKS[look]) for name in ("ann", "ida", None)}
    for name, path in PAGES:
        page = pages[name]
        page.goto(path.format(id=campaign["id"]))
        assert violations(page) == [], path
        assert page.evaluate(STICKING_OUT) == [], path
