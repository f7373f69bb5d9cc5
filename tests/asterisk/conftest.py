"""A real Asterisk for every test in this folder, and a small AMI client that hides nothing."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from cli.asterisk import CarrierCall, Rig
from cli.asterisk_cdr import Heard
from cli.asterisk_process import wait_until

Event = dict[str, str]

OFF_HOOK = ("1001", "1002", "1003")
N_POOL_QUEUES = 20
REPLY_TIMEOUT_S = 10.0
CALL_TIMEOUT_S = 40.0
LOST_S = 0.3
RECORD_FIELDS = (
    "version", "stage", "cause", "tech", "answered_ms", "connected_ms", "message_ms", "ended_ms",
    "member", "amd", "chanstate", "optout", "queuestatus", "greeting_end_ms", "message_end_ms",
    "contact", "number", "keys",
)  # fmt: skip


@dataclass
class Ami:
    """One AMI session: actions are answered in order, events are kept until the test ends."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    events: list[Event] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    replies: dict[str, asyncio.Future[Event]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def pump(self) -> None:
        """Sort what arrives into replies and events until the connection ends."""
        while block := await self._block():
            waiting = (
                self.replies.pop(block.get("ActionID", ""), None) if "Response" in block else None
            )
            if waiting is not None:
                waiting.set_result(block)
                continue
            async with self.arrived:
                self.events.append(block)
                self.arrived.notify_all()

    async def _block(self) -> Event:
        block: Event = {}
        while line := (await self.reader.readline()).decode().rstrip("\r\n"):
            name, _, value = line.partition(": ")
            block[name] = value
        return block

    async def action(
        self, name: str, *, variables: dict[str, str] | None = None, **headers: str
    ) -> Event:
        """Send an action; its reply."""
        number = f"test-{next(self.numbers)}"
        lines = {"Action": name, "ActionID": number, **headers}
        text = [f"{key}: {value}" for key, value in lines.items()]
        text += [f"Variable: {key}={value}" for key, value in (variables or {}).items()]
        self.replies[number] = asyncio.get_running_loop().create_future()
        self.writer.write(("\r\n".join(text) + "\r\n\r\n").encode())
        return await asyncio.wait_for(self.replies[number], REPLY_TIMEOUT_S)

    async def wait(self, timeout_s: float = CALL_TIMEOUT_S, /, **wanted: str) -> Event:
        """The first event with these headers, past or future."""

        def found() -> Event | None:
            return next((one for one in self.events if matches(one, wanted)), None)

        async with self.arrived:
            try:
                event = await asyncio.wait_for(self.arrived.wait_for(found), timeout_s)
            except TimeoutError:
                raise AssertionError(f"no event {wanted}; last: {self.events[-5:]}") from None
        assert event is not None
        return event

    def seen(self, **wanted: str) -> list[Event]:
        """All events so far with these headers."""
        return [one for one in self.events if matches(one, wanted)]

    async def dial(
        self, number: str, *, ring_s: float = 15, attempt: str = "", **settings: str
    ) -> str:
        """Originate a call as the engine does; its attempt id. Settings are DIALER_<NAME>."""
        attempt = attempt or f"t{uuid.uuid4().hex[:12]}"
        variables = {
            "CHANNEL(hangup_handler_push)": '"dialer-end,s,1"',
            "__DIALER_ATTEMPT": attempt,
            "__DIALER_CAMPAIGN": "1",
            "__DIALER_CONTACT": "7",
            "__DIALER_NUMBER": number,
        } | {f"DIALER_{name.upper()}": value for name, value in settings.items()}
        headers = {"Channel": f"PJSIP/{number}@carrier", "ChannelId": attempt}
        headers |= {"Context": "dialer-out", "Exten": "s", "Priority": "1"}
        headers |= {"Timeout": str(int(ring_s * 1000)), "EarlyMedia": "false", "Async": "true"}
        reply = await self.action("Originate", variables=variables, **headers)
        assert reply["Response"] == "Success", reply
        return attempt

    async def hang_up(self, attempt: str) -> None:
        """End a call as the engine does."""
        await self.action("Hangup", Channel=attempt, Cause="16")

    async def record(self, attempt: str) -> dict[str, str]:
        """The record that the hangup handler left, as a mapping of its fields."""
        event = await self.wait(UserEvent="DialerEnd", Attempt=attempt)
        values = event["Result"].split("|")
        assert len(values) == len(RECORD_FIELDS)
        return dict(zip(RECORD_FIELDS, values, strict=True))

    async def login(self, extension: str) -> None:
        """Have an off-hook agent's phone called and wait until the agent is free."""
        await self.action(
            "Originate", Channel=f"PJSIP/{extension}", Context="dialer-login", Exten=extension,
            Priority="1", Async="true", CallerID="dialer-login <dialer>",
        )  # fmt: skip
        await self.wait(Event="AgentLogin", Agent=extension)

    async def add_member(self, queue: str, extension: str, *, paused: bool = False) -> str:
        """Put an agent into a queue, as on-hook or off-hook by the extension; the interface."""
        off = extension in OFF_HOOK
        interface = f"Local/{extension}@dialer-agent/n" if off else f"PJSIP/{extension}"
        state = {"StateInterface": f"Agent:{extension}"} if off else {}
        reply = await self.action(
            "QueueAdd", Queue=queue, Interface=interface, MemberName=extension,
            Paused=str(paused).lower(), **state,
        )  # fmt: skip
        assert reply["Response"] == "Success", reply
        return interface

    async def pause(self, interface: str, *, paused: bool, reason: str = "") -> None:
        """Pause or unpause a member in all its queues."""
        extra = {"Reason": reason} if reason else {}
        reply = await self.action(
            "QueuePause", Interface=interface, Paused=str(paused).lower(), **extra
        )
        assert reply["Response"] == "Success", reply


@dataclass(frozen=True)
class Call:
    """One ended call: its attempt id, its record, and the dialplan's events of it in order."""

    attempt: str
    record: dict[str, str]
    events: list[Event]

    @property
    def stage(self) -> str:
        return self.record["stage"]

    def ms(self, first: str, second: str) -> int:
        """Milliseconds between two instants of the record."""
        return int(self.record[second]) - int(self.record[first])


DialAll = Callable[[dict[str, dict[str, str]]], dict[str, Call]]


def matches(event: Event, wanted: dict[str, str]) -> bool:
    """True when the event has every wanted header with that value."""
    return all(event.get(name) == value for name, value in wanted.items())


@asynccontextmanager
async def session(rig: Rig) -> AsyncIterator[Ami]:
    """A logged-in session as the user that the dialer has."""
    reader, writer = await asyncio.open_connection(rig.ami_host, rig.ami_port)
    await reader.readline()
    ami = Ami(reader, writer)
    task = asyncio.create_task(ami.pump(), name="ami")
    try:
        reply = await ami.action("Login", Username=rig.ami_username, Secret=rig.ami_secret)
        assert reply["Response"] == "Success", reply
        yield ami
    finally:
        task.cancel()
        writer.close()
        with suppress(asyncio.CancelledError, ConnectionError):
            await task
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture(scope="session")
def is_whole() -> Callable[[Heard | None, Heard], bool]:
    """All of a recording was heard, but for frames that a busy machine does not send in time."""
    return lambda heard, whole: heard is not None and abs(heard.sound_s - whole.sound_s) <= LOST_S


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Pbx, carrier and ten registered phones; started once, shared by all tests of this folder."""
    with Rig(tmp_path_factory.mktemp("rig"), n_phones=10) as running:
        yield running


@pytest.fixture(scope="session")
def agents(rig: Rig) -> tuple[str, ...]:
    """Extensions of three off-hook agents, logged in once: Asterisk makes each wait 5 s first."""

    async def log_in() -> None:
        async with session(rig) as ami:
            await asyncio.gather(*map(ami.login, OFF_HOOK))
        while rig.cli("pbx", "agent show online").count("NOT_INUSE") < len(OFF_HOOK):
            await asyncio.sleep(0.2)

    asyncio.run(asyncio.wait_for(log_in(), CALL_TIMEOUT_S))
    return OFF_HOOK


@pytest.fixture
async def ami(rig: Rig) -> AsyncIterator[Ami]:
    """An AMI session as the user that the dialer has."""
    async with session(rig) as opened:
        yield opened


@pytest.fixture(scope="session")
def queue_names() -> Iterator[str]:
    return (f"dialer-{index % N_POOL_QUEUES + 1}" for index in itertools.count())


@pytest.fixture
async def queue(rig: Rig, ami: Ami, queue_names: Iterator[str]) -> AsyncIterator[str]:
    """A queue of the pool without members; emptied again afterwards."""
    name = next(queue_names)
    yield name
    await empty_queue(ami, name)


@pytest.fixture
async def other_queue(ami: Ami, queue_names: Iterator[str]) -> AsyncIterator[str]:
    """A second one, for agents in two queues."""
    name = next(queue_names)
    yield name
    await empty_queue(ami, name)


async def empty_queue(ami: Ami, name: str) -> None:
    """Take every member out of a queue, unpaused."""
    for event in ami.seen(Event="QueueMemberAdded", Queue=name):
        await ami.pause(event["Interface"], paused=False)
        await ami.action("QueueRemove", Queue=name, Interface=event["Interface"])


@pytest.fixture
def phones(rig: Rig) -> Iterator[Rig]:
    """The rig, with its phones' settings put back afterwards."""
    yield rig
    rig.set_phones(behaviour="answer", answer_ms=200, talk_ms=0, voice=1)
    for extension in rig.extensions:
        rig.reset_phone(extension)


@pytest.fixture(scope="session")
def dial_all(rig: Rig) -> DialAll:
    """Dial many calls at once and wait for all their ends: {name: settings} -> {name: Call}.

    `settings` are those of Ami.dial, with `number`; `until` (a UserEvent) hangs up at that event.
    """

    async def one(ami: Ami, settings: dict[str, str]) -> Call:
        rest = dict(settings)
        until = rest.pop("until", None)
        attempt = await ami.dial(rest.pop("number"), **rest)  # type: ignore[arg-type]
        if until is not None:
            await ami.wait(UserEvent=until, Attempt=attempt)
            await ami.hang_up(attempt)
        return Call(attempt, await ami.record(attempt), ami.seen(Attempt=attempt))

    async def run(calls: dict[str, dict[str, str]]) -> dict[str, Call]:
        async with session(rig) as ami:
            ended = await asyncio.gather(*(one(ami, settings) for settings in calls.values()))
        return dict(zip(calls, ended, strict=True))

    return lambda calls: asyncio.run(run(calls))


@pytest.fixture(scope="session")
def carrier_call(rig: Rig) -> Callable[[str], CarrierCall]:
    """The carrier's own record of the last call to a number; it comes a moment after the end."""

    def calls(number: str) -> list[CarrierCall]:
        return [call for call in rig.carrier_calls() if call.number == number]

    def find(number: str) -> CarrierCall:
        assert wait_until(lambda: bool(calls(number)), REPLY_TIMEOUT_S), f"no call to {number}"
        return calls(number)[-1]

    return find
