"""The whole engine on a real store in virtual time, with faults, judged by the carrier's books.

A failure names its seed: `python bench/whole_engine.py --seed N` repeats it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from bench.virtual import run as running
from bench.virtual.plan import plan_of
from bench.virtual.run import run

ROOT = Path(__file__).resolve().parents[2]
N_LONG = 40


@pytest.mark.parametrize("seed", range(2))
def test_as_fast_as_it_runs(valkey_url, seed):
    """Twelve minutes around the hours' end, with a fault every other minute."""
    report = run(plan_of(seed, hours=0.2, n_campaigns=2, faults=True), valkey_url)
    assert report.n_calls > 20, report


@pytest.mark.parametrize("seed", range(100, 103))
def test_many_hours(valkey_url, seed):
    report = run(plan_of(seed, hours=0.5, n_campaigns=4, faults=True, ease=10), valkey_url)
    assert report.n_calls > 100, report


def test_without_faults_nothing_is_unknown(valkey_url):
    report = run(plan_of(7, hours=0.5, n_campaigns=4, faults=False, ease=10), valkey_url)
    assert report.outcomes["answered"] > 20, report
    assert "unknown" not in report.outcomes


def test_a_seed_repeats_a_run_in_any_process(valkey_url):
    """Also where Python gives the elements of sets another order, and on a server that is new."""
    with Redis.from_url(valkey_url) as redis:
        redis.script_flush()
    found = {repeated(valkey_url, 5, hash_seed)["digest"] for hash_seed in ("1", "2")}
    assert len(found) == 1


def test_the_judge_sees_a_call_that_is_on_nobodys_books(valkey_url, monkeypatch):
    judged = running.judge

    async def judge(stage):
        stage.pbx.books.append(stage.pbx.books[-1])
        at, order, n_live = stage.pbx.books[0]
        stage.pbx.books.append((at, type(order)(**{**as_dict(order), "attempt_id": "1a"}), n_live))
        return await judged(stage)

    monkeypatch.setattr(running, "judge", judge)
    with pytest.raises(AssertionError, match="seed 5: left, and never settled"):
        run(plan_of(5, hours=0.05, n_campaigns=1, faults=False, ease=10), valkey_url)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("turn", range(N_LONG))
def test_long(valkey_url, turn):
    """`DIALER_SEED` repeats runs that failed."""
    given = os.environ.get("DIALER_SEED")
    seed = int(given) + turn if given else secrets.randbits(32)
    print(f"seed {seed}")
    print(run(plan_of(seed, hours=2, n_campaigns=5, faults=True, ease=10), valkey_url))


def as_dict(order) -> dict[str, object]:
    return {name: getattr(order, name) for name in type(order).__slots__}


def repeated(url: str, seed: int, hash_seed: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "bench/whole_engine.py", "--quick", "--json", "--seed", str(seed),
         "--redis", url],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])["figures"]["runs"][0]
