"""The whole product with a real Asterisk, and a real Chromium that uses it.

This folder is a package so that both end with its last test: Playwright keeps an event loop
running, beside which no test of another folder could run one.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from cli.asterisk_install import cache_dir, install
from cli.demo_stack import Stack

HERE = Path(__file__).parent
AXE = (HERE / "vendor/axe/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
N_AGENTS = 3
READY_S = 60.0
PASSWORD = "correct horse battery"
ROLES = {"ann": "admin", "sam": "supervisor", "ida": "agent"}
INSTALL_S = 900
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
Json = dict[str, Any]
#: How long a page may take to show what a test expects, on a machine that is busy.
expect.set_options(timeout=20_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """What our processes said belongs to the report of a test that failed."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.append(("Logs of the stack", stack.logs()))
    return report


@pytest.fixture(scope="package")
def chromium() -> str:
    """DIALER_CHROMIUM, one of this machine, or the one that is unpacked once into the cache."""
    found = os.environ.get("DIALER_CHROMIUM") or shutil.which("chromium")
    if found:
        return found
    command = ["bash", str(HERE / "install_chromium.sh"), str(cache_dir().parent / "chromium")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    driver_lib = Path(chromium).parent / "driver-lib"
    if driver_lib.is_dir():
        # Playwright's driver takes its environment from ours.
        os.environ["LD_LIBRARY_PATH"] = str(driver_lib)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """Asterisk with a carrier and phones, Redis, worker, engine and API; agents logged in."""
    with Stack(N_AGENTS) as stack:
        rig = stack.start_asterisk(install(progress=False))
        rig.set_phones(talk_ms=1500)
        stack.start_redis()
        stack.start_processes()
        api = stack.open_api()
        wait_until(api.is_ready, READY_S, stack.logs)
        ids = [api.create_agent(f"Agent {ext}", ext) for ext in rig.extensions]
        for agent_id in ids:
            api.log_in(agent_id)
        for name, role in ROLES.items():
            add_user(stack, name, role, ids[0])
        wait_until(
            lambda: all(agent["state"] == "available" for agent in api.agents()),
            READY_S,
            stack.logs,
        )
        yield stack


def add_user(stack: Stack, name: str, role: str, agent_id: int) -> None:
    """As an administrator would, on the command line."""
    command = [sys.executable, "-m", "cli.main", "user", "create", "--name", name, "--role", role]
    if role == "agent":
        command += ["--agent", str(agent_id)]
    env = {**os.environ, "DIALER_REDIS_URL": stack.redis_url, "DIALER_USER_PASSWORD": PASSWORD}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)


def wait_until(
    condition: Callable[[], bool], timeout_s: float, explain: Callable[[], str] = str
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.1)


@pytest.fixture(scope="package")
def until() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def api(stack: Stack) -> Iterator[Callable[..., Json]]:
    """`api("POST", "/campaigns", json=…)`: the body of an answer that is no error."""
    client = httpx2.Client(
        base_url=f"{stack.root}/api/v1",
        headers={"Authorization": f"Bearer {stack.token}"},
        timeout=30,
        trust_env=False,
    )

    def call(method: str, path: str, **options: Any) -> Json:
        answer = client.request(method, path, **options)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else {}

    yield call
    client.close()


_numbers = itertools.count(1)


@pytest.fixture
def make_campaign(api: Callable[..., Json]) -> Callable[..., Json]:
    """A draft with all that Play asks for; nobody answers its calls."""

    def make(name: str, n_contacts: int = 1, agent_ids: tuple[int, ...] = (1,), **settings: Any):
        ready = {
            "dialing": {"trunk": "carrier", "caller_ids": ["+12025550100"]},
            "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
        }
        body = {"name": name, "settings": ready | settings, "agent_ids": list(agent_ids)}
        campaign = api("POST", "/campaigns", json=body)
        phones = [f"+1303555{next(_numbers):04}" for _ in range(n_contacts)]
        path = f"/campaigns/{campaign['id']}"
        if phones:
            api("POST", f"{path}/contacts", json=[{"phone": phone} for phone in phones])
        return api("GET", path)

    return make


@pytest.fixture(scope="package")
def cookies() -> dict[str, list[Any]]:
    """Of people who have signed in already: the password is made to be slow to check."""
    return {}


@pytest.fixture
def open_as(
    browser: Browser, stack: Stack, cookies: dict[str, list[Any]]
) -> Iterator[Callable[..., Page]]:
    """`open_as("ann", "/campaigns")`: a page of an own browser profile, signed in.

    `fresh`: with a session of its own. Whatever a page complains about, and every request to
    another host, fails the test.
    """
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def make(
        name: str | None, path: str = "/campaigns", *, fresh: bool = False, **options: Any
    ) -> Page:
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(base_url=stack.root, **options)
        contexts.append(context)
        context.route(lambda url: not url.startswith(stack.root), _refuse(troubles))
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: _note(message, troubles))
        if name in cookies and not fresh:
            context.add_cookies(cookies[name])
        if name is None or (name in cookies and not fresh):
            page.goto(path)
        if name and (fresh or name not in cookies or "/sign-in" in page.url):
            # Also where the session that was kept has ended since.
            sign_in(page, name, path)
            if not fresh:
                cookies[name] = context.cookies()
        return page

    yield make
    for context in contexts:
        context.close()
    assert not troubles


def _note(message: Any, troubles: list[str]) -> None:
    """A refused request is written to the console too; those are what some tests want."""
    if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
        troubles.append(message.text)


def _refuse(troubles: list[str]) -> Callable[[Route], None]:
    def refuse(route: Route) -> None:
        troubles.append(f"a request to {route.request.url}")
        route.abort()

    return refuse


def sign_in(page: Page, name: str, path: str) -> None:
    page.goto(path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture(scope="session")
def violations() -> Callable[[Page], list[str]]:
    """What axe finds on a page against WCAG 2.2 AA and good practice."""

    def look(page: Page) -> list[str]:
        page.evaluate(AXE)
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        return [f"{v['id']}: {n['html']}" for v in found["violations"] for n in v["nodes"]]

    return look


@pytest.fixture(scope="package")
def password() -> str:
    return PASSWORD


@pytest.fixture(scope="session")
def follow() -> Callable[..., None]:
    """Click a link and wait until the scripts of the next page run."""

    def click(page: Page, name: str) -> None:
        with page.expect_navigation():
            page.get_by_role("link", name=name, exact=True).click()

    return click


@pytest.fixture(scope="session")
def save() -> Callable[[Page], None]:
    """Press Save and wait for the answer, which is a page."""

    def press(page: Page) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name="Save", exact=True).click()

    return press
