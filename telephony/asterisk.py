"""Asterisk, one node, as the engine's port wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from engine.core.agent import Agent
from engine.core.call_events import (
    AgentSeen,
    HangupRecord,
    HungUp,
    LinkLost,
    LinkUp,
    Recorded,
    Responded,
    TelephonyEvent,
)
from engine.core.errors import ActionRefused, TelephonyError
from engine.ports import DialOrder, LiveCall
from telephony import agents, encode
from telephony.config import AmiConfig
from telephony.doubts import Doubts
from telephony.inbox import Inbox, Lost, Message, Opened
from telephony.link import AmiLink
from telephony.records import FAMILY
from telephony.recovery import kept_record, live_call, started_at
from telephony.translate import WANTED, agent_seen, translate
from telephony.wire import Headers

#: Asterisk's words for "it is as you want it already".
_GONE = ("No such channel", "Channel not found")
_MISSING = ("No such channel", "not found")
_ALREADY_THERE = ("Already there",)
_NOT_THERE = ("Not there",)


def utc_now() -> datetime:
    return datetime.now(UTC)


class AsteriskTelephony:
    """Implements engine.ports.Telephony. Use as an async context manager, or start and close."""

    def __init__(
        self, config: AmiConfig, node: str = "pbx", clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.node = node
        self._clock = clock
        self._inbox: Inbox[Message | Responded] = Inbox(config.inbox_bound)
        self._link = AmiLink(config, WANTED, self._inbox)
        self._doubts = Doubts()
        self._doubt_turn_s = config.doubt_turn_s
        self._doubting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Begin to connect, and go on until `close`; LinkUp tells of success."""
        self._link.start()
        if self._doubting is None:
            self._doubting = asyncio.create_task(self._resolve_doubts(), name="ami-doubts")

    async def close(self) -> None:
        """Ends the connection; `events` ends when it has given out what had come."""
        if self._doubting is not None:
            self._doubting.cancel()
            await asyncio.wait({self._doubting})
            self._doubting = None
        await self._link.close()

    @property
    def last_error(self) -> str | None:
        """Why the link is down, in words for a person."""
        return self._link.last_error

    def is_up(self) -> bool:
        return self._link.is_up

    # ---------------------------------------------------------------------------- events

    async def events(self) -> AsyncIterator[TelephonyEvent]:
        """All events, in the order in which Asterisk sent them. One consumer."""
        async for message in self._inbox:
            event = self._event(message)
            if event is not None:
                yield event

    def _event(self, message: Message | Responded) -> TelephonyEvent | None:
        if isinstance(message, dict):
            event = translate(message, self.node, self._clock())
            self._weigh(event)
            return event
        if isinstance(message, Opened):
            started = started_at(message.core_status, message.uptime_s, message.at)
            return LinkUp(self.node, message.at, started)
        if isinstance(message, Lost):
            # Whatever was in doubt is for the engine's recovery now.
            self._doubts = Doubts()
            return LinkLost(self.node, message.at)
        return message

    def _weigh(self, event: TelephonyEvent | None) -> None:
        if isinstance(event, HungUp | Recorded):
            self._doubts.heard(event.attempt_id)
        elif isinstance(event, Responded) and event.reason == 0 and event.made_channel:
            self._doubts.failed(event.attempt_id)

    async def _resolve_doubts(self) -> None:
        while True:
            await asyncio.sleep(self._doubt_turn_s)
            for attempt_id in self._doubts.turn():
                if await self._never_was(attempt_id):
                    event = Responded(attempt_id, self._clock(), reason=0, made_channel=False)
                    self._inbox.offer(event)

    async def _never_was(self, attempt_id: str) -> bool:
        """True when Asterisk has neither a channel nor, asked after that, a record of the call.

        A channel may live although an originate failed: the one that has this id already.
        """
        channel = {"Action": "Getvar", "Channel": attempt_id, "Variable": "UNIQUEID"}
        record = {"Action": "DBGet", "Family": FAMILY, "Key": attempt_id}
        return await self._is_missing(channel) and await self._is_missing(record)

    async def _is_missing(self, question: Headers) -> bool:
        try:
            await self._link.send(question)
        except ActionRefused as refusal:
            return any(words in refusal.message for words in _MISSING)
        except TelephonyError:
            pass  # not known: then it is for the engine's recovery
        return False

    # ----------------------------------------------------------------------------- calls

    async def has_trunk(self, name: str) -> bool:
        answer = await self._link.send(encode.device_state(name))
        return answer.get("Value", "INVALID") != "INVALID"

    async def originate(self, order: DialOrder) -> None:
        await self._link.send(encode.originate(order))

    async def hang_up(self, attempt_id: str) -> None:
        await self._unless(_GONE, encode.hang_up(attempt_id))

    async def wake_caller(self, attempt_id: str) -> None:
        await self._unless(_GONE, encode.wake_caller(attempt_id))

    async def live_calls(self) -> Sequence[LiveCall]:
        channels = await self._link.collect({"Action": "CoreShowChannels"})
        now = self._clock()
        found = (live_call(channel, self.node, now) for channel in channels)
        return [call for call in found if call is not None]

    async def whom(self, attempt_id: str) -> tuple[int, str] | None:
        contact = await self._variable(attempt_id, "DIALER_CONTACT")
        digits = await self._variable(attempt_id, "DIALER_NUMBER")
        if not contact.isdecimal() or not digits.removeprefix("+").isdecimal():
            return None
        return int(contact), f"+{digits.removeprefix('+')}"

    async def _variable(self, attempt_id: str, name: str) -> str:
        """Empty when the channel is gone."""
        try:
            return (await self._link.send(encode.get_variable(attempt_id, name))).get("Value", "")
        except ActionRefused:
            return ""

    async def records(self) -> Mapping[str, HangupRecord]:
        rows = await self._link.collect({"Action": "DBGetTree", "Family": FAMILY})
        found = (kept_record(row) for row in rows)
        return dict(pair for pair in found if pair is not None)

    async def acknowledge(self, attempt_ids: Sequence[str]) -> None:
        for start in range(0, len(attempt_ids), encode.ACK_BATCH):
            batch = attempt_ids[start : start + encode.ACK_BATCH]
            await self._link.send(encode.acknowledge(batch))

    # ---------------------------------------------------------------------------- agents

    async def members(self) -> Sequence[AgentSeen]:
        rows = await self._link.collect({"Action": "QueueStatus"})
        now = self._clock()
        members = (row for row in rows if row.get("Event") == "QueueMember")
        found = (agent_seen(row, self.node, now, "Location") for row in members)
        return [seen for seen in found if seen is not None]

    async def add_member(self, queue: str, agent: Agent) -> None:
        await self._unless(_ALREADY_THERE, agents.add_member(queue, agent))

    async def remove_member(self, queue: str, agent: Agent) -> None:
        await self._unless(_NOT_THERE, agents.remove_member(queue, agent))

    async def pause(self, agent: Agent, reason: str) -> None:
        await self._link.send(agents.pause(agent, reason))

    async def unpause(self, agent: Agent) -> None:
        await self._link.send(agents.unpause(agent))

    async def log_in(self, agent: Agent) -> None:
        await self._link.send(agents.log_in(agent))

    async def log_off(self, agent: Agent) -> None:
        await self._link.send(agents.log_off(agent))

    async def _unless(self, fine: tuple[str, ...], headers: Headers) -> None:
        """Send; a refusal in these words means that nothing needed doing."""
        try:
            await self._link.send(headers)
        except ActionRefused as refusal:
            if not any(words in refusal.message for words in fine):
                raise
