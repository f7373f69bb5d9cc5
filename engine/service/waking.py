"""A cause that several loops wait for, each for itself."""

from __future__ import annotations

import asyncio


class Wake:
    """`set` is heard by every ear, also by one that is busy: when it listens again."""

    def __init__(self) -> None:
        self._ears: list[asyncio.Event] = []

    def ear(self) -> asyncio.Event:
        """Of one loop, which clears it before it looks."""
        self._ears.append(asyncio.Event())
        return self._ears[-1]

    def set(self) -> None:
        for ear in self._ears:
            ear.set()
