"""Memory and speed of do-not-call lists of many numbers: those of a registry's file.

Numbers go in as `POST /api/v1/dnc` with `text/csv` and `dialer dnc import` bring them, packed; then
they are asked for as an import and a claim do, half of them listed. Memory is the server's own
`used_memory` before and after, so shards, marks and everything else count. Beside it, on a fresh
part of the same server, what a key for each number costs.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.calling_list import phone
from engine.store import EmbeddedRedis, RedisStore

MAX_BYTES = 15
#: As the API and the command hand them to the store.
AT_ONCE = 100_000
ASKED_AT_ONCE = 500
GOAL = f"<= {MAX_BYTES} bytes for each number on the list, all included"


@dataclass(frozen=True, slots=True)
class Plan:
    n_numbers: int
    n_keys: int
    n_asked: int


FULL = Plan(n_numbers=10_000_000, n_keys=100_000, n_asked=200)
QUICK = Plan(n_numbers=200_000, n_keys=10_000, n_asked=10)


class Bench:
    def __init__(self, store: RedisStore, plan: Plan) -> None:
        self._store, self._plan = store, plan

    async def bytes_of_a_key(self) -> float:
        """A key for each number, with the shortest value there is."""
        link, n = self._store._link, self._plan.n_keys
        before = await self._memory()
        for first in range(0, n, 1000):
            numbers = range(first, min(first + 1000, n))
            await link.batch([("SET", f"dnc:{phone(i)[1:]}", 1) for i in numbers])
        found = (await self._memory() - before) / n
        await link.wait("FLUSHALL", "SYNC", timeout_s=600)
        return found

    async def fill(self) -> tuple[float, float]:
        """Bytes a number, and numbers per second."""
        n, before, took = self._plan.n_numbers, await self._memory(), 0.0
        for first in range(0, n, AT_ONCE):
            some = [phone(i) for i in range(first, min(first + AT_ONCE, n))]
            started = time.perf_counter()
            n_new = await self._store.dnc.add_many(
                some, source="registry.csv", actor="bench", now=datetime.now(UTC)
            )
            took += time.perf_counter() - started
            assert n_new == len(some), "the numbers of this benchmark must be different"
        return (await self._memory() - before) / n, n / took

    async def asked(self) -> list[float]:
        """Milliseconds for each question after many numbers, every second of them listed."""
        took, n = [], self._plan.n_numbers
        for _ in range(self._plan.n_asked):
            numbers = [random.randrange(n) + i % 2 * n for i in range(ASKED_AT_ONCE)]
            questions = [(phone(i), ()) for i in numbers]
            started = time.perf_counter()
            listed = await self._store.dnc.listed(questions)
            took.append((time.perf_counter() - started) * 1000)
            assert listed == [i < n for i in numbers]
        return took

    async def _memory(self) -> int:
        text = await self._store._link.call("INFO", "memory")
        found = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return int(found["used_memory"])


async def measure(url: str, plan: Plan, *, talks: bool) -> None:
    store = await RedisStore.connect(url)
    try:
        bench = Bench(store, plan)
        of_a_key = await bench.bytes_of_a_key()
        of_a_number, per_s = await bench.fill()
        if talks:
            print(f"{of_a_number:.2f} bytes a number, {per_s:.0f} numbers/s", flush=True)
        took = await bench.asked()
    finally:
        await store.close()
    figures = {
        "n_numbers": plan.n_numbers,
        "bytes_per_number": round(of_a_number, 2),
        "bytes_per_key_of_its_own": round(of_a_key, 2),
        "added_per_s": round(per_s),
        f"asked_{ASKED_AT_ONCE}_p50_ms": round(report.quantile(took, 0.5), 2),
        f"asked_{ASKED_AT_ONCE}_p99_ms": round(report.quantile(took, 0.99), 2),
    }
    ratio = round(of_a_number / of_a_key, 3)
    report.finish("dnc", figures, GOAL, meets_goal=of_a_number <= MAX_BYTES, ratio=ratio)


def main() -> None:
    arguments = report.arguments(__doc__ or "", numbers="numbers on the list")
    plan = QUICK if arguments.quick else FULL
    if arguments.numbers:
        plan = replace(plan, n_numbers=arguments.numbers)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        try:
            asyncio.run(measure(server.start(), plan, talks=not arguments.json))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
