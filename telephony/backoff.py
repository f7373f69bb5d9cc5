"""How long to wait before connecting again."""

from __future__ import annotations

import random

from telephony.config import AmiConfig

#: A connection that lived this long was a good one: the next wait starts small again.
STABLE_S = 10.0


class Backoff:
    """Doubles up to a ceiling, and spreads, so that several engines do not come back as one."""

    def __init__(self, config: AmiConfig, dice: random.Random | None = None) -> None:
        self._config = config
        self._dice = dice or random.Random()  # noqa: S311 - guards nothing
        self._failures = 0

    def wait_s(self, *, lived_s: float, refused: bool) -> float:
        """After a connection that lived so long, or a login that was refused."""
        if lived_s > STABLE_S:
            self._failures = 0
        ceiling = min(self._config.backoff_s * 2.0**self._failures, self._config.backoff_max_s)
        self._failures = min(self._failures + 1, 30)
        if refused:
            ceiling = self._config.backoff_refused_s
        return ceiling * self._dice.uniform(0.5, 1.0)
