"""A second AMI session that only watches: when people answered, and when both were in the bridge.

Its user is added to the rig's own pbx; the dialer's own user is not told of bridges.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from cli.asterisk_install import AsteriskError
from cli.asterisk_rig import Rig

USERNAME = "observer"
TIMEOUT_S = 10.0
_EVENTS = ("Newstate", "BridgeEnter", "UserEvent")


@dataclass(slots=True)
class Seen:
    """Instants (epoch seconds, from Asterisk's Timestamp header) by the customer's channel."""

    #: The customer's channel became Up: the answer.
    answered: dict[str, float] = field(default_factory=dict)
    #: Agent who was found, by customer's channel.
    agent: dict[str, str] = field(default_factory=dict)
    #: The customer entered a bridge.
    bridged: dict[str, float] = field(default_factory=dict)
    #: Every entry of an agent's phone into a bridge with somebody, by extension.
    agent_bridged: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def hear(self, event: Mapping[str, str]) -> None:
        at, channel = float(event.get("Timestamp", 0)), event.get("Uniqueid", "")
        match event.get("Event"):
            case "Newstate" if event.get("ChannelStateDesc") == "Up":
                self.answered.setdefault(channel, at)
            case "UserEvent" if event.get("UserEvent") == "DialerConnected":
                self.agent[event["Attempt"]] = event["Agent"]
            case "BridgeEnter" if event.get("BridgeType") == "basic":
                self.bridged.setdefault(channel, at)
                extension = event["Channel"].removeprefix("PJSIP/").partition("-")[0]
                self.agent_bridged[extension].append(at)

    def answers_per_s(self) -> float:
        """Of the people whom an agent was found for."""
        instants = [self.answered[channel] for channel in self.agent if channel in self.answered]
        return round((len(instants) - 1) / (max(instants) - min(instants)), 1)

    def connect_ms(self) -> list[float]:
        """Of each bridged call: milliseconds from the answer to both being in the bridge."""
        found = []
        for channel, extension in self.agent.items():
            answered, bridged = self.answered.get(channel), self.bridged.get(channel)
            if answered is None or bridged is None:
                continue
            agent = min(
                (at for at in self.agent_bridged[extension] if at >= answered), default=None
            )
            if agent is not None:
                found.append((max(bridged, agent) - answered) * 1000)
        return found


class Observer:
    """Async context manager; `seen` fills while it is open."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.seen = Seen()

    async def __aenter__(self) -> Self:
        secret = self._add_user()
        async with asyncio.timeout(TIMEOUT_S):
            self._reader, self._writer = await asyncio.open_connection(
                self._rig.ami_host, self._rig.ami_port
            )
            await self._reader.readline()
            login = f"Action: Login\r\nUsername: {USERNAME}\r\nSecret: {secret}\r\n\r\n"
            self._writer.write(login.encode())
            answer = await self._block()
        if answer.get("Response") != "Success":
            raise AsteriskError(f"the observer could not log in: {answer}")
        self._task = asyncio.create_task(self._watch(), name="observer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        await asyncio.wait({self._task}, timeout=TIMEOUT_S)
        self._task.cancel()

    def _add_user(self) -> str:
        secret = secrets.token_urlsafe(18)
        filters = "".join(f"eventfilter(action(include),name({name})) =\n" for name in _EVENTS)
        with (self._rig.instance_dir("pbx") / "etc/manager.conf").open("a") as config:
            config.write(f"\n[{USERNAME}]\nsecret = {secret}\nread = call,user\n{filters}")
        self._rig.cli("pbx", "manager reload")
        return secret

    async def _watch(self) -> None:
        while block := await self._block():
            self.seen.hear(block)

    async def _block(self) -> dict[str, str]:
        """Empty at the end of the connection."""
        block: dict[str, str] = {}
        while line := (await self._reader.readline()).decode().rstrip("\r\n"):
            name, _, value = line.partition(": ")
            block[name] = value
        return block
