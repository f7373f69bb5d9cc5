"""Benchmarks that need no telephone network end with the promised object; no figure is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RUN_TIMEOUT_S = 400
#: A list of more than one piece of 64 KiB: the upload is cut between two of them.
SMALL = {
    "api": ("--campaigns", "12", "--contacts", "400", "--rows", "1500"),
    "dnc": ("--numbers", "20000"),
    "lists": (),
}


@pytest.mark.timeout(RUN_TIMEOUT_S + 20)
@pytest.mark.parametrize("name", SMALL)
def test_a_quick_run_ends_with_the_promised_object(
    bench: Callable[..., dict[str, Any]], name: str
) -> None:
    bench(name, "--quick", *SMALL[name], timeout_s=RUN_TIMEOUT_S)
