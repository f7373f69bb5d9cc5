"""What a trunk allows: calls per second, and a rest after it refused too often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Different numbers refused in a row, without any other answer between, that rest a trunk.
NUMBERS_TO_REST = 5
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
        return TokenBucket(self.rate, self.burst, tokens, now)

    def take(self, n: int) -> TokenBucket:
        return replace(self, tokens=self.tokens - n)


@dataclass(frozen=True, slots=True)
class TrunkHealth:
    """Numbers that were refused since the last other answer, and until when nothing is sent.

    Only different numbers count: one that is refused again and again says nothing of the trunk.
    """

    refused: frozenset[str] = frozenset()
    n_rests: int = 0
    rest_until: datetime | None = None

    def is_resting(self, now: datetime) -> bool:
        return self.rest_until is not None and now < self.rest_until

    def after_call(self, phone: str, *, trunk_fault: bool, now: datetime) -> TrunkHealth:
        """Too many refusals in a row rest the trunk, longer each time; any other answer heals."""
        if not trunk_fault:
            return TrunkHealth()
        if phone in self.refused:
            return self
        refused = self.refused | {phone}
        if len(refused) < NUMBERS_TO_REST:
            return replace(self, refused=refused)
        rest_s = min(MAX_REST_S, 2**self.n_rests)
        return TrunkHealth(frozenset(), self.n_rests + 1, now + timedelta(seconds=rest_s))
