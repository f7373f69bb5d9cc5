"""An event loop whose clock jumps to the next thing that is due, so that hours pass in seconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing waits for the outside here: what seems to take time is a timer of this loop."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Jumping(self._jump))

    def time(self) -> float:
        return self.now_s

    def _jump(self, seconds: float) -> None:
        self.now_s += seconds


class _Jumping(selectors.DefaultSelector):
    """Where a real loop would sleep, time goes on."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen again: everybody waits for somebody")
        # Nothing comes from outside: asking the system each time would be most of the loop.
        if timeout:
            self._jump(timeout)
        return []


class VirtualClock:
    """The engine's clock on such a loop. `began_at` is what it shows at second 0."""

    def __init__(self, loop: VirtualLoop, began_at: datetime) -> None:
        self._loop, self._began_at = loop, began_at

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=self._loop.now_s)

    def monotonic(self) -> float:
        return self._loop.now_s
