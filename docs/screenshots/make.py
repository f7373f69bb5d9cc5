"""Pictures of every page, from a running product: `python docs/screenshots/make.py`.

Starts Asterisk, Redis and all processes as the demo does, lets campaigns run for a moment, and
writes PNG files beside this one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

from cli.asterisk_install import cache_dir, install
from cli.demo_contacts import as_csv, demo_contacts
from cli.demo_stack import Stack

HERE = Path(__file__).parent
INSTALLER = HERE.parent.parent / "tests/e2e/install_chromium.sh"
N_AGENTS = 4
WAIT_S = 60.0
#: So long the campaign runs before its pictures are taken.
RUN_S = 25.0
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
PAGES = {
    "campaigns": "/campaigns",
    "new": "/campaigns/new",
    "edit": "/campaigns/1/edit",
    "clone": "/campaigns/1/clone",
    "live": "/campaigns/1",
    "contacts": "/campaigns/1/contacts",
    "contact": "/campaigns/1/contacts/1",
    "attempts": "/campaigns/1/attempts",
    "history": "/campaigns/1/history",
    "agents": "/agents",
    "dnc": "/dnc",
    "connectors": "/connectors",
    "audit": "/audit",
    "tokens": "/tokens",
    "users": "/users",
}
READY: dict[str, Any] = {
    "dialing": {"trunk": "carrier", "caller_ids": ["+12025550100"], "ring_timeout_s": 8},
    "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
    "wrap_up_s": 2,
}


def main() -> None:
    with Stack(N_AGENTS) as stack:
        stack.start_asterisk(install()).set_phones(talk_ms=4000)
        stack.start_redis()
        stack.start_processes()
        password = _add_users(stack)
        _fill(stack)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            _take_all(browser, stack.root, password)
            browser.close()


def _chromium() -> str:
    found = os.environ.get("DIALER_CHROMIUM") or shutil.which("chromium")
    if found:
        return found
    command = ["bash", str(INSTALLER), str(cache_dir().parent / "chromium")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    return done.stdout.strip().splitlines()[-1]


def _add_users(stack: Stack) -> str:
    """An administrator and an agent, with one password."""
    password = "shown in pictures"  # noqa: S105  # of a product that ends with this program
    env = {**os.environ, "DIALER_REDIS_URL": stack.redis_url, "DIALER_USER_PASSWORD": password}
    api = stack.open_api()
    _wait(api.is_ready)
    api.create_agent("Ada Byron", "1001")
    for arguments in (["ann", "--role", "admin"], ["ada", "--role", "agent", "--agent", "1"]):
        command = [sys.executable, "-m", "cli.main", "user", "create", "--name", *arguments]
        subprocess.run(command, env=env, check=True, timeout=60, stdout=subprocess.DEVNULL)
    return password


def _fill(stack: Stack) -> None:
    """Campaigns in every state, one of them calling."""
    client = httpx2.Client(
        base_url=f"{stack.root}/api/v1",
        headers={"Authorization": f"Bearer {stack.token}"},
        timeout=30,
        trust_env=False,
    )

    def call(method: str, path: str, **options: Any) -> Any:
        return client.request(method, path, **options).raise_for_status().json()

    names = ["Grace Hopper", "Edsger Dijkstra", "Barbara Liskov"]
    for name, extension in zip(names, ("1002", "1003", "1004"), strict=True):
        call("POST", "/agents", json={"name": name, "extension": extension, "mode": "off_hook"})
    call("PATCH", "/agents/1", json={"mode": "off_hook"})
    for agent_id in range(1, N_AGENTS + 1):
        call("POST", f"/agents/{agent_id}/login")
    _wait(lambda: _all_available(call("GET", "/agents")["items"]))
    _campaigns(stack, call)
    time.sleep(RUN_S)


def _all_available(agents: list[dict[str, Any]]) -> bool:
    return all(agent["state"] == "available" for agent in agents)


def _campaigns(stack: Stack, call: Callable[..., Any]) -> None:
    def make(name: str, agent_ids: list[int], **settings: Any) -> str:
        body = {"name": name, "settings": READY | settings, "agent_ids": agent_ids}
        return f"/campaigns/{call('POST', '/campaigns', json=body)['id']}"

    api = stack.open_api()
    spring = make("Spring renewals", [1, 2, 3, 4], script="Good morning, this is Example Ltd.")
    api.upload(1, as_csv(demo_contacts(200)))
    live = make("New leads", [1, 2], list={"method": "api", "live": True})
    paused = make("Survey, north", [3])
    stopped = make("Survey, south", [4])
    for path in (live, paused, stopped):
        call("POST", f"{path}/contacts", json=[{"phone": f"+1303555{n:04}"} for n in range(40)])
    call("POST", "/campaigns", json={"name": "Autumn (not ready)"})
    _wait(lambda: call("GET", spring)["n_contacts"] == 200)
    call("POST", f"{spring}/play")
    for path, commands in ((paused, ["play", "pause"]), (stopped, ["play", "stop"])):
        for command in commands:
            call("POST", f"{path}/{command}")
    call("POST", "/dnc", json={"phones": ["+12025550188", "+13125550123"]})


def _take_all(browser: Browser, root: str, password: str) -> None:
    _take(browser, root, "ann", password, PAGES, "", {"viewport": DESKTOP})
    _take(browser, root, "ada", password, {"desk": "/desk"}, "", {"viewport": DESKTOP})
    some = {name: PAGES[name] for name in ("campaigns", "live")}
    dark = {"viewport": DESKTOP, "color_scheme": "dark"}
    _take(browser, root, "ann", password, some, "-dark", dark)
    _take(browser, root, "ann", password, some, "-phone", {"viewport": PHONE})


def _take(
    browser: Browser, root: str, name: str, password: str, pages: dict[str, str], kind: str,
    options: dict[str, Any],
) -> None:  # fmt: skip
    context = browser.new_context(base_url=root, **options)
    page = context.new_page()
    page.goto("/sign-in")
    if not kind and name == "ann":
        page.screenshot(path=HERE / "sign-in.png")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    for file, path in pages.items():
        page.goto(path)
        page.screenshot(path=HERE / f"{file}{kind}.png", full_page=file not in ("contacts",))
        if file == "edit":
            _take_list(page)
    context.close()


def _take_list(page: Page) -> None:
    """A calling list that somebody is about to send."""
    text = b"Kunde;Rufnummer;Ort\r\nAnn Lee;+12025550141;Bonn\r\nBo Ek;12;Ulm\r\n"
    file = FilePayload(name="kunden.csv", mimeType="text/csv", buffer=text)
    page.get_by_label("Add a CSV or XLSX file").set_input_files(file)
    page.get_by_label("Kunde", exact=True).select_option("Name")
    page.locator("#preview").get_by_text("Rejected").wait_for()
    page.locator("#f-contacts").screenshot(path=HERE / "list.png")


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the product does not come up")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
