"""`dialer doctor`: which AMI rights the dialer's user has, from what Asterisk lets it do. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cli.doctor_findings import Finding, failed, ok, warning

#: Actions that we send, with their AMI class and the module that brings them.
NEEDED = {
    "Originate": ("originate", "Asterisk itself"),
    "Hangup": ("call", "Asterisk itself"),
    "Getvar": ("call", "Asterisk itself"),
    "ControlPlayback": ("call", "app_controlplayback.so"),
    "CoreShowChannels": ("reporting", "Asterisk itself"),
    "CoreStatus": ("reporting", "Asterisk itself"),
    "CoreSettings": ("reporting", "Asterisk itself"),
    "DBGet": ("reporting", "Asterisk itself"),
    "DBGetTree": ("reporting", "Asterisk itself"),
    "ShowDialPlan": ("reporting", "Asterisk itself"),
    "QueueAdd": ("agent", "app_queue.so"),
    "QueueRemove": ("agent", "app_queue.so"),
    "QueuePause": ("agent", "app_queue.so"),
    "AgentLogoff": ("agent", "app_agent_pool.so"),
}
#: One action of each class that we must not have: it gives away the machine or the configuration.
UNWANTED = {
    "Command": "command",
    "ModuleLoad": "system",
    "UpdateConfig": "config",
}
WANTED_WRITE = "write = call,agent,originate,reporting"


def missing_of(granted: Collection[str]) -> list[str]:
    return [action for action in NEEDED if action not in granted]


def judge_rights(granted: Collection[str], refusals: Mapping[str, str]) -> list[Finding]:
    """`refusals` has Asterisk's words about each action that is missing in `granted`."""
    denied = [action for action, words in refusals.items() if "denied" in words.lower()]
    unknown = [action for action in refusals if action not in denied]
    return [*_denied(denied), *_unknown(unknown), _excess(granted)]


def _denied(actions: list[str]) -> list[Finding]:
    if not actions:
        return [ok("AMI rights", "originate, call, agent and reporting are granted")]
    classes = sorted({NEEDED[action][0] for action in actions})
    text = f"the right {', '.join(classes)} is missing ({', '.join(actions)} refused)"
    fix = f"`{WANTED_WRITE}` for the user in manager.conf, then `manager reload`"
    return [failed("AMI rights", text, fix)]


def _unknown(actions: list[str]) -> list[Finding]:
    if not actions:
        return []
    modules = sorted({NEEDED[action][1] for action in actions})
    text = f"Asterisk does not know {', '.join(actions)}"
    fix = f"load {', '.join(modules)} (modules.conf, then `module load`)"
    # Agents whose phone rings for each call need no agent pool.
    if modules == ["app_agent_pool.so"]:
        return [warning("Asterisk modules", f"{text}: no off-hook agents", fix)]
    return [failed("Asterisk modules", text, fix)]


def _excess(granted: Collection[str]) -> Finding:
    classes = [right for action, right in UNWANTED.items() if action in granted]
    if not classes:
        return ok("AMI rights not needed", "command, system and config are not granted")
    text = f"{', '.join(classes)} granted: whoever has the secret has this machine's Asterisk"
    return warning("AMI rights not needed", text, f"only `{WANTED_WRITE}` in manager.conf")
