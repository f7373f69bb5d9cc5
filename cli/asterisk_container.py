"""One Asterisk of the rig as a container: pbx, simulated carrier or phones, by the same templates.

`python -m cli.asterisk_container start ROLE` writes the configuration and becomes Asterisk;
`python -m cli.asterisk_container check ROLE` ends with 0 when the role does its work.
Standard library only: the image has no other.
"""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.asterisk_config import ROLES, Layout, Node, write_instance
from cli.asterisk_install import AsteriskBinary, AsteriskError, config_source, host_binary

HOME = Path("/var/lib/dialer")
SIP_PORT = 5060
REFUSER_PORT = 5061
AMI_PORT = 5038
CHECK_TIMEOUT_S = 4.0
#: Two sockets a call and the queue's helpers: more than the usual soft limit of 1024.
MAX_FILES = 65_536
LOOPBACK_PERMIT = "permit = 127.0.0.0/255.0.0.0\n"
#: DIALPLAN_SILENCE_S=4 in the environment sets the global SILENCE_S of the role's dialplan.
GLOBAL_PREFIX = "DIALPLAN_"


def layout(env: Mapping[str, str]) -> Layout:
    """Who is where. Raises AsteriskError naming the variable that is missing."""
    try:
        return Layout(
            pbx=Node(env["DIALER_PBX_ADDRESS"], SIP_PORT),
            carrier=Node(env["DIALER_CARRIER_ADDRESS"], SIP_PORT),
            phones=Node(env["DIALER_PHONES_ADDRESS"], SIP_PORT),
            refuser=Node(env["DIALER_CARRIER_ADDRESS"], REFUSER_PORT),
            ami_port=AMI_PORT,
            ami_secret=env["DIALER_AMI_SECRET"],
            phone_secret=env["DIALER_PHONE_SECRET"],
            n_phones=int(env["DIALER_N_PHONES"]),
        )
    except KeyError as missing:
        raise AsteriskError(f"set {missing} in the environment of this container") from None


def with_permit(text: str, networks: str) -> str:
    """The AMI user's section with these networks (separated by commas) let in beside loopback."""
    lines = "".join(f"permit = {network.strip()}\n" for network in networks.split(","))
    return text.replace(LOOPBACK_PERMIT, LOOPBACK_PERMIT + lines, 1)


def with_globals(text: str, env: Mapping[str, str]) -> str:
    """A dialplan with the globals that the environment sets. Raises AsteriskError for others."""
    for variable in sorted(name for name in env if name.startswith(GLOBAL_PREFIX)):
        name = variable.removeprefix(GLOBAL_PREFIX)
        line = f"{name} = {env[variable]}".replace("\\", r"\\")
        text, n_found = re.subn(rf"^{re.escape(name)} = .*$", line, text, flags=re.MULTILINE)
        if n_found != 1:
            raise AsteriskError(f"{variable}: the dialplan has no global {name}")
    return text


def configure(role: str, env: Mapping[str, str], binary: AsteriskBinary, home: Path) -> Path:
    """Write one role's configuration below `home`; the path of its asterisk.conf."""
    folder = home / role
    write_instance(layout(env), binary, role, folder, folder / "run")
    etc = folder / "etc"
    if role == "pbx":
        manager = etc / "dialer_manager.conf"
        manager.write_text(with_permit(manager.read_text(), env["DIALER_AMI_PERMIT"]))
    extensions = etc / "extensions.conf"
    extensions.write_text(with_globals(extensions.read_text(), env))
    return etc / "asterisk.conf"


def start(role: str, env: Mapping[str, str]) -> None:
    """Does not return: this process becomes Asterisk. Raises AsteriskError."""
    binary = host_binary()
    if binary is None:
        raise AsteriskError("this image has no usable Asterisk 18 or newer: build it again")
    conf = configure(role, env, binary, HOME)
    if role == "carrier":
        _start_refuser(layout(env).refuser)
    _raise_file_limit()
    print(f"{role}: {binary.version}", flush=True)
    os.execv(binary.program, [str(binary.program), "-C", str(conf), "-f"])  # noqa: S606


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _start_refuser(node: Node) -> None:
    # A child of what becomes Asterisk; the container's end is its end, `check` sees it missing.
    script = str(config_source() / "carrier/fake_sip_refuser.py")
    subprocess.Popen([sys.executable, script, node.address, str(node.sip_port)])


def check(role: str, env: Mapping[str, str]) -> str | None:
    """What is wrong with a running role; None when nothing is."""
    if "fully booted" not in _console(role, "core waitfullybooted").lower():
        return "Asterisk is not fully booted"
    if role == "phones":
        n_phones, n_registered = layout(env).n_phones, _n_registered()
        return None if n_registered >= n_phones else f"{n_registered} of {n_phones} registered"
    if role == "carrier" and not refuses(layout(env).refuser):
        return "the SIP refuser does not answer"
    return None


def _n_registered() -> int:
    return len(re.findall(r"\sRegistered\b", _console("phones", "pjsip show registrations")))


def _console(role: str, command: str) -> str:
    conf = HOME / role / "etc/asterisk.conf"
    done = subprocess.run(
        ["asterisk", "-C", str(conf), "-rx", command],
        capture_output=True,
        text=True,
        timeout=CHECK_TIMEOUT_S,
        check=False,
    )
    return done.stdout


def refuses(node: Node) -> bool:
    """True when a call is refused there with the code that it asks for."""
    invite = (
        f"INVITE sip:603@{node.address} SIP/2.0\r\nVia: SIP/2.0/UDP check;branch=z9hG4bKcheck\r\n"
        "From: <sip:check@check>;tag=1\r\nTo: <sip:603@check>\r\nCall-ID: check\r\n"
        "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(CHECK_TIMEOUT_S)
        sock.sendto(invite.encode(), (node.address, node.sip_port))
        try:
            return sock.recv(2048).startswith(b"SIP/2.0 603 ")
        except OSError:
            return False


def main(arguments: list[str], env: Mapping[str, str]) -> int:
    """Exit status: 0 healthy, 1 not, 64 for a wrong command line."""
    if len(arguments) != 2 or arguments[0] not in ("start", "check") or arguments[1] not in ROLES:
        print(f"usage: start|check {'|'.join(ROLES)}", file=sys.stderr)
        return 64
    verb, role = arguments
    try:
        if verb == "start":
            start(role, env)
        problem = check(role, env)
    except (AsteriskError, OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem:
        print(f"{role}: {problem}", file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
