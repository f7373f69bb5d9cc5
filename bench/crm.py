"""Leads per second from a real Odoo into a campaign, beside the same pages read and thrown away.

Both run in one process with the same client, in turns; the store is a server of its own. Then what
a poll costs that finds nothing new, and memory over many of them.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Else `engine` would be the file beside this one.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.odoo import connect, create_leads, real_odoo
from crm.cursor import Cursor
from crm.odoo import PAGE_SIZE, OdooConnector
from crm.poll_run import run_poll
from engine.core.campaign import CampaignStatus, Transition
from engine.core.settings import CampaignSettings
from engine.store import ConnectorRow, EmbeddedRedis, RedisStore

MIN_RATIO = 0.6
MAX_GROWTH_MB = 5.0
GOAL = (
    f"leads/s >= {MIN_RATIO:g} of the bare loop; memory grows < {MAX_GROWTH_MB:g} MB over the polls"
)
CREATE_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Plan:
    n_leads: int
    n_rounds: int
    n_idle: int


FULL = Plan(n_leads=10_000, n_rounds=3, n_idle=1000)
QUICK = Plan(n_leads=1_000, n_rounds=2, n_idle=30)


async def create(odoo: Any, n: int) -> None:
    connector = connect(odoo)
    for start in range(0, n, CREATE_AT_ONCE):
        values = [
            {"name": f"Lead {i}", "contact_name": f"Ann {i}", "phone": f"+1212{2_000_000 + i}"}
            for i in range(start, min(n, start + CREATE_AT_ONCE))
        ]
        await create_leads(connector, values)
    await connector.close()


async def bare(odoo: Any) -> int:
    """The same pages with the same client, thrown away."""
    connector, n, page = connect(odoo), 0, None
    while True:
        answer = await connector.fetch(Cursor(None, page), PAGE_SIZE)
        n, page = n + len(answer.leads), answer.next_page
        if page is None:
            await connector.close()
            return n


async def new_campaign(store: RedisStore, connector_id: str) -> int:
    now = datetime.now(UTC)
    listing = {"method": "crm", "connector_id": connector_id, "live": True}
    settings = CampaignSettings.model_validate({"list": listing})
    campaign_id = (await store.campaigns.create("bench", settings, [], "bench", now)).id
    move = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign_id, move, "bench", now)
    return campaign_id


async def poll(store: RedisStore, odoo: Any, campaign_id: int) -> None:
    def opened(_row: ConnectorRow) -> OdooConnector:
        return connect(odoo)

    await store.polls.plan({campaign_id: 5}, datetime.now(UTC))
    await store.polls.now([campaign_id], datetime.now(UTC))
    (due,) = await store.polls.pop(datetime.now(UTC))
    ended = await run_poll(store, due, opened, lambda: True)
    assert ended == "done", ended


async def measure(odoo: Any, url: str, plan: Plan) -> dict[str, Any]:
    store = await RedisStore.connect(url)
    row = await store.connectors.create(
        name="Odoo", kind="odoo", config={}, sealed="", secret_names=(), actor="bench",
        now=datetime.now(UTC),
    )  # fmt: skip
    await create(odoo, plan.n_leads)
    await bare(odoo)
    bare_s, ours_s = [], []
    for _ in range(plan.n_rounds):
        started = time.perf_counter()
        assert await bare(odoo) == plan.n_leads
        bare_s.append(time.perf_counter() - started)
        campaign_id = await new_campaign(store, row.id)
        started = time.perf_counter()
        await poll(store, odoo, campaign_id)
        ours_s.append(time.perf_counter() - started)
        assert (await store.campaigns.get(campaign_id)).n_contacts == plan.n_leads
    await wait_past_overlap(store, odoo, campaign_id)
    idle_ms, before_mb = [], 0.0
    for n in range(plan.n_idle):
        if n == plan.n_idle // 10:
            before_mb = rss_mb()
        started, cpu = time.perf_counter(), time.process_time()
        await poll(store, odoo, campaign_id)
        idle_ms.append(((time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000))
    await store.close()
    return {
        "n_leads": plan.n_leads,
        "bare_leads_per_s": round(plan.n_leads / statistics.median(bare_s)),
        "leads_per_s": round(plan.n_leads / statistics.median(ours_s)),
        "n_idle_polls": plan.n_idle,
        "idle_poll_ms": round(statistics.median(wall for wall, _ in idle_ms), 1),
        "idle_poll_cpu_ms": round(statistics.median(cpu for _, cpu in idle_ms), 1),
        "rss_growth_mb": round(rss_mb() - before_mb, 2),
    }


async def wait_past_overlap(store: RedisStore, odoo: Any, campaign_id: int) -> None:
    """Until a poll finds nothing in its window any more."""
    connector = connect(odoo)
    deadline = time.monotonic() + 2 * connector.overlap_s
    while time.monotonic() < deadline:
        before = (await store.polls.status(campaign_id)).counts["read"]
        await poll(store, odoo, campaign_id)
        if (await store.polls.status(campaign_id)).counts["read"] == before:
            break
        await asyncio.sleep(5)
    await connector.close()


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    options = report.arguments(__doc__.splitlines()[0])
    plan = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder, real_odoo() as odoo:
        server = EmbeddedRedis(Path(folder))
        try:
            figures = asyncio.run(measure(odoo, server.start(), plan))
        finally:
            server.stop()
    ratio = round(figures["leads_per_s"] / figures["bare_leads_per_s"], 3)
    meets_goal = ratio >= MIN_RATIO and figures["rss_growth_mb"] < MAX_GROWTH_MB
    report.finish("crm", figures, GOAL, meets_goal=meets_goal, ratio=ratio)


if __name__ == "__main__":
    main()
