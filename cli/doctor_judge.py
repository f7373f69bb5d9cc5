"""`dialer doctor`: what Asterisk's answers mean. Pure but for reading our shipped dialplan."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from cli.asterisk_install import OLDEST_RELEASE, config_source, release
from cli.doctor_findings import Finding, failed, ok, warning

#: Our and Asterisk's stamps are compared in reports; redials and deadlines use one of them each.
CLOCK_WARN_S = 1.0
CLOCK_FAIL_S = 10.0
SHOWN = 5
GONE = ("INVALID", "UNKNOWN")
Rows = Sequence[Mapping[str, str]]


def some(names: Collection[str]) -> str:
    """The first few, and how many more."""
    ordered = list(names)
    rest = len(ordered) - SHOWN
    return ", ".join(ordered[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def judge_version(version: str) -> Finding:
    found, oldest = release(f"Asterisk {version}"), OLDEST_RELEASE[0]
    if found == (0, 0):
        fix = f"make sure that it is Asterisk {oldest} or newer"
        return warning("Asterisk version", f"{version or 'it'} tells no release", fix)
    if found < OLDEST_RELEASE:
        return failed("Asterisk version", f"{version} is too old", f"install {oldest} or newer")
    return ok("Asterisk version", version)


def judge_events(*, came: bool) -> Finding:
    if came:
        return ok("AMI events", "the end of an originate is reported")
    fix = "`read = system,call,agent,user` and the eventfilter lines of dialer_manager.conf"
    return failed("AMI events", "an originate's OriginateResponse did not arrive", fix)


def judge_clock(stamp: str, before: float, after: float) -> Finding:
    """`before` and `after` are our instants around the question, `stamp` is Asterisk's between."""
    name, fix = "Clock", "run an NTP client on both machines"
    try:
        theirs = float(stamp)
    except ValueError:
        return warning(name, "Asterisk's Ping has no timestamp to compare with", fix)
    apart_s = max(0.0, before - theirs, theirs - after)
    text = f"Asterisk's and ours are {apart_s:.3f} s apart"
    if apart_s > CLOCK_FAIL_S:
        return failed(name, text, fix)
    return warning(name, text, fix) if apart_s > CLOCK_WARN_S else ok(name, text)


def shipped_contexts() -> list[str]:
    """The contexts of dialer_extensions.conf."""
    text = (config_source() / "pbx/dialer_extensions.conf").read_text()
    return re.findall(r"^\[([a-z][a-z0-9-]*)\]", text, flags=re.MULTILINE)


def judge_dialplan(missing: Sequence[str], n_contexts: int) -> Finding:
    if not missing:
        return ok("Dialplan", f"all {n_contexts} contexts of ours are there")
    fix = "`#include dialer_extensions.conf` in extensions.conf, then `dialplan reload`"
    if len(missing) < n_contexts:
        fix = f"the file is of an older version: copy it anew. {fix}"
    return failed("Dialplan", f"contexts missing: {', '.join(missing)}", fix)


def judge_queues(wanted: Sequence[str], found: Collection[str]) -> Finding:
    missing = [queue for queue in wanted if queue not in found]
    if not missing:
        return ok("Queues", f"all {len(wanted)} of DIALER_QUEUES are there")
    fix = "`#include dialer_queues.conf` in queues.conf, then `queue reload all`;"
    fix += " or name yours in DIALER_QUEUES"
    return failed("Queues", f"missing: {some(missing)}", fix)


def judge_agents(wanted: Sequence[str], found: Collection[str]) -> Finding:
    name = "Off-hook agents"
    fix = "a section for each in dialer_agents.conf (#include in agents.conf), then"
    fix += " `module reload app_agent_pool.so`"
    missing = [extension for extension in wanted if extension not in found]
    if missing:
        return failed(name, f"agents.conf does not have: {some(missing)}", fix)
    if not wanted and not found:
        return warning(name, "agents.conf has none: only on-hook agents can work", fix)
    if not wanted:
        return ok(name, f"{len(found)} in agents.conf; the dialer has no off-hook agent yet")
    return ok(name, f"all {len(wanted)} are in agents.conf")


def judge_phones(states: Mapping[str, str]) -> Finding:
    """`states` has the device state of each agent's phone."""
    gone = [extension for extension, state in states.items() if state in GONE]
    away = [extension for extension, state in states.items() if state == "UNAVAILABLE"]
    if gone:
        fix = "a PJSIP endpoint of that name for each, as in dialer_pjsip_phones.conf"
        return failed("Agents' phones", f"no endpoint: {some(gone)}", fix)
    if away:
        fix = "switch these phones on, and check their credentials"
        return warning("Agents' phones", f"not registered: {some(away)}", fix)
    return ok("Agents' phones", f"all {len(states)} can be reached")


def judge_sounds(playable: Mapping[str, bool]) -> Finding:
    """`playable`: recordings that campaigns name, and whether Asterisk can open each."""
    name = "Recordings"
    missing = [sound for sound, found in playable.items() if not found]
    if not missing:
        return ok(name, f"Asterisk can play all {len(playable)} that campaigns name")
    fix = (
        "DIALER_SOUNDS_DIR must be a folder that Asterisk reads, DIALER_SOUNDS_PATH its name there;"
        " on another machine run `dialer sounds sync DIR`"
    )
    return failed(name, f"Asterisk cannot play {some(missing)}", fix)


def no_trunk() -> Finding:
    fix = "name one: `dialer doctor --trunk NAME`, DIALER_TRUNKS, or a campaign's settings"
    return warning("Trunk", "none is known, so none was checked", fix)


def judge_trunk(trunk: str, state: str) -> Finding:
    """`state` is the device state of its PJSIP endpoint."""
    name = f"Trunk {trunk}"
    if state in GONE:
        fix = "name the endpoint as in pjsip.conf (an example is dialer_pjsip_trunk.conf)"
        return failed(name, "Asterisk has no PJSIP endpoint of that name", fix)
    if state == "UNAVAILABLE":
        fix = "`pjsip show endpoint` there: address, credentials, firewall, carrier's own state"
        return failed(name, "the endpoint is there, but the carrier does not answer", fix)
    if not state:
        fix = "load func_devstate.so, and ask again"
        return warning(name, "its state cannot be read", fix)
    return ok(name, f"the endpoint is there and not known to be away ({state.lower()})")


def judge_registrations(rows: Rows) -> list[Finding]:
    """Outbound registrations, where the carrier wants one."""
    if not rows:
        return []
    bad = [row for row in rows if row.get("Status") != "Registered"]
    if not bad:
        return [ok("Registrations", f"all {len(rows)} outbound ones stand")]
    named = [f"{row.get('ObjectName', '?')} {row.get('Status', '?').lower()}" for row in bad]
    fix = "`pjsip show registrations` there: credentials, address; then `pjsip send register`"
    return [failed("Registrations", some(named), fix)]
