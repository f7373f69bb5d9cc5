"""The demo as a user starts it, on the real Asterisk: it ends well, and it leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN_TIMEOUT_S = 150
START_TIMEOUT_S = 60
END_TIMEOUT_S = 45
KEYS = {
    "status", "contacts", "progress", "attempts", "outcomes", "bridged", "abandon_rate",
    "connect_ms", "wall_s",
}  # fmt: skip


@pytest.fixture
def tmp_env(tmp_path: Path) -> dict[str, str]:
    """The demo's folder is below TMPDIR: so a process of this demo is told from any other."""
    # Settings that would mislead it, and must not.
    return {**os.environ, "TMPDIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.fixture
def options() -> tuple[str, ...]:
    return ("--contacts", "20", "--agents", "4")


@pytest.fixture
def demo(
    tmp_env: dict[str, str], tmp_path: Path, options: tuple[str, ...]
) -> Iterator[subprocess.Popen[str]]:
    with (tmp_path / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "demo", "--json", *options],
            env=tmp_env, stdout=subprocess.PIPE, stderr=stderr, text=True,
        )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(END_TIMEOUT_S)


def remaining(folder: Path) -> list[str]:
    """Command lines of processes that have the folder in their arguments or environment."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            known = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if f"{folder}/dialer-demo-".encode() in known:
            found.append(known[:200].replace(b"\0", b" ").decode(errors="replace"))
    return found


def said(folder: Path) -> str:
    return (folder / "stderr").read_text()


@pytest.mark.timeout(RUN_TIMEOUT_S + END_TIMEOUT_S)
def test_a_small_demo_completes_and_leaves_nothing(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    out, _ = demo.communicate(timeout=RUN_TIMEOUT_S)
    assert demo.returncode == 0, said(tmp_path)
    result = json.loads(out.splitlines()[-1])
    assert result.keys() == KEYS
    assert (result["status"], result["contacts"], result["progress"]) == ("completed", 20, 100.0)
    assert sum(result["outcomes"].values()) == result["attempts"] >= 20
    assert result["outcomes"]["answered"] == result["bridged"] > 0
    assert result["connect_ms"]["p50"] <= result["connect_ms"]["p99"]
    assert remaining(tmp_path) == []
    assert list(tmp_path.glob("dialer-demo-*")) == []


@pytest.mark.timeout(RUN_TIMEOUT_S + END_TIMEOUT_S)
@pytest.mark.parametrize(
    "options",
    [("--contacts", "16", "--agents", "4", "--mode", "predictive", "--answer-rate", "0.5")],
)
def test_predictive_reaches_everybody(demo: subprocess.Popen[str], tmp_path: Path) -> None:
    """Every person who answers gets an agent or the message: the demo itself compares."""
    out, _ = demo.communicate(timeout=RUN_TIMEOUT_S)
    assert demo.returncode == 0, said(tmp_path)
    outcomes = json.loads(out.splitlines()[-1])["outcomes"]
    assert outcomes["answered"] + outcomes.get("abandoned", 0) >= 4
    assert outcomes["answered"] > 0


@pytest.mark.parametrize("after", ["Starting Asterisk", "Starting Redis", "Play:"])
def test_ctrl_c_at_any_time_leaves_nothing(
    demo: subprocess.Popen[str], tmp_path: Path, after: str
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while after not in said(tmp_path):
        assert time.monotonic() < deadline and demo.poll() is None, said(tmp_path)
        time.sleep(0.05)
    demo.send_signal(signal.SIGINT)
    out, _ = demo.communicate(timeout=END_TIMEOUT_S)
    assert demo.returncode == 128 + signal.SIGINT, said(tmp_path)
    assert out == ""
    assert "everything that the demo started has ended" in said(tmp_path)
    assert remaining(tmp_path) == []
    assert list(tmp_path.glob("dialer-demo-*")) == []
