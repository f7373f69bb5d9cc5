"""What a trunk allows: calls per second, and a rest after it refused too often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Refusals in a row, without any other answer between, after which a trunk rests.
FAULTS_TO_REST = 5
MAX_REST_S = 60


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Calls that may leave now, refilled by `rate` a second up to `burst`."""

    rate: float
    burst: float
    tokens: float
    filled_at: datetime

    @classmethod
    def full(cls, rate: float, now: datetime) -> TokenBucket:
        """A quarter of a second's worth may leave at once, and at least one call."""
        burst = max(1.0, rate / 4)
        return cls(rate, burst, burst, now)

    def at(self, now: datetime) -> TokenBucket:
        elapsed_s = max(0.0, (now - self.filled_at).total_seconds())
        tokens = min(self.burst, self.tokens + elapsed_s * self.rate)
        return replace(self, tokens=tokens, filled_at=now)

    def take(self, n: int) -> TokenBucket:
        return replace(self, tokens=self.tokens - n)


@dataclass(frozen=True, slots=True)
class TrunkHealth:
    """Faults in a row, and until when nothing is sent because of them."""

    n_faults: int = 0
    rest_until: datetime | None = None

    def is_resting(self, now: datetime) -> bool:
        return self.rest_until is not None and now < self.rest_until

    def after_call(self, *, trunk_fault: bool, now: datetime) -> TrunkHealth:
        """A fault in a row too many rests the trunk, longer each time; any other answer heals."""
        if not trunk_fault:
            return TrunkHealth()
        n_faults = self.n_faults + 1
        if n_faults < FAULTS_TO_REST:
            return TrunkHealth(n_faults)
        rest_s = min(MAX_REST_S, 2 ** (n_faults - FAULTS_TO_REST))
        return TrunkHealth(n_faults, now + timedelta(seconds=rest_s))
