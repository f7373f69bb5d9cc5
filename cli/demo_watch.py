"""Watches the demo's bridges from a second AMI session, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from cli.asterisk_observer import Observer
from cli.asterisk_rig import Rig

START_S = 15.0


class Watch:
    """Context manager; between its ends every bridge of a customer and an agent is seen."""

    def __init__(self, rig: Rig) -> None:
        self._observer = Observer(rig)
        self._ready: Future[None] = Future()
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def __enter__(self) -> Self:
        """Raises AsteriskError when the session cannot be had."""
        self._thread.start()
        self._ready.result(START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)

    def connect_ms(self) -> Sequence[float]:
        """Of each bridged call, sorted: from the answer to both being in the bridge."""
        return sorted(self._observer.seen.connect_ms())

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._watch())
        except Exception as error:
            # Told to who waits for us: a thread has nobody else to tell.
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self._loop.close()

    async def _watch(self) -> None:
        async with self._observer:
            self._ready.set_result(None)
            await self._stop.wait()
