"""The AMI connection, kept up: the only module that imports panoramisk.

panoramisk's protocol and actions are used; its Manager is not, because it repeats and queues
actions over a reconnect and so dials people twice. What holds here: an action is written at most
once, only while we are logged in and Asterisk has booted, and either gets its answer or fails
within its deadline as ActionUnknown. tests/telephony/test_traps.py has each trap.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from datetime import UTC, datetime
from itertools import count
from typing import Any

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from engine.core.errors import ActionRefused, ActionUnknown, LinkDown
from telephony.backoff import Backoff
from telephony.config import AmiConfig
from telephony.inbox import Lost, Opened, Sink
from telephony.records import number
from telephony.wire import Block, Headers, check, parse

log = structlog.get_logger(__name__)

GREETING = b"Asterisk Call Manager/"
#: No message of Asterisk comes near this: what does not end before it is not AMI.
MAX_BLOCK_BYTES = 1 << 20
MISSED_PINGS = 2
#: Events that the link itself needs.
_OWN_EVENTS = frozenset({b"FullyBooted", b"Shutdown"})


class SessionFailed(Exception):
    """This connection is of no use; the message says why and what to do."""

    is_refusal = False


class LoginRefused(SessionFailed):
    is_refusal = True


class PendingAction(Action):  # type: ignore[misc]
    """An action in flight: its future gets one response, or for a list all of its events."""

    def __init__(self, headers: Headers, *, is_list: bool) -> None:
        super().__init__(headers)
        self.is_list = is_list
        self.listed: list[Block] = []

    def answer(self, block: Block) -> None:
        """A response: final, unless it announces a list."""
        if self.future.done():
            return
        if block.get("Response") == "Error":
            self.future.set_exception(ActionRefused(block.get("Message")))
        elif not self.is_list:
            self.future.set_result([block])

    def add(self, block: Block) -> None:
        """An event of the list."""
        if block.get("EventList") == "Complete" or block["Event"].endswith("Complete"):
            if not self.future.done():
                self.future.set_result(self.listed)
        else:
            self.listed.append(block)

    def fail(self) -> None:
        if not self.future.done():
            self.future.set_exception(ActionUnknown())


class LinkProtocol(AMIProtocol):  # type: ignore[misc]
    """One connection: frames bytes, gives answers to their actions and wanted events to the link.

    Parses nothing that nobody asked for: with the usual event classes most blocks go unread.
    """

    def __init__(self, link: AmiLink) -> None:
        self.link = link
        self.buffer = bytearray()
        self.greeted = False
        self.n_lists = 0
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Whatever cannot go out at once waits with us, where it can still be called unsent.
        self.transport.set_write_buffer_limits(high=0)
        # An order that the network holds up must not be delivered after we gave the connection
        # up: closing it resets it, where the kernel would go on trying for minutes.
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def send(self, action: PendingAction) -> None:
        """Not panoramisk's own, which writes the whole action to the log when it cannot be sent."""
        data = str(action).encode()
        self.responses[action.action_id] = action
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self.buffer += data
        if not self.greeted and not self._greet():
            return
        *blocks, rest = self.buffer.split(b"\r\n\r\n")
        self.buffer = rest
        for block in blocks:
            self._block(bytes(block).strip(b"\r\n"))
            if self.closed:
                return
        if len(self.buffer) > MAX_BLOCK_BYTES:
            self.link.abort(self, "a message without an end came over the AMI connection")

    def connection_lost(self, exc: BaseException | None) -> None:
        """Fails what is in flight. Nothing is kept to be sent again."""
        self.closed = True
        for action in list(self.responses.values()):
            action.fail()
        self.responses.clear()
        self.writable.set()
        if not self.lost.done():
            self.lost.set_result(None)
        self.link.on_lost(self)

    def close(self) -> None:
        """Ends the connection at once; answers on their way are not waited for."""
        if not self.closed:
            self.closed = True
            self.transport.abort()

    def _greet(self) -> bool:
        head, end, rest = bytes(self.buffer).partition(b"\r\n")
        if not (head.startswith(GREETING) or (not end and GREETING.startswith(head[:22]))):
            self.link.abort(self, "this port does not speak AMI: wrong host or port?")
        elif end:
            self.greeted, self.buffer = True, bytearray(rest)
        return self.greeted

    def _block(self, block: bytes) -> None:
        if block.startswith(b"Event: "):
            self._event(block)
        elif block.startswith(b"Response: "):
            headers = parse(block)
            action = self.responses.get(headers.get("ActionID", ""))
            if action is not None:
                action.answer(headers)
        elif block:
            # One message is spoilt, the framing holds: the next ones are good.
            log.warning("ami_unreadable_message", n_bytes=len(block))

    def _event(self, block: bytes) -> None:
        name = block[7:].split(b"\r\n", 1)[0]
        if name in self.link.wanted:
            headers = parse(block)
            if not (self.n_lists and self._is_of_list(headers)):
                self.link.on_event(self, headers)
        elif self.n_lists and b"\r\nActionID: " in block:
            self._is_of_list(parse(block))

    def _is_of_list(self, headers: Block) -> bool:
        action = self.responses.get(headers.get("ActionID", ""))
        if action is None or not action.is_list:
            return False
        action.add(headers)
        return True


class AmiLink:
    """Keeps one connection up and hands on its events, in order, through `inbox`."""

    def __init__(self, config: AmiConfig, wanted: frozenset[str], inbox: Sink) -> None:
        self.config = config
        self.wanted = _OWN_EVENTS | {name.encode() for name in wanted}
        self.inbox = inbox
        #: Why the link is or was down, in words for a person; None when it never failed.
        self.last_error: str | None = None
        self._protocol: LinkProtocol | None = None
        self._booted: asyncio.Future[int | None] | None = None
        self._is_up = False
        self._task: asyncio.Task[None] | None = None
        self._ids = count(1)
        self._backoff = Backoff(config)

    @property
    def is_up(self) -> bool:
        return self._is_up

    def start(self) -> None:
        """Begin to connect; returns at once, `Opened` tells when it is done."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_up(), name=f"ami-{self.config.host}")
            self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Ends the connection and every attempt to make one."""
        if self._task is not None:
            self.last_error = "the link was closed"
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        self.inbox.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A link that died of a fault of its own is told to the consumer, not left down."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.inbox.close(fault)

    async def send(self, headers: Headers, timeout_s: float | None = None) -> Block:
        """One action and its response.

        Raises LinkDown (not sent), ActionRefused (Asterisk said no, or it may not be sent),
        ActionUnknown (sent, no answer in time or the connection ended).
        """
        timeout_s = timeout_s or self.config.action_timeout_s
        return (await self._ask(self._usable(), headers, timeout_s))[0]

    async def collect(self, headers: Headers) -> list[Block]:
        """The events of a list action. Raises as `send` does."""
        protocol = self._usable()
        protocol.n_lists += 1
        try:
            timeout_s = self.config.list_timeout_s
            return await self._ask(protocol, headers, timeout_s, is_list=True)
        finally:
            protocol.n_lists -= 1

    # ------------------------------------------------------------ called by the protocol

    def on_event(self, protocol: LinkProtocol, headers: Block) -> None:
        """Never raises and never waits: it runs inside the reading of the connection."""
        name = headers["Event"]
        if name == "FullyBooted":
            if self._booted is not None and not self._booted.done():
                self._booted.set_result(number(headers.get("Uptime", "")))
        elif name == "Shutdown":
            self.abort(protocol, "Asterisk is shutting down")
        elif not self.inbox.offer(headers):
            # Events must not be lost unnoticed: start over and read the state back instead.
            self.abort(protocol, "the engine is too slow for the events of Asterisk")

    def on_lost(self, protocol: LinkProtocol) -> None:
        if protocol is self._protocol and self._is_up:
            self._is_up = False
            self.last_error = self.last_error or "Asterisk closed the AMI connection"
            log.warning("ami_lost", host=self.config.host, reason=self.last_error)
            self.inbox.force(Lost(datetime.now(UTC)))

    def abort(self, protocol: LinkProtocol, reason: str) -> None:
        self.last_error = reason
        protocol.close()

    # ------------------------------------------------------------------- one connection

    async def _keep_up(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            refused = await self._session()
            lived_s = loop.time() - started
            await asyncio.sleep(self._backoff.wait_s(lived_s=lived_s, refused=refused))
            # With events still waiting from the last connection another one would end the same.
            await self.inbox.drained()

    async def _session(self) -> bool:
        """One connection from its start to its end. True when the login was refused."""
        try:
            self._protocol = protocol = await self._connect()
            try:
                await self._log_in(protocol)
                await self._watch(protocol)
            finally:
                protocol.close()
                protocol.connection_lost(None)
        except (OSError, TimeoutError, SessionFailed) as error:
            self.last_error = str(error) or "Asterisk does not answer"
            log.warning("ami_failed", host=self.config.host, reason=self.last_error)
            return isinstance(error, LoginRefused)
        return False

    async def _connect(self) -> LinkProtocol:
        loop = asyncio.get_running_loop()
        host, port = self.config.host, self.config.port
        try:
            async with asyncio.timeout(self.config.connect_timeout_s):
                _, protocol = await loop.create_connection(lambda: LinkProtocol(self), host, port)
        except (OSError, TimeoutError) as error:
            why = str(error) or "no answer"
            raise SessionFailed(f"cannot reach Asterisk at {host}:{port}: {why}") from None
        return protocol

    async def _log_in(self, protocol: LinkProtocol) -> None:
        self._booted = asyncio.get_running_loop().create_future()
        login = {
            "Action": "Login",
            "Username": self.config.username,
            "Secret": self.config.secret,
            "Events": "on",
        }
        await self._first(protocol, login)
        uptime_s = await self._wait_booted(protocol)
        core_status = await self._first(protocol, {"Action": "CoreStatus"})
        if protocol.closed:
            raise SessionFailed(self.last_error or "Asterisk closed the AMI connection")
        self._is_up, self.last_error = True, None
        log.info("ami_up", host=self.config.host)
        self.inbox.force(Opened(datetime.now(UTC), core_status, uptime_s))

    async def _first(self, protocol: LinkProtocol, headers: Headers) -> Block:
        """An action of the login. Raises SessionFailed with words for a person."""
        try:
            return (await self._ask(protocol, headers, self.config.action_timeout_s))[0]
        except ActionRefused as refusal:
            raise _explained(headers, refusal.message) from None
        except (ActionUnknown, LinkDown):
            why = self.last_error if protocol.closed else None
            raise SessionFailed(why or "Asterisk did not answer the AMI login") from None

    async def _wait_booted(self, protocol: LinkProtocol) -> int | None:
        assert self._booted is not None
        waits: set[asyncio.Future[Any]] = {self._booted, protocol.lost}
        await asyncio.wait(
            waits, timeout=self.config.boot_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._booted.done():
            raise SessionFailed(
                "Asterisk did not report FullyBooted: it is still starting,"
                " or the AMI user lacks read = system"
            )
        return self._booted.result()

    async def _watch(self, protocol: LinkProtocol) -> None:
        """Returns when the connection has ended, by itself or because pings stay unanswered."""
        missed = 0
        while missed < MISSED_PINGS:
            await asyncio.wait({protocol.lost}, timeout=self.config.ping_every_s)
            if protocol.lost.done():
                return
            missed = 0 if await self._ping(protocol) else missed + 1
        self.abort(protocol, "Asterisk does not answer pings any more")

    async def _ping(self, protocol: LinkProtocol) -> bool:
        try:
            await self._ask(protocol, {"Action": "Ping"}, self.config.ping_timeout_s)
        except (ActionUnknown, LinkDown):
            return False
        except ActionRefused:
            pass  # an answer all the same
        return True

    # ----------------------------------------------------------------------- one action

    def _usable(self) -> LinkProtocol:
        if not self._is_up or self._protocol is None:
            raise LinkDown
        return self._protocol

    async def _ask(
        self, protocol: LinkProtocol, headers: Headers, timeout_s: float, *, is_list: bool = False
    ) -> list[Block]:
        check(headers)
        action_id = headers.get("ActionID") or f"dialer-{next(self._ids)}"
        if action_id in protocol.responses:
            raise ActionRefused("this very action is being carried out")
        await self._until_writable(protocol)
        action = PendingAction({**headers, "ActionID": action_id}, is_list=is_list)
        protocol.send(action)
        try:
            async with asyncio.timeout(timeout_s):
                result: list[Block] = await action.future
                return result
        except TimeoutError:
            raise ActionUnknown from None
        finally:
            protocol.responses.pop(action_id, None)

    async def _until_writable(self, protocol: LinkProtocol) -> None:
        """Returns when a write would go out at once. Raises LinkDown: nothing was sent."""
        if not protocol.writable.is_set():
            try:
                async with asyncio.timeout(self.config.write_timeout_s):
                    while not protocol.writable.is_set():
                        await protocol.writable.wait()
            except TimeoutError:
                raise LinkDown from None
        if protocol.closed:
            raise LinkDown


def _explained(headers: Headers, message: str) -> SessionFailed:
    if headers["Action"] == "Login":
        return LoginRefused(f"wrong AMI user name or secret, or address not permitted: {message}")
    return SessionFailed(f"the AMI user lacks rights for {headers['Action']}: {message}")
