"""A PBX with a carrier behind it, and people who behave by chance; and a link to it that fails.

The dice of a call are its own, made of the seed, the number and how often it was called: what one
call does leaves all others as they are.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from engine.core.call_events import (
    AmdDecided,
    Answered,
    CallEvent,
    Device,
    HangupRecord,
    MessageStarted,
    Recorded,
    Responded,
    Ringing,
    TelephonyEvent,
)
from engine.core.call_state import CAUSE_CANCELLED
from engine.core.simulation.scenario import gamma, lognormal
from engine.ports import DialOrder
from telephony.fake_telephony import FakeChannel, FakeMember, FakePbx, FakeTelephony

#: Cause, SIP status and words of what ends without an answer.
BUSY = (17, 486, "SIP 486 Busy Here")
UNALLOCATED = (1, 404, "SIP 404 Not Found")
TRUNK_FAULT = (34, 503, "SIP 503 Service Unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """How those who are called behave; shares of all calls, the rest does not answer."""

    person: float = 0.3
    machine: float = 0.15
    busy: float = 0.1
    unallocated: float = 0.03
    trunk_fault: float = 0.01
    ring_s: float = 8.0
    talk_s: float = 60.0
    talk_cv: float = 0.8
    amd_s: float = 2.0
    amd_error: float = 0.05
    #: Part of those who wait for an agent that hangs up meanwhile.
    impatient: float = 0.1
    #: How long an agent's phone rings on-hook, and part of the rings that nobody picks up.
    pick_up_s: float = 1.0
    deaf: float = 0.02


class LivelyPbx(FakePbx):
    def __init__(self, public: Public, seed: int, now: Callable[[], datetime]) -> None:
        super().__init__(message_s=6.0, now=now)
        self.public, self._seed = public, seed
        self._n_calls: Counter[str] = Counter()
        self._dice = random.Random(f"{seed} agents")
        #: The carrier's own books: instant, order, and calls of its campaign that lived then.
        self.books: list[tuple[datetime, DialOrder, int]] = []
        #: How each call ended, whatever the engine made of it.
        self.ends: dict[str, HangupRecord] = {}
        #: What is wrong with this PBX itself.
        self.faults: list[Exception] = []

    def place(self, order: DialOrder) -> None:
        n_before = len(self.placed)
        super().place(order)
        if len(self.placed) > n_before:
            lives = [c for c in self.channels.values() if c.order.campaign_id == order.campaign_id]
            self.books.append((self.now(), order, len(lives)))

    def tell(self, event: TelephonyEvent) -> None:
        if isinstance(event, Recorded):
            self.ends[event.attempt_id] = event.record
        super().tell(event)

    async def _live(self, channel: FakeChannel) -> None:
        try:
            await self._ring_up(channel)
        except Exception as error:
            self.faults.append(error)

    async def _ring_up(self, channel: FakeChannel) -> None:
        phone = channel.order.phone
        self._n_calls[phone] += 1
        dice = random.Random(f"{self._seed} {phone} {self._n_calls[phone]}")
        public, kind = self.public, dice.random()
        await self._wait(channel, dice.uniform(0.2, 2.0))
        for share, refusal in (
            (public.busy, BUSY), (public.unallocated, UNALLOCATED),
            (public.trunk_fault, TRUNK_FAULT),
        ):  # fmt: skip
            if kind < share and not channel.cancelled:
                self._end(channel, *refusal)
                return
            kind -= share
        await self._ring(channel, dice, kind)

    async def _ring(self, channel: FakeChannel, dice: random.Random, kind: float) -> None:
        public, timeout_s = self.public, channel.order.ring_timeout_s
        self.tell(Ringing(channel.order.attempt_id, self.now()))
        answers = kind < public.person + public.machine
        ring_s = gamma(dice, public.ring_s, 0.6) if answers else float(timeout_s)
        await self._wait(channel, min(ring_s, timeout_s))
        if channel.cancelled:
            self._end(channel, CAUSE_CANCELLED, None, "SIP 180 Ringing")
        elif not answers or ring_s >= timeout_s:
            self._end(channel, 19, None, "SIP 180 Ringing", timed_out=True)
        else:
            await self._pick_up(channel, dice, is_person=kind < public.person)

    async def _pick_up(self, channel: FakeChannel, dice: random.Random, *, is_person: bool) -> None:
        attempt_id, public = channel.order.attempt_id, self.public
        channel.answered_at = self.now()
        self.tell(Responded(attempt_id, self.now(), reason=4))
        self.tell(Answered(attempt_id, self.now()))
        if channel.order.amd:
            await self._wait(channel, public.amd_s * dice.uniform(0.5, 1.5))
            right = dice.random() >= public.amd_error
            channel.amd = "HUMAN" if is_person == right else "MACHINE"
            self.tell(AmdDecided(attempt_id, self.now(), channel.amd))
            if channel.amd == "MACHINE":
                self._end(channel, 16, 200, "SIP 200 OK")
                return
        if dice.random() < public.impatient:
            asyncio.get_running_loop().call_later(dice.uniform(0, 3), self._tire, channel)
        await self._serve(channel, dice)

    async def _serve(self, channel: FakeChannel, dice: random.Random) -> None:
        public, message_at = self.public, None
        if await self._find_agent(channel):
            if channel.agent is not None and not channel.hang_up.is_set():
                await self._wait(channel, lognormal(dice, public.talk_s, public.talk_cv))
            self._free(channel)
        elif not channel.hang_up.is_set():
            message_at = self.now()
            self.tell(MessageStarted(channel.order.attempt_id, message_at))
            await self._wait(channel, self.message_s)
        self._end(channel, 16, 200, "SIP 200 OK", message_at=message_at)

    def _tire(self, channel: FakeChannel) -> None:
        if channel.connected_at is None:
            channel.hang_up.set()

    async def _find_agent(self, channel: FakeChannel) -> bool:
        """As the other one, and phones on-hook ring until their agents pick up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + channel.order.connect_deadline_s
        while (left_s := deadline - loop.time()) > 0 and not channel.hang_up.is_set():
            member = self._free_member(channel.order)
            if member is None:
                await self._wait_for_a_word(channel, min(1.0, left_s))
            elif await self._reach(channel, member, left_s):
                self._connect(channel, member)
                return True
        return False

    async def _wait_for_a_word(self, channel: FakeChannel, seconds: float) -> None:
        """Asterisk's queue looks again only once a second, or when it is woken."""
        channel.woken.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(channel.woken.wait(), seconds)

    async def _reach(self, channel: FakeChannel, member: FakeMember, left_s: float) -> bool:
        if member.agent.mode == "off_hook":
            return True
        is_deaf = self._dice.random() < self.public.deaf
        pick_up_s = self.public.pick_up_s * self._dice.uniform(0.5, 1.5)
        self._set_device(member, Device.RINGING)
        await self._wait(channel, min(left_s, left_s if is_deaf else pick_up_s))
        self._set_device(member, Device.NOT_IN_USE)
        return not is_deaf and pick_up_s < left_s and not channel.hang_up.is_set()

    def _set_device(self, member: FakeMember, device: Device) -> None:
        for (_, extension), each in self.members.items():
            if extension == member.agent.extension:
                each.device = device
        self.show(member.agent.extension)


class FaultyTelephony(FakeTelephony):
    """Events of calls are lost, late and out of order; those of agents come in their order, and
    are lost with the link only."""

    def __init__(self, pbx: LivelyPbx, dice: random.Random) -> None:
        self._dice = dice
        #: One event of a call in so many is lost, and delayed; 0: none.
        self.lost_one_in = 0
        self.late_one_in = 0
        #: One order in so many has no answer, half of them before it is placed.
        self.silent_one_in = 0
        super().__init__(pbx)

    def hear(self, event: TelephonyEvent) -> None:
        if isinstance(event, CallEvent):
            if self._happens(self.lost_one_in):
                return
            if self._happens(self.late_one_in):
                late_s = self._dice.uniform(0, 3)
                asyncio.get_running_loop().call_later(late_s, super().hear, event)
                return
        super().hear(event)

    async def originate(self, order: DialOrder) -> None:
        await asyncio.sleep(self._dice.uniform(0.0005, 0.01))
        self.lose_orders = self._happens(2 * self.silent_one_in)
        self.lose_responses = not self.lose_orders and self._happens(2 * self.silent_one_in)
        await super().originate(order)

    def _happens(self, one_in: int) -> bool:
        return bool(one_in) and self._dice.randrange(one_in) == 0
