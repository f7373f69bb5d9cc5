"""How long to wait after an error; the caller's random number keeps many from waking together."""

from __future__ import annotations

from crm.port import CrmError, RateLimited, Transient

FIRST_S, LONGEST_S = 2.0, 300.0


def wait_s(error: CrmError, n_failures: int, interval_s: float, chance: float) -> float:
    """`n_failures` in a row, this one included; `chance` in [0, 1)."""
    if isinstance(error, RateLimited):
        return error.retry_after_s * (1 + 0.2 * chance)
    if isinstance(error, Transient):
        bound = min(LONGEST_S, FIRST_S * 2.0 ** min(n_failures - 1, 20))
        return bound * (0.5 + 0.5 * chance)
    # A person must act; asking more often makes it worse.
    return max(LONGEST_S, interval_s) * (1 + 0.2 * chance)
