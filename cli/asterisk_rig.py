"""A rig: pbx, simulated carrier and agents' phones, started and stopped together."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from cli import asterisk_layout
from cli.asterisk_cdr import CarrierCall, Heard, read_carrier_cdrs, read_heard
from cli.asterisk_config import ROLES, Layout, write_instance
from cli.asterisk_install import AsteriskBinary, AsteriskError, config_source, install
from cli.asterisk_process import end, is_alive, launch, tail, wait_until

AMI_USERNAME = "dialer"
REFUSER = "refuser"
PROCESSES = (*ROLES, REFUSER)
BOOT_TIMEOUT_S = 40.0
CLI_TIMEOUT_S = 20.0
STOP_GRACE_S = 3.0
# The kernel's limit for the name of a unix socket is 108 bytes.
MAX_SOCKET_PATH = 100
PHONE_SETTINGS = ("behaviour", "answer_ms", "talk_ms", "voice")


class Rig:
    """Three Asterisk instances in one folder, on addresses of their own; a context manager.

    A rig that runs in `folder` already is found again: status, cli and stop work on it from
    another process.
    """

    def __init__(
        self, folder: Path, *, n_phones: int = 10, binary: AsteriskBinary | None = None
    ) -> None:
        self.folder = folder.resolve()
        self._binary = binary
        state = asterisk_layout.load(self.folder)
        if state is None or not any(map(is_alive, state.processes.values())):
            state = self._new_state(n_phones)
        self._state = state

    def _new_state(self, n_phones: int) -> asterisk_layout.RigState:
        run = self.folder / "run"
        if len(str(run / "carrier/asterisk.ctl")) > MAX_SOCKET_PATH:
            run = Path(tempfile.gettempdir()) / f"dialer-{secrets.token_hex(8)}"
        return asterisk_layout.RigState(asterisk_layout.new_layout(n_phones), run, {})

    @property
    def binary(self) -> AsteriskBinary:
        """The program; found or installed on first use."""
        if self._binary is None:
            self._binary = install()
        return self._binary

    @property
    def layout(self) -> Layout:
        return self._state.layout

    @property
    def ami_host(self) -> str:
        return self.layout.pbx.address

    @property
    def ami_port(self) -> int:
        return self.layout.ami_port

    @property
    def ami_username(self) -> str:
        return AMI_USERNAME

    @property
    def ami_secret(self) -> str:
        return self.layout.ami_secret

    @property
    def extensions(self) -> list[str]:
        """The phones: 1001 and up."""
        return self.layout.extensions

    def env(self) -> dict[str, str]:
        """The settings with which our processes reach this rig's pbx."""
        return {
            "DIALER_AMI_HOST": self.ami_host,
            "DIALER_AMI_PORT": str(self.ami_port),
            "DIALER_AMI_USERNAME": self.ami_username,
            "DIALER_AMI_SECRET": self.ami_secret,
        }

    def instance_dir(self, role: str) -> Path:
        """Folder of pbx, carrier or phones: etc, log, var, spool."""
        return self.folder / role

    def start(self, roles: tuple[str, ...] = ROLES) -> Self:
        """Write the configurations, start what does not run, and wait until all of it is ready.

        Raises AsteriskError with the log's last lines; nothing is left running then.
        """
        try:
            for role in roles:
                if not self._alive(role):
                    self._launch(role)
            for role in roles:
                self._wait_booted(role)
            if "phones" in roles and "pbx" in roles:
                self._wait_registered()
        except BaseException:
            self.stop()
            raise
        return self

    def _launch(self, role: str) -> None:
        folder = self.instance_dir(role)
        # Whoever reaches the console's socket rules the instance.
        self._state.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_instance(self.layout, self.binary, role, folder, self._run_dir(role))
        command = [str(self.binary.program), "-C", str(self._conf(role)), "-f"]
        self._launch_as(role, command, folder / "log/stdout")
        if role == "carrier" and not self._alive(REFUSER):
            self._launch_refuser()

    def _launch_refuser(self) -> None:
        node = self.layout.refuser
        script = str(config_source() / "carrier/fake_sip_refuser.py")
        command = [sys.executable, script, node.address, str(node.sip_port)]
        self._launch_as(REFUSER, command, self.instance_dir("carrier") / "log/refuser")

    def _launch_as(self, name: str, command: list[str], log: Path) -> None:
        self._state.processes[name] = launch(command, log)
        asterisk_layout.save(self.folder, self._state)

    def _wait_booted(self, role: str) -> None:
        def booted() -> bool:
            self._check_alive(role)
            return "fully booted" in self._try_cli(role, "core waitfullybooted").lower()

        if not wait_until(booted, BOOT_TIMEOUT_S):
            raise AsteriskError(
                f"{role} did not start in {BOOT_TIMEOUT_S:.0f} s:\n{self.log_tail(role)}"
            )

    def _check_alive(self, role: str) -> None:
        if not self._alive(role):
            raise AsteriskError(f"{role} ended while starting:\n{self.log_tail(role)}")

    def _wait_registered(self) -> None:
        def registered() -> bool:
            contacts = self.cli("pbx", "pjsip show contacts")
            return all(f"  {ext}/sip:" in contacts for ext in self.extensions)

        if not wait_until(registered, BOOT_TIMEOUT_S):
            raise AsteriskError(f"the phones did not register in time:\n{self.log_tail('phones')}")

    def stop(self) -> None:
        """End every process of this rig; what is not running is no error."""
        processes = self._state.processes
        # A pbx that refused a second originate with a living id takes 16 s to end by itself.
        asked = [role for role in filter(self._alive, ROLES) if self._asked_to_stop(role)]
        wait_until(lambda: not any(map(self._alive, asked)), STOP_GRACE_S)
        for name in [name for name in PROCESSES if name in processes]:
            end(processes.pop(name), 0.0 if name in ROLES else STOP_GRACE_S)
            asterisk_layout.save(self.folder, self._state)
        shutil.rmtree(self._state.run_dir, ignore_errors=True)

    def _asked_to_stop(self, role: str) -> bool:
        return self._run_cli(role, "core stop now", STOP_GRACE_S) is not None

    def kill(self, name: str) -> None:
        """End one process as a crash would (SIGKILL); start() brings it back with its database."""
        process = self._state.processes.get(name)
        if process is not None:
            end(process, 0.0)

    def status(self) -> dict[str, int | None]:
        """The pid of each process, None where it does not run."""
        pids = {name: self._state.processes[name].pid for name in PROCESSES if self._alive(name)}
        return {name: pids.get(name) for name in PROCESSES}

    def cli(self, role: str, command: str) -> str:
        """The output of a console command. Raises AsteriskError when it does not answer."""
        done = self._run_cli(role, command)
        if done is None or done.returncode != 0:
            raise AsteriskError(f"{role} does not answer '{command}':\n{self.log_tail(role)}")
        return done.stdout

    def _try_cli(self, role: str, command: str) -> str:
        done = self._run_cli(role, command)
        return done.stdout if done is not None else ""

    def _run_cli(
        self, role: str, command: str, timeout_s: float = CLI_TIMEOUT_S
    ) -> subprocess.CompletedProcess[str] | None:
        words = [str(self.binary.program), "-C", str(self._conf(role)), "-rx", command]
        try:
            return subprocess.run(
                words,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return None

    def set_phones(self, **settings: str | int) -> None:
        """Set behaviour, answer_ms, talk_ms or voice of all phones without their own."""
        for name, value in settings.items():
            self.cli("phones", f"dialplan set global PHONE_{_setting(name).upper()} {value}")

    def set_phone(self, extension: str, **settings: str | int) -> None:
        """Set behaviour, answer_ms or talk_ms of one phone; lasts as long as the rig's folder."""
        for name, value in settings.items():
            self.cli("phones", f"database put phone {extension}/{_setting(name)} {value}")

    def reset_phone(self, extension: str) -> None:
        """Let one phone follow the settings of all again."""
        self._try_cli("phones", f"database deltree phone {extension}")

    def set_carrier(self, **globals_: str | int) -> None:
        """Set globals of the carrier, for example MIX_BUSY=25 or CARRIER_RECORD=1."""
        for name, value in globals_.items():
            self.cli("carrier", f"dialplan set global {name} {value}")

    def carrier_calls(self) -> list[CarrierCall]:
        """Every ended call that the carrier saw: the truth that tests compare with."""
        return read_carrier_cdrs(self.instance_dir("carrier"))

    def heard(self, call: CarrierCall) -> Heard | None:
        """What the called person heard; None unless CARRIER_RECORD was 1."""
        return read_heard(self.instance_dir("carrier"), call.uniqueid)

    def log_tail(self, role: str) -> str:
        """The last lines of an instance's log."""
        log = self.instance_dir(role) / "log"
        return "\n".join((tail(log / "stdout"), tail(log / "messages")))

    def _alive(self, name: str) -> bool:
        process = self._state.processes.get(name)
        return process is not None and is_alive(process)

    def _conf(self, role: str) -> Path:
        return self.instance_dir(role) / "etc/asterisk.conf"

    def _run_dir(self, role: str) -> Path:
        return self._state.run_dir / role

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _setting(name: str) -> str:
    if name not in PHONE_SETTINGS:
        raise ValueError(f"unknown phone setting {name}: one of {', '.join(PHONE_SETTINGS)}")
    return name
