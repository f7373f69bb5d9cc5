"""Agents as Asterisk knows them: queue members, their pause, their login.

One interface for each agent in every queue, so that a pause or a busy line holds in all of them.
"""

from __future__ import annotations

import re

from engine.core.agent import Agent
from engine.core.call_events import Device
from engine.core.errors import ActionRefused
from telephony.wire import Headers

LOGIN_TIMEOUT_S = 30
#: Why a member that we have just put into a queue is paused, until the engine makes it ready.
JOINED = "joined"

_EXTENSION = re.compile(r"[0-9A-Za-z]{1,40}")
_QUEUE = re.compile(r"[0-9A-Za-z_.-]{1,80}")
_INTERFACE = re.compile(r"PJSIP/([0-9A-Za-z]+)|Local/([0-9A-Za-z]+)@dialer-agent/n")

#: Asterisk's device states; unknown (0) and invalid (4) are phones that cannot take a call.
_DEVICES = {
    "1": Device.NOT_IN_USE,
    "2": Device.IN_USE,
    "3": Device.IN_USE,  # busy
    "6": Device.RINGING,
    "7": Device.RINGING,  # ringing while in use
    "8": Device.IN_USE,  # on hold
}


def interface(agent: Agent) -> str:
    """The member's interface string, the same in every queue."""
    if agent.mode == "off_hook":
        return f"Local/{extension(agent)}@dialer-agent/n"
    return f"PJSIP/{extension(agent)}"


def state_interface(agent: Agent) -> str:
    """Whose state tells the queue that the agent is free."""
    if agent.mode == "off_hook":
        return f"Agent:{extension(agent)}"
    return f"PJSIP/{extension(agent)}"


def extension(agent: Agent) -> str:
    if not _EXTENSION.fullmatch(agent.extension):
        raise ActionRefused("an agent's extension may only have letters and digits")
    return agent.extension


def extension_of(interface: str) -> str | None:
    """The agent's extension; None for a member that is not of our making."""
    match = _INTERFACE.fullmatch(interface)
    return (match[1] or match[2]) if match else None


def device(status: str) -> Device:
    return _DEVICES.get(status, Device.UNAVAILABLE)


def add_member(queue: str, agent: Agent) -> Headers:
    return {
        "Action": "QueueAdd",
        "Queue": queue_name(queue),
        "Interface": interface(agent),
        "StateInterface": state_interface(agent),
        "MemberName": extension(agent),
        "Penalty": "0",
        "Paused": "true",
        "Reason": agent.wanted_pause or JOINED,
    }


def remove_member(queue: str, agent: Agent) -> Headers:
    return {"Action": "QueueRemove", "Queue": queue_name(queue), "Interface": interface(agent)}


def pause(agent: Agent, reason: str) -> Headers:
    """Without a queue's name: in all queues."""
    return {
        "Action": "QueuePause",
        "Interface": interface(agent),
        "Paused": "true",
        "Reason": reason,
    }


def unpause(agent: Agent) -> Headers:
    return {"Action": "QueuePause", "Interface": interface(agent), "Paused": "false"}


def log_in(agent: Agent) -> Headers:
    return {
        "Action": "Originate",
        "Channel": f"PJSIP/{extension(agent)}",
        "Context": "dialer-login",
        "Exten": extension(agent),
        "Priority": "1",
        "CallerID": f'"dialer-login" <{extension(agent)}>',
        "Timeout": str(LOGIN_TIMEOUT_S * 1000),
        "Async": "true",
    }


def log_off(agent: Agent) -> Headers:
    return {"Action": "AgentLogoff", "Agent": extension(agent), "Soft": "true"}


def queue_name(queue: str) -> str:
    if not _QUEUE.fullmatch(queue):
        raise ActionRefused("a queue's name has a character that is not allowed")
    return queue
