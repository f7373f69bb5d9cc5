"""FakeAsterisk: an AMI server over TCP for the faults that a real Asterisk does not show on demand.

It is a fake, for faults only: cut, half open, slow, garbage, refused, never booted. How calls
really go is tested on a real Asterisk. It answers the actions that the dialer sends, writes down
what it received, and otherwise does what it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

Headers = dict[str, str]
#: What one action is answered with: blocks, in order.
Answer = Callable[[Headers], Iterable[Mapping[str, str]]]

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def block(headers: Mapping[str, str]) -> bytes:
    """Headers as they go over the line."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


class FakeAsterisk:
    """Use as an async context manager; `port` is free to connect to inside. Attributes may be
    changed at any time and act on what comes next."""

    def __init__(self, username: str = "dialer", secret: str = "secret") -> None:  # noqa: S107
        self.username = username
        self.secret = secret
        self.host = "127.0.0.1"
        self.port = 0
        #: Every action received, oldest first; those of ended connections too.
        self.received: list[Headers] = []
        self.n_connections = 0
        self.greeting = GREETING
        #: Names of actions that are read and never answered.
        self.silent: set[str] = set()
        #: Actions that are answered with Error and this message.
        self.refused: dict[str, str] = {}
        #: Own answers instead of the usual ones.
        self.answers: dict[str, Answer] = {}
        #: Names of events that `emit` loses.
        self.dropped_events: set[str] = set()
        #: False: the login succeeds and FullyBooted never comes, until `boot`.
        self.is_booted = True
        #: Everything sent waits this long first.
        self.delay_s = 0.0
        self.startup = ("2026-11-23", "09:00:00")
        self.uptime_s = 60
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after `stop` on the same port again."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and end those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        if sessions:
            await asyncio.wait(sessions)

    def actions(self, name: str) -> list[Headers]:
        return [headers for headers in self.received if headers.get("Action") == name]

    def cut(self) -> None:
        """End all connections at once, as a crash or a reset does."""
        for writer in self._writers:
            writer.transport.abort()

    def blackhole(self) -> None:
        """From now on nothing is read or sent, and connections stay open: the half-open case."""
        self._flowing.clear()

    def flow(self) -> None:
        """End of the black hole; what had been sent into it is read now."""
        self._flowing.set()

    def boot(self) -> None:
        self.is_booted = True
        self.emit({"Event": "FullyBooted", "Uptime": str(self.uptime_s), "Status": "Fully Booted"})

    def emit(self, event: Mapping[str, str]) -> None:
        """Send an event to every connection."""
        if event["Event"] not in self.dropped_events:
            self.emit_raw(block(event))

    def emit_raw(self, data: bytes) -> None:
        if self._flowing.is_set():
            for writer in self._writers:
                writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        self._writers.add(writer)
        self.n_connections += 1
        try:
            writer.write(self.greeting)
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the end of a connection is what this is for
        finally:
            self._sessions.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await self._flowing.wait()
            text = (await reader.readuntil(b"\r\n\r\n")).decode()
            await self._flowing.wait()
            headers = _parse(text)
            self.received.append(headers)
            for reply in self._replies(headers):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(block(reply))

    def _replies(self, headers: Headers) -> Iterable[Mapping[str, str]]:
        name = headers.get("Action", "")
        named = {"ActionID": headers["ActionID"]} if "ActionID" in headers else {}
        if name in self.silent:
            return []
        if name in self.refused:
            return [{"Response": "Error", **named, "Message": self.refused[name]}]
        usual = {"Login": self._on_login, "CoreStatus": self._on_core_status, "Ping": _pong}
        answer = self.answers.get(name) or usual.get(name, _success)
        return [{**reply, **named} for reply in answer(headers)]

    def _on_login(self, headers: Headers) -> Iterable[Mapping[str, str]]:
        given = (headers.get("Username"), headers.get("Secret"))
        if given != (self.username, self.secret):
            return [{"Response": "Error", "Message": "Authentication failed"}]
        replies = [{"Response": "Success", "Message": "Authentication accepted"}]
        if self.is_booted:
            replies.append({"Event": "FullyBooted", "Uptime": str(self.uptime_s)})
        return replies

    def _on_core_status(self, headers: Headers) -> Iterable[Mapping[str, str]]:
        day, time = self.startup
        return [{"Response": "Success", "CoreStartupDate": day, "CoreStartupTime": time}]


def list_answer(kind: str, items: Iterable[Mapping[str, str]]) -> Answer:
    """The answer to a list action: start, one event of this kind for each item, complete."""
    kept = list(items)

    def answer(headers: Headers) -> Iterable[Mapping[str, str]]:
        yield {"Response": "Success", "EventList": "start", "Message": "Result will follow"}
        for item in kept:
            yield {"Event": kind, **item}
        yield {"Event": f"{kind}Complete", "EventList": "Complete", "ListItems": str(len(kept))}

    return answer


def _success(headers: Headers) -> Iterable[Mapping[str, str]]:
    return [{"Response": "Success", "Message": "done"}]


def _pong(headers: Headers) -> Iterable[Mapping[str, str]]:
    return [{"Response": "Success", "Ping": "Pong"}]


def _parse(text: str) -> Headers:
    headers: Headers = {}
    for line in text.split("\r\n"):
        name, colon, value = line.partition(": ")
        if colon:
            # Repeated headers, as Variable is, are kept as lines of one value.
            headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    return headers
