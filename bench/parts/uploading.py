"""A large upload while other requests go on, and with the processes killed in the middle."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.parts.api_site import ROOT, TOKEN, Api, now
from bench.parts.calling_list import HEADER, rows
from bench.parts.report import quantile
from cli.processes import Child
from engine.core.settings import CampaignSettings
from engine.store import ImportStatus, RedisStore

#: The first try takes at least so long, so that a kill comes in its middle.
CUT_S = 4.0
LONGEST_S = 1800.0
ONE_BAD_IN = 1000
PROBE_EVERY_S = 0.05
SAMPLE_EVERY_S = 0.02


@dataclass(slots=True)
class Probe:
    """Other requests, one after another, and the API's resident memory."""

    api: Api
    paths: Sequence[str]
    ms: list[float] = field(default_factory=list)
    most_bytes: int = 0
    tasks: list[asyncio.Future[None]] = field(default_factory=list)

    async def __aenter__(self) -> Probe:
        self.tasks = [asyncio.ensure_future(one()) for one in (self._ask, self._watch)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        ended = await asyncio.gather(*self.tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _ask(self) -> None:
        while True:
            for path in self.paths:
                self.ms.append(await self.api.seconds(path) * 1000)
                await asyncio.sleep(PROBE_EVERY_S)

    async def _watch(self) -> None:
        while True:
            self.most_bytes = max(self.most_bytes, self.api.rss_bytes())
            await asyncio.sleep(SAMPLE_EVERY_S)


class Upload:
    def __init__(
        self, store: RedisStore, api: Api, worker: Child, file: Path, paths: Sequence[str]
    ) -> None:
        self._store, self._api, self._worker = store, api, worker
        self._file, self._paths = file, paths

    async def run(self, n_rows: int) -> dict[str, Any]:
        """Figures. Raises AssertionError where a row is lost or there twice."""
        n_good, n_bad, n_twice = write_list(self._file, n_rows)
        made = await self._store.campaigns.create("Upload", CampaignSettings(), [], "bench", now())
        where = f"/campaigns/{made.id}"
        await self._cut(where)
        assert (await self._store.campaigns.get(made.id)).n_contacts == 0
        before = self._api.rss_bytes()
        async with Probe(self._api, self._paths) as sending:
            started = time.perf_counter()
            import_id = (await self._send(where, 0.0))["import_id"]
            sent_s = time.perf_counter() - started
        most = sending.most_bytes
        ms, n_restarts = await self._read_to_the_end(f"{where}/imports/{import_id}", n_rows)
        found = await self._api.json("GET", f"{where}/imports/{import_id}")
        counts = (found["status"], found["created"], found["rejected"], found["duplicates"])
        assert counts == ("done", n_good, n_bad, n_twice), found
        assert (await self._store.campaigns.get(made.id)).n_contacts == n_good
        return {
            "rows": n_rows,
            "megabytes": round(self._file.stat().st_size / 1e6, 1),
            "sent_s": round(sent_s, 2),
            "sent_and_read_s": round(time.perf_counter() - started, 1),
            "api_rss_before_mib": round(before / 2**20, 1),
            "api_rss_growth_mib": round((most - before) / 2**20, 1),
            "other_requests_while_sending_ms": ms_of(sending.ms),
            "other_requests_while_reading_ms": ms_of(ms),
            "restarts_while_reading": n_restarts,
            "status": found["status"],
            "created": n_good,
            "rejected": n_bad,
            "duplicates": n_twice,
            "cut_upload": await self._end_of_cut(made.id),
        }

    async def _cut(self, where: str) -> None:
        """The API is killed while a file arrives."""
        sending = asyncio.ensure_future(self._send(where, CUT_S))
        await asyncio.sleep(CUT_S / 2)
        self._api.child.kill()
        answer = await sending
        assert "import_id" not in answer, answer
        await self._api.start()
        for path in self._paths:
            await self._api.seconds(path)

    async def _read_to_the_end(self, path: str, n_rows: int) -> tuple[list[float], int]:
        """The worker is killed at a third, the API ended and started again at two thirds."""
        deadline, ms, n_restarts = time.monotonic() + LONGEST_S, list[float](), 0
        while True:
            async with Probe(self._api, self._paths) as probe:
                share = await self._reach((n_restarts + 1) / 3, path, deadline)
            ms += probe.ms
            if share >= 1:
                return ms, n_restarts
            if n_restarts == 0:
                self._worker.kill()
                self._worker.start()
            else:
                self._api.child.terminate()
                await self._api.start()
            n_restarts += 1

    async def _reach(self, share: float, path: str, deadline: float) -> float:
        """Wait until so much of the file is read."""
        while time.monotonic() < deadline:
            found: Mapping[str, Any] = await self._api.json("GET", path)
            if found["status"] in ("done", "failed"):
                return 1.0
            done = found["bytes_done"] / found["n_bytes"]
            if share < 1 and done >= share:
                return float(done)
            await asyncio.sleep(0.1)
        raise RuntimeError(f"the import did not end within {LONGEST_S:g} s")

    async def _send(self, where: str, seconds: float) -> dict[str, Any]:
        command = ["-m", "bench.parts.send_file", str(self._api.port)]
        command += [f"/api/v1{where}/contacts", TOKEN, str(self._file), str(seconds)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        text = out.decode()
        answer: dict[str, Any] = json.loads(text) if process.returncode == 0 else {"error": text}
        return answer

    async def _end_of_cut(self, campaign_id: int) -> str:
        """What the store says of the upload that was cut off, if its end is known by now."""
        for one in await self._store.imports.unfinished():
            if one.campaign_id == campaign_id and one.status is ImportStatus.UPLOADING:
                return "nothing added; ended after a time of silence"
        return "nothing added; ended"


def write_list(file: Path, n_rows: int) -> tuple[int, int, int]:
    """Good, bad and repeated rows."""
    n_bad = n_twice = 0
    before = ""
    with file.open("w") as out:
        out.write(HEADER)
        for i, row in enumerate(rows(n_rows)):
            if i % ONE_BAD_IN == 7:
                row, n_bad = f"12,{row.partition(',')[2]}", n_bad + 1
            elif i % ONE_BAD_IN == 9:
                row, n_twice = before, n_twice + 1
            out.write(row)
            before = row
    return n_rows - n_bad - n_twice, n_bad, n_twice


def ms_of(ms: Sequence[float]) -> dict[str, float]:
    if not ms:
        return {"n": 0}
    return {
        "n": len(ms),
        "p50": round(quantile(ms, 0.5), 1),
        "p95": round(quantile(ms, 0.95), 1),
        "max": round(max(ms), 1),
    }
