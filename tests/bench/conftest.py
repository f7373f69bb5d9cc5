from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def bench() -> Callable[..., dict[str, Any]]:
    """`bench(name, *options, timeout_s=...)`: the object that a benchmark ends with."""
    return _run


def _run(name: str, *options: str, timeout_s: float) -> dict[str, Any]:
    """It is on the last line, which with --json is the only one; it has what is promised."""
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
    _require_whole(name, document)
    return document


def _require_whole(name: str, document: dict[str, Any]) -> None:
    assert document["name"] == name
    assert set(document) - {"ratio", "ratios"} == {
        "name", "figures", "goal", "meets_goal", "machine",
    }  # fmt: skip
    assert isinstance(document["figures"], dict) and document["figures"]
    assert isinstance(document["goal"], str)
    assert isinstance(document["meets_goal"], bool)
    assert {"system", "cpu", "n_cpus", "python"} <= set(document["machine"])
    ratios = document.get("ratios") or {"": document["ratio"]}
    assert all(ratio > 0 for ratio in ratios.values())
