"""The entry point of the Asterisk image, without the image."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.asterisk_config import Node
from cli.asterisk_container import configure, layout, main, refuses, with_globals, with_permit
from cli.asterisk_install import AsteriskBinary, AsteriskError, config_source

ENV = {
    "DIALER_PBX_ADDRESS": "10.213.77.10",
    "DIALER_CARRIER_ADDRESS": "10.213.77.11",
    "DIALER_PHONES_ADDRESS": "10.213.77.12",
    "DIALER_AMI_PERMIT": "10.213.77.0/255.255.255.0",
    "DIALER_AMI_SECRET": "ami-secret",
    "DIALER_PHONE_SECRET": "phone-secret",
    "DIALER_N_PHONES": "3",
}
START_S = 10.0


def written(role: str, home: Path, env: dict[str, str]) -> dict[str, str]:
    """The files that a container of this role writes at its start."""
    binary = AsteriskBinary(home / "asterisk", home / "modules", home / "data", "Asterisk 22.1.0")
    etc = configure(role, env, binary, home).parent
    return {path.name: path.read_text() for path in etc.iterdir()}


def test_the_pbx_lets_the_network_of_the_containers_in(tmp_path: Path) -> None:
    files = written("pbx", tmp_path, ENV)
    manager = files["dialer_manager.conf"]
    assert "permit = 127.0.0.0/255.0.0.0\npermit = 10.213.77.0/255.255.255.0\n" in manager
    assert "secret = ami-secret\n" in manager
    assert "bindaddr = 10.213.77.10\n" in files["manager.conf"]
    assert "[1003](dialer-agent)" in files["dialer_agents.conf"]


def test_the_carrier_refuses_by_its_helper_and_takes_globals(tmp_path: Path) -> None:
    files = written("carrier", tmp_path, ENV | {"DIALPLAN_SILENCE_S": "4"})
    assert "REFUSER = 10.213.77.11:5061\n" in files["extensions.conf"]
    assert "\nSILENCE_S = 4\n" in files["extensions.conf"]


def test_the_phones_talk_as_long_as_asked(tmp_path: Path) -> None:
    files = written("phones", tmp_path, ENV | {"DIALPLAN_PHONE_TALK_MS": "3000"})
    assert "\nPHONE_TALK_MS = 3000\n" in files["extensions.conf"]
    assert "[reg-1003]" in files["registrations_pjsip.conf"]


def test_a_global_that_is_not_there() -> None:
    with pytest.raises(AsteriskError, match="DIALPLAN_NOPE"):
        with_globals("[globals]\nSILENCE_S = 1\n", {"DIALPLAN_NOPE": "1"})


def test_a_variable_that_is_missing() -> None:
    with pytest.raises(AsteriskError, match="DIALER_PBX_ADDRESS"):
        layout({name: value for name, value in ENV.items() if "PBX" not in name})


def test_permit_of_several_networks() -> None:
    shipped = (config_source() / "pbx/dialer_manager.conf").read_text()
    assert with_permit(shipped, "10.0.0.0/8, 10.1.0.0/16").count("\npermit = ") == 3


@pytest.mark.parametrize("arguments", [[], ["start"], ["start", "nothing"], ["run", "pbx"]])
def test_a_wrong_command_line(arguments: list[str]) -> None:
    assert main(arguments, ENV) == 64


@pytest.fixture
def refuser() -> Iterator[Node]:
    """The carrier's helper, running."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    script = config_source() / "carrier/fake_sip_refuser.py"
    process = subprocess.Popen([sys.executable, str(script), "127.0.0.1", str(port)])
    yield Node("127.0.0.1", port)
    process.terminate()
    process.wait(START_S)


def test_the_check_of_the_refuser(refuser: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.asterisk_container.CHECK_TIMEOUT_S", 0.5)
    deadline = time.monotonic() + START_S
    while not refuses(refuser):
        assert time.monotonic() < deadline, "the refuser does not answer"
    assert not refuses(Node("127.0.0.1", 9))
