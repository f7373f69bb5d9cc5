"""The one bounded queue between the AMI connection and the one consumer of its events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from telephony.wire import Block


@dataclass(frozen=True, slots=True)
class Opened:
    """Logged in and booted. `core_status` and `uptime_s` tell when Asterisk started."""

    at: datetime
    core_status: Block
    uptime_s: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    at: datetime


#: What comes through the link: an event's headers, or a word about the link itself.
Message = Block | Opened | Lost


class Sink(Protocol):
    """Where messages go; see Inbox."""

    def offer(self, item: Message) -> bool: ...
    def force(self, item: Message) -> None: ...
    def close(self, fault: BaseException | None = None) -> None: ...
    async def drained(self) -> None: ...


T = TypeVar("T")


class Inbox(Generic[T]):
    """Keeps the order of arrival. `offer` never waits and never raises. One consumer iterates."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[T] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._fault: BaseException | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> bool:
        """False, and nothing kept, when the consumer is too far behind."""
        if len(self._items) >= self._bound:
            self._drained.clear()
            return False
        self.force(item)
        return True

    def force(self, item: T) -> None:
        """Put also into a full inbox: for the few words about the link itself."""
        self._items.append(item)
        self._wake()

    def close(self, fault: BaseException | None = None) -> None:
        """What is in it is still given out; then the iteration ends, or raises the fault."""
        self._closed = True
        self._fault = self._fault or fault
        self._wake()

    async def drained(self) -> None:
        """Returns when the consumer has caught up by half."""
        await self._drained.wait()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Ends after `close`, when all that was in it has been given out."""
        while True:
            while self._items:
                yield self._items.popleft()
                if len(self._items) <= self._bound // 2:
                    self._drained.set()
            if self._fault is not None:
                raise self._fault
            if self._closed:
                return
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
