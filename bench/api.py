"""How long the page takes with many campaigns and contacts, beside few, and during large uploads.

Two APIs on two databases of one Redis: one with 1,000 campaigns of which one has 1,000,000
contacts, one with 10 and 1,000. Both answer in turns, while 50 calls a second go through the store
of the first as an engine sends them (`bench/parts/dial_load.py`; no telephone network, because it
is the store that they share) and 50 campaigns publish live figures. A page is what a browser
loads: HTML, with a session; a table of campaigns has 50 rows in the first and 10 in the second, so
one of 10 rows in both shows what their number costs.

Then a calling list is uploaded: first with the API killed in the middle of it, then whole, with the
worker killed and the API restarted while it is read; meanwhile other pages are asked for and the
API's resident memory is watched.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# Else `engine` would be bench/engine.py.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.api_site import Api, fill, sign_in, start_load
from bench.parts.uploading import Upload, ms_of
from cli.processes import Child
from engine.store import EmbeddedRedis, RedisStore
from engine.store.page import cursor_of

RATE = 50
MAX_P95_MS, MAX_RATIO, MAX_GROWTH_MIB = 50, 1.5, 64
MIN_ACHIEVED = 0.95
GOAL = (
    f"p95 of each page <= {MAX_P95_MS} ms with all campaigns and contacts, at {RATE} calls/s;"
    f" p95 large : small <= {MAX_RATIO:g} of pages of the same length;"
    f" growth of the API in an upload <= {MAX_GROWTH_MIB} MiB;"
    " no row lost or twice"
)
N_CONTACTS_ON_A_PAGE = 50
#: The others have more rows in the large store, which is what their ratio shows.
SAME_LENGTH = (
    "table_of_10_as_json", "contacts_begin", "contacts_middle", "contacts_end", "contacts_ready",
    "contacts_as_json", "contacts_none",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    n_campaigns: int
    n_contacts: int
    n_open: int
    n_rounds: int
    n_rows: int


FULL = Plan(n_campaigns=1000, n_contacts=1_000_000, n_open=50, n_rounds=200, n_rows=1_000_000)
QUICK = Plan(n_campaigns=60, n_contacts=5_000, n_open=5, n_rounds=5, n_rows=5_000)
SMALL = Plan(n_campaigns=10, n_contacts=1_000, n_open=5, n_rounds=0, n_rows=0)


def pages(plan: Plan) -> dict[str, str]:
    """Name → path of what is measured."""
    tables = {
        "table_newest": "/campaigns",
        "table_by_name": "/campaigns?sort=name",
        "table_by_status": "/campaigns?sort=-status",
        "table_search": "/campaigns?name=7&sort=name",
        "table_of_10_as_json": "/api/v1/campaigns?limit=10",
    }
    path, n = "/campaigns/1/contacts", plan.n_contacts
    places = {"begin": 0, "middle": n // 2, "end": n - N_CONTACTS_ON_A_PAGE}
    lists = {f"contacts_{k}": f"{path}?cursor={cursor_of(at)}" for k, at in places.items()}
    middle = f"cursor={cursor_of(n // 2)}"
    return {
        **tables,
        **lists,
        "contacts_ready": f"{path}?state=ready&{middle}",
        "contacts_called": f"{path}?state=scheduled",
        "contacts_as_json": f"/api/v1{path}?limit={N_CONTACTS_ON_A_PAGE}&{middle}",
        "contacts_none": f"{path}?state=withdrawn&{middle}",
    }


async def measure(url: str, folder: Path, plan: Plan, *, talks: bool) -> None:
    async with AsyncExitStack() as stack:
        worlds = [(plan, url), (SMALL, f"{url.rpartition('/')[0]}/1")]
        stores, apis = [], []
        for of, where in worlds:
            store = await RedisStore.connect(where)
            stack.push_async_callback(store.close)
            api = Api(where, folder)
            stack.push_async_callback(api.stop)
            await fill(store, of.n_campaigns, of.n_open, of.n_contacts)
            await api.start()
            await sign_in(store, api)
            stores.append(store)
            apis.append(api)
        worker = Child(["worker"], {"DIALER_REDIS_URL": url}, folder / "worker.log")
        stack.callback(worker.terminate)
        worker.start()
        if talks:
            print("filled", flush=True)
        load = start_load(url, RATE, plan.n_open)
        stack.callback(load.wait)
        stack.callback(load.terminate)
        large, small, achieved = await in_turns(stores[0], apis, plan)
        if talks:
            for name in large:
                print(name, ms_of(large[name]), ms_of(small[name]), flush=True)
        paths = [pages(plan)[name] for name in ("table_newest", "contacts_middle")]
        upload = Upload(stores[0], apis[0], worker, folder / "list.csv", paths)
        uploaded = await upload.run(plan.n_rows)
    finish(plan, large, small, achieved, uploaded)


async def in_turns(
    store: RedisStore, apis: list[Api], plan: Plan
) -> tuple[dict[str, list[float]], dict[str, list[float]], float]:
    """Milliseconds by page, large and small, and calls per second meanwhile."""
    both = [(api, pages(of)) for api, of in zip(apis, (plan, SMALL), strict=True)]
    asked = [(i, name) for i, (_, paths) in enumerate(both) for name in paths]
    took: list[dict[str, list[float]]] = [{name: [] for name in paths} for _, paths in both]
    for i, name in asked:  # connections, templates and caches are warm
        await both[i][0].seconds(both[i][1][name])
    loop = asyncio.get_running_loop()
    while not await _n_attempts(store):
        await asyncio.sleep(0.05)
    n_before, started = await _n_attempts(store), loop.time()
    for _ in range(plan.n_rounds):
        random.shuffle(asked)
        for i, name in asked:
            took[i][name].append(await both[i][0].seconds(both[i][1][name]) * 1000)
    await asyncio.sleep(max(0.0, 2.0 - (loop.time() - started)))
    achieved = (await _n_attempts(store) - n_before) / (loop.time() - started)
    return took[0], took[1], achieved


async def _n_attempts(store: RedisStore) -> int:
    return (await store.calls.counts(1)).get("attempts", 0)


def finish(
    plan: Plan,
    large: Mapping[str, list[float]],
    small: Mapping[str, list[float]],
    achieved: float,
    uploaded: Mapping[str, Any],
) -> None:
    p95 = {name: report.quantile(ms, 0.95) for name, ms in large.items()}
    ratios = {name: round(p95[name] / report.quantile(small[name], 0.95), 2) for name in p95}
    meets = (
        max(p95.values()) <= MAX_P95_MS
        and max(ratios[name] for name in SAME_LENGTH) <= MAX_RATIO
        and uploaded["api_rss_growth_mib"] <= MAX_GROWTH_MIB
        and achieved >= MIN_ACHIEVED * RATE
    )
    figures = {
        "n_campaigns": plan.n_campaigns,
        "n_contacts": plan.n_contacts,
        "calls_per_s": round(achieved, 1),
        "large_ms": {name: ms_of(ms) for name, ms in large.items()},
        "small_ms": {name: ms_of(ms) for name, ms in small.items()},
        "upload": uploaded,
    }
    report.finish("api", figures, GOAL, meets_goal=meets, ratio=ratios)


def main() -> None:
    arguments = report.arguments(
        __doc__ or "",
        campaigns="campaigns in the large store",
        contacts="contacts of its first campaign",
        rows="rows of the uploaded list",
    )
    plan = QUICK if arguments.quick else FULL
    given = {"n_campaigns": arguments.campaigns, "n_contacts": arguments.contacts}
    given["n_rows"] = arguments.rows
    plan = replace(plan, **{name: n for name, n in given.items() if n})
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        try:
            asyncio.run(measure(server.start(), Path(folder), plan, talks=not arguments.json))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
