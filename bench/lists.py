"""Import of a calling list, memory per contact, and claims from lists of very different size.

The import is the worker's own code on a staged CSV file, with number validation, zone lookup and
duplicates; beside it, in the same run and on the same machine, `phonenumbers` alone on as many
processes as there are processors, and a plain pipelined HSET and ZADD of the same records. Claims
of 10 contacts are timed on lists of 10^3, 10^5 and 10^6 contacts, with 1 zone and with 40 of which
half are closed, in turns; each claim is given back, so that sizes stay.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import phonenumbers
import structlog

from bench.parts import report
from bench.parts.calling_list import HEADER, phone, rows
from crm.import_run import run
from engine.core import ids
from engine.core.attempt import AttemptRecord, Claim
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.outcome import Outcome
from engine.core.redial import RedialAt
from engine.core.settings import CampaignSettings, LimitSettings
from engine.ports import Fence, Settlement, Wanted
from engine.store import EmbeddedRedis, ImportStatus, RedisStore

CHUNK = 64 * 1024
N_CLAIMED = 10
MIN_RATIO, MAX_BYTES, MAX_BYTES_AFTER, MAX_CLAIM_RATIO = 0.5, 400, 700, 1.2
GOAL = (
    f"import >= {MIN_RATIO} x the slower reference; <= {MAX_BYTES} bytes a contact after import,"
    f" <= {MAX_BYTES_AFTER} after an attempt each; claim p50 10^6 : 10^3 <= {MAX_CLAIM_RATIO}"
)
FENCE = Fence(owner="bench", epoch=1)


@dataclass(frozen=True, slots=True)
class Plan:
    n_contacts: int
    n_attempts: int
    sizes: tuple[int, ...]
    n_claims: int


FULL = Plan(1_000_000, 200_000, (1_000, 100_000, 1_000_000), 400)
QUICK = Plan(5_000, 1_000, (1_000, 5_000), 30)


def check(phones: Sequence[str]) -> int:
    return sum(phonenumbers.is_valid_number(phonenumbers.parse(one, "US")) for one in phones)


def library_per_s(n: int) -> float:
    """`parse` and `is_valid_number` on every processor."""
    n_cpus = len(os.sched_getaffinity(0))
    parts = [[phone(i) for i in range(start, n, n_cpus)] for start in range(n_cpus)]
    with ProcessPoolExecutor(n_cpus) as pool:
        list(pool.map(check, [["+12025550100"]] * n_cpus))  # both are up and have their metadata
        started = time.perf_counter()
        n_valid = sum(pool.map(check, parts))
    assert n_valid == n, "the numbers of this benchmark must be valid"
    return n / (time.perf_counter() - started)


class Bench:
    def __init__(self, store: RedisStore, plan: Plan) -> None:
        self._store, self._plan = store, plan
        self._serial = 0

    async def plain_per_s(self, n: int) -> float:
        """HSET and ZADD of the same records, a thousand at a time in one pipeline."""
        link, started = self._store._link, time.perf_counter()
        for first in range(0, n, 1000):
            commands: list[Sequence[str | int]] = []
            for i in range(first, min(first + 1000, n)):
                name, key = f"Person Number {i % 9973}", f"plain:{i}"
                fields = ("p", phone(i)[1:], "nm", name, "x", f"E{i:08}", "v", f"{i:060}")
                commands.append(("HSET", key, *fields))
                commands.append(("ZADD", "plain:ready", i, i))
            await link.batch(commands)
        took = time.perf_counter() - started
        await link.wait("FLUSHALL", "SYNC", timeout_s=600)
        return n / took

    async def imported(self, n: int) -> tuple[float, float, int]:
        """Contacts per second, bytes a contact, and the campaign."""
        campaign_id = await self._campaign("imported")
        import_id = await self._store.imports.create(campaign_id, filename="x", now=_now())
        before = await self._memory()
        data = "".join([HEADER, *rows(n)]).encode()
        for start in range(0, len(data), CHUNK):
            await self._store.imports.append(import_id, data[start : start + CHUNK], _now())
        del data
        await self._store.imports.seal(import_id, _now())
        started = time.perf_counter()
        await run(self._store, import_id, lambda: True)
        took = time.perf_counter() - started
        result = await self._store.imports.get(campaign_id, import_id)
        assert (result.status, result.created) == (ImportStatus.DONE, n), result
        return n / took, (await self._memory() - before) / n, campaign_id

    async def attempted(self, n: int) -> float:
        """Bytes a contact after one unanswered attempt each, everything included."""
        before = await self._memory()
        _, _, campaign_id = await self.imported(n)
        calls, numbers, now = self._store.calls, self._store.numbers, _now()
        classes = await calls.hours_classes(campaign_id)
        for _ in range(0, n, 250):
            claims = await calls.claim(
                campaign_id, FENCE, self._ids(campaign_id, 250), classes, now, 60
            )
            held = [Wanted(one.phone, one.attempt_id, one.person_key) for one in claims]
            await numbers.reserve(held, LimitSettings(), now)
            sent = [(one.attempt_id, "+12125550100", "carrier", "pbx") for one in held]
            await calls.mark_sent(campaign_id, FENCE, sent, now, 60)
            later = RedialAt(datetime(2030, 1, 1, tzinfo=UTC))
            ended = [Settlement(record=_record(campaign_id, c, now), next=later) for c in claims]
            await calls.settle(campaign_id, ended, now)
            await numbers.release([(one.phone, one.attempt_id, True) for one in held])
        return (await self._memory() - before) / n

    async def claims(self) -> dict[str, dict[str, float]]:
        """p50 and p99 in ms by `zones x size`, the sizes in turns."""
        made = {(z, n): await self._list_of(n, z) for z in (1, 40) for n in self._plan.sizes}
        took: dict[tuple[int, int], list[float]] = {key: [] for key in made}
        order = list(made)
        for _ in range(self._plan.n_claims):
            random.shuffle(order)
            for key in order:
                took[key].append(await self._claim(made[key], key[0]))
        return {
            f"{zones}_zones_{size}": {
                "p50_ms": round(report.quantile(ms, 0.5), 4),
                "p99_ms": round(report.quantile(ms, 0.99), 4),
            }
            for (zones, size), ms in took.items()
        }

    async def _claim(self, campaign_id: int, n_zones: int) -> float:
        half = [f"Zone/{i}" for i in range(0, n_zones, 2)]
        attempt_ids, calls = self._ids(campaign_id, N_CLAIMED), self._store.calls
        started = time.perf_counter()
        claims = await calls.claim(campaign_id, FENCE, attempt_ids, half, _now(), 60)
        took = (time.perf_counter() - started) * 1000
        assert len(claims) == N_CLAIMED
        for claim in claims:
            await calls.give_back(campaign_id, claim.attempt_id, None, _now())
        return took

    async def _list_of(self, n: int, n_zones: int) -> int:
        campaign_id = await self._campaign(f"{n} in {n_zones}")
        for first in range(0, n, 10_000):
            some = [
                NewContact(phone=phone(i), hours_class=f"Zone/{i % n_zones}")
                for i in range(first, min(first + 10_000, n))
            ]
            await self._store.contacts.add(campaign_id, some, _now())
        return campaign_id

    async def _campaign(self, name: str) -> int:
        campaigns = self._store.campaigns
        made = await campaigns.create(name, CampaignSettings(), [], "bench", _now())
        step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
        await campaigns.move(made.id, step, "bench", _now())
        await campaigns.fence(made.id, FENCE)
        return made.id

    async def _memory(self) -> int:
        text = await self._store._link.call("INFO", "memory")
        found = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return int(found["used_memory"])

    def _ids(self, campaign_id: int, n: int) -> list[str]:
        first, self._serial = self._serial, self._serial + n
        return [ids.attempt_id(campaign_id, _now(), i) for i in range(first, first + n)]


def _record(campaign_id: int, claim: Claim, now: datetime) -> AttemptRecord:
    return AttemptRecord(
        attempt_id=claim.attempt_id,
        campaign_id=campaign_id,
        contact_id=claim.contact_id,
        external_id=claim.external_id,
        number=1,
        phone=claim.phone,
        caller_id="+12125550100",
        trunk="carrier",
        node="pbx",
        started_at=now,
        ringing_at=now,
        ended_at=now,
        ring_s=25.0,
        outcome=Outcome.NO_ANSWER,
        cause=19,
        next_dial_at=now,
        zones=("America/New_York",),
        rules="1",
        person_key=claim.external_id or "",
    )


def _now() -> datetime:
    return datetime.now(UTC)


async def measure(url: str, plan: Plan, *, talks: bool) -> None:
    library = library_per_s(min(plan.n_contacts, 200_000))
    store = await RedisStore.connect(url)
    try:
        bench = Bench(store, plan)
        plain = await bench.plain_per_s(plan.n_contacts)
        if talks:
            print(f"references: library {library:.0f}/s, plain {plain:.0f}/s", flush=True)
        imported, n_bytes, _ = await bench.imported(plan.n_contacts)
        if talks:
            print(f"import: {imported:.0f}/s, {n_bytes:.0f} bytes a contact", flush=True)
        n_bytes_after = await bench.attempted(plan.n_attempts)
        claims = await bench.claims()
    finally:
        await store.close()
    smallest, largest = plan.sizes[0], plan.sizes[-1]
    ratios = {"import": round(imported / min(library, plain), 3)}
    for zones in (1, 40):
        large, small = claims[f"{zones}_zones_{largest}"], claims[f"{zones}_zones_{smallest}"]
        ratios[f"claim_{zones}_zones"] = round(large["p50_ms"] / small["p50_ms"], 3)
    meets = (
        ratios["import"] >= MIN_RATIO
        and n_bytes <= MAX_BYTES
        and n_bytes_after <= MAX_BYTES_AFTER
        and max(ratios["claim_1_zones"], ratios["claim_40_zones"]) <= MAX_CLAIM_RATIO
    )
    figures = {
        "n_contacts": plan.n_contacts,
        "import_per_s": round(imported),
        "library_per_s": round(library),
        "plain_hset_zadd_per_s": round(plain),
        "bytes_per_contact": round(n_bytes, 1),
        "bytes_per_contact_after_an_attempt": round(n_bytes_after, 1),
        "claim_of_10": claims,
    }
    report.finish("lists", figures, GOAL, meets_goal=meets, ratio=ratios)


def main() -> None:
    arguments = report.arguments(__doc__ or "")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        try:
            url = server.start()
            plan = QUICK if arguments.quick else FULL
            asyncio.run(measure(url, plan, talks=not arguments.json))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
