"""A campaign without agents on a real Asterisk: a recording made on the page, keys, opt-outs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Json = dict[str, Any]
LISTENS, OPTS_OUT, CONFIRMS = "+13075551601", "+13075552602", "+13075552711"


def test_a_spoken_message_is_heard_and_its_keys_act(
    open_as, api: Callable[..., Json], make_campaign, until, violations
):
    page = open_as("sam", "/sounds")
    page.get_by_label("Name of the spoken message").fill("Reminder")
    page.get_by_label("Text").fill("This is Acme. Press one to confirm, or nine for no more calls.")
    page.get_by_role("button", name="Speak").click()
    expect(page.get_by_text("Reminder is ready")).to_be_visible()
    expect(page.get_by_label("Hear Reminder")).to_be_visible()
    assert violations(page) == []
    (sound,) = api("GET", "/sounds")["items"]
    keys = [
        {"key": "9", "action": "opt_out"},
        {"key": "1", "action": "confirm", "disposition": "comes"},
    ]
    campaign = make_campaign(
        "Agentless",
        0,
        (),
        pacing={"mode": "agentless"},
        agentless={"message": sound["id"], "keys": keys, "wait_for_key_s": 1},
        redial={"max_attempts": 1, "rules": {}},
    )
    path = f"/campaigns/{campaign['id']}"
    phones = [{"phone": phone} for phone in (LISTENS, OPTS_OUT, CONFIRMS)]
    api("POST", f"{path}/contacts", json=phones)
    api("POST", f"{path}/play")
    until(lambda: api("GET", path)["status"] == "completed", 90.0)
    ended = {one["phone"]: one for one in api("GET", f"{path}/attempts")["items"]}
    assert {phone: (one["outcome"], one["disposition"]) for phone, one in ended.items()} == {
        LISTENS: ("message_played", None),
        OPTS_OUT: ("message_played", "opt_out"),
        CONFIRMS: ("message_played", "comes"),
    }
    assert all(one["message_played"] and not one["abandoned"] for one in ended.values())
    listed = {one["phone"] for one in api("GET", "/dnc")["items"]}
    assert OPTS_OUT in listed and not listed & {LISTENS, CONFIRMS}
