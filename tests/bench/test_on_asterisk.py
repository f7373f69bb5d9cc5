"""Benchmarks on a real Asterisk end with the one JSON object that is promised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RUN_TIMEOUT_S = 120
LONG_TIMEOUT_S = 1500


@pytest.mark.parametrize("name", ["engine", "connect"])
def test_a_quick_run_ends_with_the_promised_object(
    bench: Callable[..., dict[str, Any]], name: str
) -> None:
    bench(name, "--quick", timeout_s=RUN_TIMEOUT_S)


@pytest.mark.soak
@pytest.mark.timeout(LONG_TIMEOUT_S)
def test_predictive_brings_what_the_simulation_says(bench: Callable[..., dict[str, Any]]) -> None:
    """On an idle machine: 30 agents in real time, a quarter of an hour."""
    document = bench("utilisation", timeout_s=LONG_TIMEOUT_S)
    assert document["meets_goal"], document
