"""Orders about calls as AMI headers; what could mean anything else to the dialplan is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.core import ids
from engine.core.call_state import CAUSE_CANCELLED
from engine.core.errors import ActionRefused
from engine.ports import DialOrder, Prompt
from telephony.agents import queue_name
from telephony.wire import PUSH_HANGUP_HANDLER, Headers, variable

#: Attempts whose records one action deletes: their ids fill half of the longest line.
ACK_BATCH = 20

_E164 = re.compile(r"\+[1-9][0-9]{2,14}")
_TRUNK = re.compile(r"[0-9A-Za-z_.-]{1,80}")
_SOUND = re.compile(r"[0-9A-Za-z_./-]{1,200}")
_EXTENSION = re.compile(r"[0-9A-Za-z]{1,40}")
_KEY = re.compile(r"[0-9*#]")
_KEY_ACTION = re.compile(
    r"confirm|repeat|optout|queue:[0-9A-Za-z_.-]{1,80}|goto:[0-9A-Za-z_.-]{1,80}:[0-9A-Za-z_]{1,40}"
)
#: Keys that a variable's name cannot have.
_KEY_NAMES = {"*": "S", "#": "P"}


def originate(order: DialOrder) -> Headers:
    """Raises ActionRefused for an order that must not reach a dialplan."""
    if ids.campaign_of(order.attempt_id) is None:
        raise ActionRefused("this is not an attempt id")
    phone = _checked(_E164, order.phone, "phone")
    trunk = _checked(_TRUNK, order.trunk, "trunk")
    return {
        "Action": "Originate",
        # Its own name for the action too: a call for which no channel can be made has no other.
        "ActionID": order.attempt_id,
        "Channel": f"PJSIP/{phone[1:]}@{trunk}",
        "ChannelId": order.attempt_id,
        "Context": "dialer-out",
        "Exten": "s",
        "Priority": "1",
        "CallerID": f'"" <{_checked(_E164, order.caller_id, "caller id")}>',
        "Timeout": str(max(1, order.ring_timeout_s) * 1000),
        "Async": "true",
        "EarlyMedia": "false",
        "Variable": [PUSH_HANGUP_HANDLER, *_variables(order)],
    }


def hang_up(attempt_id: str) -> Headers:
    """The cause ends up in the record and so tells that it was our doing."""
    return {"Action": "Hangup", "Channel": attempt_id, "Cause": str(CAUSE_CANCELLED)}


def wake_caller(attempt_id: str) -> Headers:
    """The queue looks up from its wait as if a key had been pressed, and no key goes anywhere.

    Where it comes too late it does nothing: a conversation ignores it, and the message, which
    advances in steps of a millisecond, is heard whole. A pressed key would reach the agent instead,
    and half of one (a begin without an end) makes a phone sound on or go deaf.
    """
    return {"Action": "ControlPlayback", "Channel": attempt_id, "Control": "forward"}


def device_state(trunk: str) -> Headers:
    """Asked of a function, because listing endpoints needs the class `system`."""
    name = _checked(_TRUNK, trunk, "trunk")
    return {"Action": "Getvar", "Variable": f"DEVICE_STATE(PJSIP/{name})"}


def get_variable(attempt_id: str, name: str) -> Headers:
    return {"Action": "Getvar", "Channel": attempt_id, "Variable": name}


def try_sound(name: str) -> Headers:
    """Have Asterisk open a recording; it tells by UserEvent DialerSound."""
    return {
        "Action": "Originate",
        "Channel": "Local/silent@dialer-sound",
        "Context": "dialer-sound",
        "Exten": "play",
        "Priority": "1",
        "Async": "true",
        "Variable": variable("DIALER_PROMPT", _checked(_SOUND, name, "recording's name")),
    }


def acknowledge(attempt_ids: Sequence[str]) -> Headers:
    """At most ACK_BATCH ids. Deleting through a channel needs no right to write AstDB."""
    for attempt_id in attempt_ids:
        if ids.campaign_of(attempt_id) is None:
            raise ActionRefused("this is not an attempt id")
    return {
        "Action": "Originate",
        "Channel": "Local/batch@dialer-ack",
        "Context": "dialer-ack",
        "Exten": "batch",
        "Priority": "1",
        "Async": "true",
        "Variable": variable("DIALER_ACK", "&".join(attempt_ids)),
    }


def _variables(order: DialOrder) -> list[str]:
    found = {
        "__DIALER_ATTEMPT": order.attempt_id,
        "__DIALER_CAMPAIGN": str(order.campaign_id),
        "__DIALER_CONTACT": str(order.contact_id),
        "__DIALER_NUMBER": order.phone,
        **_of_place(order),
        # To Asterisk's queue 0 is already over, and nothing is for ever.
        "DIALER_DEADLINE": str(max(1, int(order.connect_deadline_s))),
        "DIALER_OPTOUT_KEY": _checked(_KEY, order.opt_out_key, "opt-out key"),
    }
    if order.machine_message is not None:
        found |= {
            "DIALER_MACHINE": "message",
            "DIALER_MACHINE_MESSAGE": _checked(_SOUND, order.machine_message, "machine's message"),
        }
    if order.amd:
        found |= {"DIALER_AMD": "1", "DIALER_AMD_FROM": order.connect_deadline_from}
    if order.message is not None:
        found["DIALER_MESSAGE"] = _checked(_SOUND, order.message, "message")
    if order.ringback:
        found["DIALER_RINGBACK"] = "1"
    if order.agent is not None:
        found |= {
            "DIALER_AGENT": _checked(_EXTENSION, order.agent, "agent's extension"),
            "DIALER_AGENT_MODE": order.agent_mode,
        }
    return [variable(name, value) for name, value in found.items()]


def _of_place(order: DialOrder) -> dict[str, str]:
    """Where an answered person goes."""
    if order.prompt is None:
        return {"DIALER_QUEUE": queue_name(order.queue)}
    return _of_prompt(order.prompt)


def _of_prompt(prompt: Prompt) -> dict[str, str]:
    """Raises ActionRefused for a message that nobody could opt out of."""
    if "optout" not in prompt.keys.values():
        raise ActionRefused("the message has no key to opt out with")
    found = {
        "DIALER_MODE": "agentless",
        "DIALER_PROMPT": _checked(_SOUND, prompt.message, "message"),
        "DIALER_KEYS": "".join(_checked(_KEY, key, "key") for key in prompt.keys),
        "DIALER_KEY_WAIT": str(prompt.wait_for_key_s),
        "DIALER_MAX_REPEATS": str(prompt.max_repeats),
        "DIALER_TRANSFER_WAIT": str(prompt.transfer_wait_s),
    }
    for key, action in prompt.keys.items():
        found[f"DIALER_KEY_{_KEY_NAMES.get(key, key)}"] = _checked(
            _KEY_ACTION, action, "action of a key"
        )
    return found


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    # Never quotes the value: it may be a person's number.
    if not pattern.fullmatch(value):
        raise ActionRefused(f"the {what} has a form that is not allowed")
    return value
