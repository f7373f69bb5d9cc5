"""Every benchmark ends with the one JSON object that is promised; figures are not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN_TIMEOUT_S = 120
LONG_TIMEOUT_S = 1500
NEED_ASTERISK = ("engine", "connect")


@pytest.mark.parametrize("name", NEED_ASTERISK)
def test_quick_run_ends_with_the_promised_object(name: str) -> None:
    document = run_quick(name)
    assert document["name"] == name
    assert set(document) - {"ratio", "ratios"} == {
        "name", "figures", "goal", "meets_goal", "machine",
    }  # fmt: skip
    assert isinstance(document["figures"], dict) and document["figures"]
    assert isinstance(document["goal"], str)
    assert isinstance(document["meets_goal"], bool)
    assert {"system", "cpu", "n_cpus", "python"} <= set(document["machine"])
    assert all(ratio > 0 for ratio in ratios_of(document))


@pytest.mark.soak
@pytest.mark.timeout(LONG_TIMEOUT_S)
def test_predictive_brings_what_the_simulation_says() -> None:
    """On an idle machine: 30 agents in real time, a quarter of an hour."""
    document = run("utilisation", timeout_s=LONG_TIMEOUT_S)
    assert document["meets_goal"], document


def run_quick(name: str) -> dict[str, Any]:
    return run(name, "--quick")


def run(name: str, *options: str, timeout_s: float = RUN_TIMEOUT_S) -> dict[str, Any]:
    """The object on the last line, which with --json is the only one."""
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / f"{name}.py", "--json", *options],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    document = json.loads(line)
    assert isinstance(document, dict)
    return document


def ratios_of(document: dict[str, Any]) -> list[float]:
    if "ratio" in document:
        return [document["ratio"]]
    return list(document["ratios"].values())
