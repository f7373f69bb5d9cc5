"""Preview on a real Asterisk: an agent at the desk skips one contact and calls the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Json = dict[str, Any]


def test_an_agent_at_the_desk_skips_and_calls(
    open_as, api: Callable[..., Json], make_campaign, until, violations
):
    campaign = make_campaign(
        "Preview",
        0,
        pacing={"mode": "preview"},
        preview={"timer_s": 120, "max_skips": 1, "skip_delay_s": 0},
        wrap_up_s=1,
        script="Ask how they are.",
    )
    path = f"/campaigns/{campaign['id']}"
    contacts = [
        {"phone": f"+1306555000{n}", "name": name, "priority": n, "variables": {"plan": "gold"}}
        for n, name in ((1, "Ada"), (2, "Bea"))
    ]
    api("POST", f"{path}/contacts", json=contacts)
    api("POST", f"{path}/play")
    page = open_as("ida", "/desk")
    expect(page.get_by_role("heading", name="Next: Ada")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("gold")).to_be_visible()
    expect(page.get_by_text("Ask how they are.")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Skip").click()
    # Without a delay the same contact is the next one.
    expect(page.get_by_text("It has been skipped as often as allowed.")).to_be_visible()
    for n_before, name in enumerate(("Ada", "Bea")):
        offered = page.get_by_role("heading", name=f"Next: {name}")
        expect(offered).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Call", exact=True).click()
        until(lambda n=n_before: len(attempts(api, path)) > n, 60.0)
    until(lambda: api("GET", path)["status"] == "completed", 60.0)
    ended = {one["attempt_id"]: one for one in attempts(api, path)}.values()
    assert {one["phone"] for one in ended} == {"+13065550001", "+13065550002"}
    told = {(one["outcome"], one["agent_id"], one["abandoned"]) for one in ended}
    assert told == {("answered", 1, False)}


def attempts(api: Callable[..., Json], path: str) -> list[Json]:
    """Those that have ended."""
    return api("GET", f"{path}/attempts")["items"]
