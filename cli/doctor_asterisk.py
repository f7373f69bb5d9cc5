"""`dialer doctor`: is Asterisk there, may we work with it, and is our part of it in place?"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from cli import doctor_judge as judge
from cli.doctor_findings import Finding, failed, ok
from cli.doctor_rights import judge_rights, missing_of
from engine.core import ids
from engine.core.agent import Agent
from engine.core.errors import ActionRefused, LinkDown
from telephony import encode
from telephony.config import AmiConfig
from telephony.inbox import Inbox, Message
from telephony.link import AmiLink
from telephony.wire import Block

LOGIN_S = 12.0
EVENT_S = 5.0
POLL_S = 0.05
#: Each is one question; more agents than this are a sample.
MAX_PHONES = 500
MAX_SOUNDS = 50
_NAME = re.compile(r"[0-9A-Za-z_.-]{1,80}")


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """What the dialer will use of this Asterisk."""

    queues: Sequence[str]
    trunks: Sequence[str]
    agents: Sequence[Agent] = ()
    #: Recordings that campaigns play, as Asterisk finds them.
    sounds: Sequence[str] = ()


class Session:
    """One AMI session of the doctor's own, over the link that the engine uses too."""

    def __init__(self, config: AmiConfig) -> None:
        # A person waits for the answer: shorter than in service.
        quick = dataclasses.replace(config, boot_timeout_s=5.0, list_timeout_s=8.0)
        self._inbox: Inbox[Message] = Inbox(10_000)
        self.link = AmiLink(quick, frozenset({"OriginateResponse", "UserEvent"}), self._inbox)

    async def open(self) -> None:
        """Raises LinkDown with the reason, after the first try that fails."""
        self.link.start()
        deadline = time.monotonic() + LOGIN_S
        while not self.link.is_up:
            if self.link.last_error or time.monotonic() > deadline:
                raise LinkDown(self.link.last_error or "Asterisk does not answer")
            await asyncio.sleep(POLL_S)

    async def heard(self, action_id: str) -> bool:
        """True when the event of this action comes, False when it does not in time."""
        try:
            async with asyncio.timeout(EVENT_S):
                async for message in self._inbox:
                    if isinstance(message, dict) and message.get("ActionID") == action_id:
                        return True
        except TimeoutError:
            return False
        return False

    async def told(self, event: str, name: str) -> Block | None:
        """The event of our dialplan about this name; None when it does not come in time."""
        try:
            async with asyncio.timeout(EVENT_S):
                async for message in self._inbox:
                    if not isinstance(message, dict):
                        continue
                    if (message.get("UserEvent"), message.get("Name")) == (event, name):
                        return message
        except TimeoutError:
            return None
        return None

    async def value(self, expression: str) -> str:
        """A dialplan function's value, "" where Asterisk does not know it."""
        reply = await self.link.send({"Action": "Getvar", "Variable": expression})
        return reply.get("Value", "")


@asynccontextmanager
async def session(config: AmiConfig) -> AsyncIterator[Session]:
    opened = Session(config)
    try:
        await opened.open()
        yield opened
    finally:
        await opened.link.close()


def unreachable(config: AmiConfig, error: LinkDown) -> Finding:
    text = error.message
    if "cannot reach" in text:
        fix = (
            "is Asterisk running? DIALER_AMI_HOST and DIALER_AMI_PORT must be those of manager.conf"
            " (enabled = yes, bindaddr, port)"
        )
    else:
        text = f"{config.host}:{config.port}: {text}"
        fix = (
            f"compare DIALER_AMI_USERNAME ({config.username}) and DIALER_AMI_SECRET with"
            " dialer_manager.conf; `permit` there must have this machine; then `manager reload`"
        )
    return failed("AMI login", text, fix)


def logged_in(config: AmiConfig) -> Finding:
    return ok("AMI login", f"{config.host}:{config.port} as {config.username}")


async def check_rights(ami: Session) -> list[Finding]:
    granted = (await ami.link.send({"Action": "ListCommands"})).keys()
    refusals = {action: await _refusal(ami, action) for action in missing_of(granted)}
    return judge_rights(granted, refusals)


async def _refusal(ami: Session, action: str) -> str:
    # Without any header: known and allowed ones are refused too, but in other words.
    try:
        await ami.link.send({"Action": action})
    except ActionRefused as refusal:
        return refusal.message
    return ""


async def check_events(ami: Session) -> list[Finding]:
    """Deletes the record of an attempt that never was: harmless, and needs all of the way."""
    nobody = ids.attempt_id(0, datetime.now(UTC), secrets.randbits(50))
    await ami.link.send({**encode.acknowledge([nobody]), "ActionID": nobody})
    return [judge.judge_events(came=await ami.heard(nobody))]


async def check_version(ami: Session) -> list[Finding]:
    settings = await ami.link.send({"Action": "CoreSettings"})
    return [judge.judge_version(settings.get("AsteriskVersion", ""))]


async def check_clock(ami: Session) -> list[Finding]:
    before = time.time()
    pong = await ami.link.send({"Action": "Ping"})
    return [judge.judge_clock(pong.get("Timestamp", ""), before, time.time())]


async def check_dialplan(ami: Session) -> list[Finding]:
    contexts = judge.shipped_contexts()
    missing = [context for context in contexts if not await _has_context(ami, context)]
    return [judge.judge_dialplan(missing, len(contexts))]


async def _has_context(ami: Session, context: str) -> bool:
    try:
        await ami.link.collect({"Action": "ShowDialPlan", "Context": context})
    except ActionRefused as refusal:
        if "did not find" in refusal.message.lower():
            return False
        raise
    return True


async def check_queues(ami: Session, expected: Expected) -> list[Finding]:
    rows = await ami.link.collect({"Action": "QueueSummary"})
    return [judge.judge_queues(expected.queues, {row.get("Queue", "") for row in rows})]


async def check_agents(ami: Session, expected: Expected) -> list[Finding]:
    rows = await _rows(ami, "Agents")
    wanted = [agent.extension for agent in expected.agents if agent.mode == "off_hook"]
    return [judge.judge_agents(wanted, {row.get("Agent", "") for row in rows})]


async def check_phones(ami: Session, expected: Expected) -> list[Finding]:
    states = {
        agent.extension: await ami.value(f"DEVICE_STATE(PJSIP/{agent.extension})")
        for agent in expected.agents[:MAX_PHONES]
        if _NAME.fullmatch(agent.extension)
    }
    return [judge.judge_phones(states)] if states else []


async def check_sounds(ami: Session, expected: Expected) -> list[Finding]:
    """Has Asterisk open each recording, behind its end, so that nothing is played."""
    playable = {name: await _can_play(ami, name) for name in expected.sounds[:MAX_SOUNDS]}
    return [judge.judge_sounds(playable)] if playable else []


async def _can_play(ami: Session, name: str) -> bool:
    await ami.link.send(encode.try_sound(name))
    told = await ami.told("DialerSound", name)
    return told is not None and told.get("Status") != "ERROR"


async def check_trunks(ami: Session, expected: Expected) -> list[Finding]:
    if not expected.trunks:
        return [judge.no_trunk()]
    return [await _trunk(ami, trunk) for trunk in expected.trunks]


async def _trunk(ami: Session, trunk: str) -> Finding:
    # A name with other characters could be read as more than a name by Getvar.
    if not _NAME.fullmatch(trunk):
        return failed(f"Trunk {trunk!r}", "is not a name", "correct it in the campaign")
    return judge.judge_trunk(trunk, await ami.value(f"DEVICE_STATE(PJSIP/{trunk})"))


async def check_registrations(ami: Session) -> list[Finding]:
    return judge.judge_registrations(await _rows(ami, "PJSIPShowRegistrationsOutbound"))


async def _rows(ami: Session, action: str) -> list[Block]:
    """Empty where Asterisk has not loaded the module of this list: then there is nothing in it."""
    try:
        return await ami.link.collect({"Action": action})
    except ActionRefused as refusal:
        if "unknown command" in refusal.message.lower():
            return []
        raise
