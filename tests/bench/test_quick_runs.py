"""Benchmarks that need no telephone network end with the promised object; no figure is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN_TIMEOUT_S = 400
#: A list of more than one piece of 64 KiB: the upload is cut between two of them.
SMALL = {
    "api": ("--campaigns", "12", "--contacts", "400", "--rows", "1500"),
    "dnc": ("--numbers", "20000"),
    "lists": (),
}


@pytest.mark.timeout(RUN_TIMEOUT_S + 20)
@pytest.mark.parametrize("name", SMALL)
def test_a_quick_run_ends_with_the_promised_object(name: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / f"{name}.py", "--json", "--quick", *SMALL[name]],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    document = json.loads(line)
    assert document["name"] == name
    assert {"figures", "goal", "meets_goal", "machine"} <= set(document)
    ratios = document.get("ratios") or {"": document["ratio"]}
    assert document["figures"] and all(ratio > 0 for ratio in ratios.values())
