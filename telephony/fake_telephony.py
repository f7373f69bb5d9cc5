"""A fake of the Telephony port in memory, for faults that a real Asterisk cannot produce on demand.

`FakePbx` plays Asterisk and what is behind it: channels, hangup records, queues and agents go on
when an engine dies. `FakeTelephony` is one engine's link to it, which can be cut, lose events, or
leave the fate of an originate unknown. Calls behave by the two digits SS of 1NXX555SSNN, like the
simulated carrier's, only faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.core.agent import WRAP_UP, Agent
from engine.core.call_events import (
    AgentLoggedIn,
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    Answered,
    Connected,
    Device,
    HangupRecord,
    HungUp,
    KeyPressed,
    LinkLost,
    LinkUp,
    MessageStarted,
    OptedOut,
    PromptPlayed,
    PromptStarted,
    Recorded,
    Responded,
    Ringing,
    TelephonyEvent,
)
from engine.core.call_state import CAUSE_CANCELLED
from engine.core.errors import ActionUnknown, LinkDown
from engine.ports import DialOrder, LiveCall, Prompt

NODE = "pbx"
HUMAN, BUSY, NO_ANSWER, UNALLOCATED, TRUNK_FAULT, LEAVES = "00", "01", "02", "04", "15", "07"
#: Presses 9; presses the last digit of the number.
PRESSES_NINE, PRESSES_LAST = "26", "27"
#: Cause, SIP status and words of what ends without an answer.
REFUSALS = {
    BUSY: (17, 486, "SIP 486 Busy Here"),
    UNALLOCATED: (1, 404, "SIP 404 Not Found"),
    TRUNK_FAULT: (34, 503, "SIP 503 Service Unavailable"),
}


@dataclass(slots=True)
class FakeChannel:
    order: DialOrder
    created_at: datetime
    answered_at: datetime | None = None
    connected_at: datetime | None = None
    agent: str | None = None
    cancelled: bool = False
    amd: str | None = None
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class FakeMember:
    agent: Agent
    paused: bool = True
    pause_reason: str = "joining"
    device: Device = Device.NOT_IN_USE


class FakePbx:
    """Lives on when engines and links die. Times in seconds."""

    def __init__(
        self,
        *,
        ring_s: float = 0.05,
        talk_s: float = 0.1,
        message_s: float = 0.05,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.ring_s, self.talk_s, self.message_s = ring_s, talk_s, message_s
        self.now = now
        self.started_at = now()
        self.trunks = {"carrier"}
        #: Of members that join: an agent who just logged in is unavailable for a while.
        self.device_of_new = Device.NOT_IN_USE
        self.channels: dict[str, FakeChannel] = {}
        self.kept_records: dict[str, HangupRecord] = {}
        self.members: dict[tuple[str, str], FakeMember] = {}
        self.on_line: set[str] = set()
        #: Every call that left, in order: what the carrier would have seen.
        self.placed: list[DialOrder] = []
        #: Numbers that had two calls at one time.
        self.collisions: list[str] = []
        self.links: list[FakeTelephony] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def place(self, order: DialOrder) -> None:
        if order.attempt_id in self.channels:
            return
        if any(c.order.phone == order.phone for c in self.channels.values()):
            self.collisions.append(order.phone)
        self.placed.append(order)
        channel = self.channels[order.attempt_id] = FakeChannel(order, self.now())
        task = asyncio.create_task(self._live(channel), name=f"channel {order.attempt_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell(self, event: TelephonyEvent) -> None:
        for link in self.links:
            link.hear(event)

    def show(self, extension: str) -> None:
        for (queue, ext), member in self.members.items():
            if ext == extension:
                self.tell(_seen(queue, member, self.now()))

    async def _live(self, channel: FakeChannel) -> None:
        attempt_id, scenario = channel.order.attempt_id, channel.order.phone[-4:-2]
        if scenario in REFUSALS:
            await self._wait(channel, self.ring_s)
            self._end(channel, *REFUSALS[scenario])
            return
        self.tell(Ringing(attempt_id, self.now()))
        patience_s = channel.order.ring_timeout_s if scenario == NO_ANSWER else self.ring_s
        await self._wait(channel, patience_s)
        if channel.cancelled:
            self._end(channel, CAUSE_CANCELLED, None, "SIP 180 Ringing")
        elif scenario == NO_ANSWER:
            self._end(channel, 19, None, "SIP 180 Ringing", timed_out=True)
        else:
            await self._answer(channel, leaves=scenario == LEAVES)

    async def _answer(self, channel: FakeChannel, *, leaves: bool) -> None:
        attempt_id = channel.order.attempt_id
        channel.answered_at = self.now()
        self.tell(Responded(attempt_id, self.now(), reason=4))
        self.tell(Answered(attempt_id, self.now()))
        if leaves:
            await self._wait(channel, 0.02)
        elif channel.order.prompt is not None:
            await self._play_prompt(channel, channel.order.prompt)
            return
        elif await self._find_agent(channel):
            await self._wait(channel, self.talk_s)
            self._free(channel)
        else:
            self.tell(MessageStarted(attempt_id, self.now()))
            message_at = self.now()
            await self._wait(channel, self.message_s)
            self._end(channel, 16, 200, "SIP 200 OK", message_at=message_at)
            return
        self._end(channel, 16, 200, "SIP 200 OK")

    async def _play_prompt(self, channel: FakeChannel, prompt: Prompt) -> None:
        attempt_id, phone, message_at = channel.order.attempt_id, channel.order.phone, self.now()
        self.tell(PromptStarted(attempt_id, message_at))
        await self._wait(channel, self.message_s)
        pressed = {PRESSES_NINE: "9", PRESSES_LAST: phone[-1]}.get(phone[-4:-2], "")
        key = pressed if pressed in prompt.keys else ""
        if key:
            self.tell(KeyPressed(attempt_id, self.now(), key))
        else:
            self.tell(PromptPlayed(attempt_id, self.now()))
        if opted_out := prompt.keys.get(key) == "optout":
            self.tell(OptedOut(attempt_id, self.now()))
        self._end(
            channel, 16, 200, "SIP 200 OK", message_at=message_at, keys=key, opted_out=opted_out
        )

    async def _find_agent(self, channel: FakeChannel) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + channel.order.connect_deadline_s
        while loop.time() < deadline and not channel.hang_up.is_set():
            member = self._free_member(channel.order)
            if member:
                self._connect(channel, member)
                return True
            channel.woken.clear()
            try:
                # Asterisk's queue looks again only once a second, or when it is woken.
                await asyncio.wait_for(channel.woken.wait(), min(1.0, deadline - loop.time()))
            except TimeoutError:
                continue
        return False

    def _free_member(self, order: DialOrder) -> FakeMember | None:
        for (name, extension), member in self.members.items():
            reachable = member.agent.mode == "on_hook" or extension in self.on_line
            is_given = extension == order.agent  # called whatever his pause says
            wanted = is_given if order.agent else name == order.queue and not member.paused
            if wanted and member.device is Device.NOT_IN_USE and reachable:
                return member
        return None

    def _connect(self, channel: FakeChannel, member: FakeMember) -> None:
        extension = member.agent.extension
        channel.connected_at, channel.agent = self.now(), extension
        for (_, other), each in self.members.items():
            if other == extension:
                each.device, each.paused, each.pause_reason = Device.IN_USE, True, WRAP_UP
        self.show(extension)
        self.tell(Connected(channel.order.attempt_id, self.now(), extension))

    def _free(self, channel: FakeChannel) -> None:
        for (_, extension), member in self.members.items():
            if extension == channel.agent:
                member.device = Device.NOT_IN_USE
        self.show(channel.agent or "")

    def _end(
        self,
        channel: FakeChannel,
        cause: int,
        sip: int | None,
        words: str,
        *,
        timed_out: bool = False,
        message_at: datetime | None = None,
        keys: str = "",
        opted_out: bool = False,
    ) -> None:
        attempt_id, now = channel.order.attempt_id, self.now()
        played = "message" if channel.order.prompt is None else "prompt"
        record = HangupRecord(
            stage="connected" if channel.connected_at else played if message_at else "",
            cause=cause,
            sip=sip,
            timed_out=timed_out,
            rang=sip in (None, 200),
            answered_at=channel.answered_at,
            connected_at=channel.connected_at,
            message_at=message_at,
            message_end_at=now if message_at and not keys else None,
            keys=keys,
            ended_at=now,
            agent=channel.agent,
            amd=channel.amd,
            greeting_end_at=None,
            opted_out=opted_out,
            tech_cause=words,
            contact_id=channel.order.contact_id,
            phone=channel.order.phone,
        )
        self.channels.pop(attempt_id, None)
        self.kept_records[attempt_id] = record
        self.tell(Recorded(attempt_id, now, record))
        self.tell(HungUp(attempt_id, now, cause, sip))
        if channel.answered_at is None:
            self.tell(Responded(attempt_id, now, reason=3 if timed_out else 0))

    async def _wait(self, channel: FakeChannel, seconds: float) -> None:
        try:
            await asyncio.wait_for(channel.hang_up.wait(), seconds)
        except TimeoutError:
            return


class FakeTelephony:
    """One link. `cut` loses it, `restore` brings it back; `lose_responses` makes fates unknown."""

    def __init__(self, pbx: FakePbx) -> None:
        self.pbx = pbx
        self.up = True
        self.lose_responses = False
        #: Originates answered by silence that never reached the PBX.
        self.lose_orders = False
        self._inbox: asyncio.Queue[TelephonyEvent] = asyncio.Queue(maxsize=100_000)
        pbx.links.append(self)
        self.hear(LinkUp(NODE, self.pbx.now(), pbx.started_at))

    def cut(self) -> None:
        self.hear(LinkLost(NODE, self.pbx.now()))
        self.up = False

    def restore(self) -> None:
        self.up = True
        self.hear(LinkUp(NODE, self.pbx.now(), self.pbx.started_at))

    def leave(self) -> None:
        """The engine at this end died."""
        self.up = False
        if self in self.pbx.links:
            self.pbx.links.remove(self)

    def hear(self, event: TelephonyEvent) -> None:
        if self.up:
            self._inbox.put_nowait(event)

    async def events(self) -> AsyncIterator[TelephonyEvent]:
        while True:
            yield await self._inbox.get()

    def is_up(self) -> bool:
        return self.up

    async def has_trunk(self, name: str) -> bool:
        self._need_link()
        return name in self.pbx.trunks

    async def originate(self, order: DialOrder) -> None:
        self._need_link()
        await asyncio.sleep(0)
        if self.lose_orders:
            raise ActionUnknown
        self.pbx.place(order)
        if self.lose_responses:
            raise ActionUnknown

    async def hang_up(self, attempt_id: str) -> None:
        self._need_link()
        channel = self.pbx.channels.get(attempt_id)
        if channel and channel.answered_at is None:
            channel.cancelled = True
            channel.hang_up.set()

    async def wake_caller(self, attempt_id: str) -> None:
        self._need_link()
        channel = self.pbx.channels.get(attempt_id)
        if channel:
            channel.woken.set()

    async def live_calls(self) -> Sequence[LiveCall]:
        self._need_link()
        return [
            LiveCall(
                attempt_id=attempt_id,
                node=NODE,
                is_up=channel.answered_at is not None,
                created_at=channel.created_at,
                is_bridged=channel.connected_at is not None,
            )
            for attempt_id, channel in self.pbx.channels.items()
        ]

    async def whom(self, attempt_id: str) -> tuple[int, str] | None:
        self._need_link()
        channel = self.pbx.channels.get(attempt_id)
        return (channel.order.contact_id, channel.order.phone) if channel else None

    async def records(self) -> Mapping[str, HangupRecord]:
        self._need_link()
        return dict(self.pbx.kept_records)

    async def acknowledge(self, attempt_ids: Sequence[str]) -> None:
        self._need_link()
        for attempt_id in attempt_ids:
            self.pbx.kept_records.pop(attempt_id, None)

    async def members(self) -> Sequence[AgentSeen]:
        self._need_link()
        return [
            _seen(queue, member, self.pbx.now()) for (queue, _), member in self.pbx.members.items()
        ]

    async def add_member(self, queue: str, agent: Agent) -> None:
        self._need_link()
        member = FakeMember(agent, device=self.pbx.device_of_new)
        self.pbx.members.setdefault((queue, agent.extension), member)
        self.pbx.show(agent.extension)

    async def remove_member(self, queue: str, agent: Agent) -> None:
        self._need_link()
        if self.pbx.members.pop((queue, agent.extension), None):
            self.pbx.tell(AgentRemoved(NODE, agent.extension, queue, self.pbx.now()))

    async def pause(self, agent: Agent, reason: str) -> None:
        self._set_paused(agent, paused=True, reason=reason)

    async def unpause(self, agent: Agent) -> None:
        self._set_paused(agent, paused=False, reason="")

    async def log_in(self, agent: Agent) -> None:
        self._need_link()
        self.pbx.on_line.add(agent.extension)
        self.pbx.tell(AgentLoggedIn(NODE, agent.extension, self.pbx.now()))

    async def log_off(self, agent: Agent) -> None:
        self._need_link()
        self.pbx.on_line.discard(agent.extension)
        self.pbx.tell(AgentLoggedOff(NODE, agent.extension, self.pbx.now()))

    def _set_paused(self, agent: Agent, *, paused: bool, reason: str) -> None:
        self._need_link()
        for (_, extension), member in self.pbx.members.items():
            if extension == agent.extension:
                member.paused, member.pause_reason = paused, reason
        self.pbx.show(agent.extension)

    def _need_link(self) -> None:
        if not self.up:
            raise LinkDown


def _seen(queue: str, member: FakeMember, now: datetime) -> AgentSeen:
    return AgentSeen(
        NODE,
        member.agent.extension,
        queue,
        member.device,
        member.paused,
        member.pause_reason,
        now,
    )
