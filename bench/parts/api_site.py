"""An API with a worker on a store that is filled as wanted, each a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from bench.parts.calling_list import phone
from cli.processes import Child
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.settings import CampaignSettings
from engine.store import RedisStore
from engine.store.loopback import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_S = 60.0
TOKEN = "of-the-benchmark"
ADDED_AT_ONCE = 10_000
SETTINGS = CampaignSettings.model_validate(
    {
        "dialing": {"trunk": "carrier", "caller_ids": ["+12125550100"]},
        "hours": {"windows": [{"start": "00:00", "end": "24:00"}]},
    }
)


class Api:
    """`dialer api` on one database, and a browser's session with it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.port = free_port()
        self._env = {"DIALER_REDIS_URL": url, "DIALER_PORT": str(self.port)}
        self._env |= {"DIALER_ADMIN_TOKEN": TOKEN, "DIALER_HOST": "127.0.0.1"}
        self._log = folder / f"api-{self.port}.log"
        self.child = Child(["api"], self._env, self._log)
        self.client = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False
        )

    async def start(self) -> None:
        self.child.start()
        deadline = time.monotonic() + READY_S
        while True:
            try:
                if (await self.client.get("/readyz")).is_success:
                    return
            except httpx2.TransportError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"the API does not answer; see {self._log}")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        await self.client.aclose()
        self.child.terminate()

    async def seconds(self, path: str) -> float:
        """Until the whole answer is here. Raises for an error."""
        started = time.perf_counter()
        answer = await self.client.get(path)
        took = time.perf_counter() - started
        answer.raise_for_status()
        return took

    async def json(self, method: str, path: str) -> Mapping[str, object]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await self.client.request(method, f"/api/v1{path}", headers=headers)
        answer.raise_for_status()
        found: Mapping[str, object] = answer.json()
        return found

    def rss_bytes(self) -> int:
        lines = Path(f"/proc/{self.child.pid}/status").read_text().splitlines()
        (kib,) = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
        return int(kib) * 1024


async def sign_in(store: RedisStore, api: Api) -> None:
    """A supervisor's session; the password is not what is measured."""
    user = await store.users.create("bench", "supervisor", "-", actor="bench", now=now())
    _, secret = await store.sessions.begin(user, now(), 3600)
    api.client.cookies.set("dialer_session", secret)


async def fill(store: RedisStore, n_campaigns: int, n_open: int, n_contacts: int) -> None:
    """Campaign 1 gets the contacts; the first `n_open` are active."""
    for i in range(n_campaigns):
        name = f"Campaign {i * 7919 % n_campaigns:05}"
        made = await store.campaigns.create(name, SETTINGS, [], "bench", now())
        if i < n_open:
            step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
            await store.campaigns.move(made.id, step, "bench", now())
    for first in range(0, n_contacts, ADDED_AT_ONCE):
        some = [
            NewContact(phone=phone(i), hours_class="America/New_York", name=f"Person {i % 9973}")
            for i in range(first, min(first + ADDED_AT_ONCE, n_contacts))
        ]
        await store.contacts.add(1, some, now())


def start_load(url: str, rate: int, n_open: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.parts.dial_load", url, "1", str(rate), str(n_open)]
    return subprocess.Popen(command, cwd=ROOT)


def now() -> datetime:
    return datetime.now(UTC)
