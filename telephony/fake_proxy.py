"""A fake of a bad network: a TCP proxy that cuts, refuses or swallows, for tests of faults.

It runs in a thread of its own, so it goes on while a test waits. What goes upstream is kept with
its instant, so a test can say who sent what, and when.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK = 65_536
START_S = 5.0


class FakeProxy:
    """Context manager. `cut` drops and refuses, `blackhole` accepts and forwards nothing,
    `heal` ends both; what a black hole holds is delivered late then, as TCP would.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.port = 0
        #: What clients sent and the proxy handed on, with the instant of that.
        self.sent: list[tuple[datetime, bytes]] = []
        self._refuses = False
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="fake-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_S):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tell(self._stop.set)
        self._thread.join(START_S)

    def cut(self) -> None:
        """Every connection is dropped, and new ones are dropped at once."""
        self._refuses = True
        self._tell(self._drop_all)

    def blackhole(self) -> None:
        """Connections stay and new ones are accepted; no byte passes."""
        self._refuses = False
        self._tell(self._flows.clear)

    def heal(self) -> None:
        self._refuses = False
        self._tell(self._flows.set)

    def n_sent(self, text: bytes, after: datetime | None = None) -> int:
        """How often clients sent this text; chunks of one instant are read as one."""
        parts = [chunk for at, chunk in self.sent if after is None or at > after]
        return b"".join(parts).count(text)

    def _tell(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _drop_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._drop_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not a coroutine: the stream module would keep and log its task by rules of its own.
        task = self._loop.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._refuses:
                return
            await self._flows.wait()
            up_reader, up_writer = await asyncio.open_connection(*self._target)
            self._writers.add(up_writer)
            try:
                await self._both(reader, writer, up_reader, up_writer)
            finally:
                self._writers.discard(up_writer)
                up_writer.transport.abort()
        except OSError:
            return
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        ways = {
            self._loop.create_task(self._pump(reader, up_writer, is_up=True)),
            self._loop.create_task(self._pump(up_reader, writer, is_up=False)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool
    ) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flows.wait()
            if is_up:
                self.sent.append((datetime.now(UTC), chunk))
            writer.write(chunk)
            await writer.drain()
        await writer.drain()
