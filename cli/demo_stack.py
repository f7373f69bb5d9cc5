"""What the demo runs: Asterisk, Redis and our processes, all of its own, in one folder."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from cli.asterisk_install import (
    AsteriskBinary,
    AsteriskError,
    cache_dir,
    host_binary,
    unpacked_binary,
)
from cli.asterisk_process import tail
from cli.asterisk_rig import Rig
from cli.demo_api import DemoApi
from cli.processes import Child, Children
from cli.settings import Settings
from engine.store.embedded import EmbeddedRedis
from engine.store.loopback import HOST, free_port

#: In the order in which they start; they end the other way round.
PARTS = ("worker", "engine", "api")
POLL_S = 0.1
SHORT_TAIL = 8
INSTALL_END_S = 10.0


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Interrupted(Exception):
    """Somebody asked for the end: ctrl-c, or a signal."""


class Interruption:
    """SIGINT, SIGTERM and SIGHUP set a flag that every wait looks at; nothing is torn apart."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.number = 0

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._ask) for number in self.SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        self._asked.set()

    def sleep(self, seconds: float) -> None:
        """Raises Interrupted as soon as somebody asks for the end."""
        if self._asked.wait(seconds):
            raise Interrupted

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Poll; False when the condition does not hold within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() >= deadline:
                return False
            self.sleep(POLL_S)
        return True


def installed_binary() -> AsteriskBinary | None:
    """The Asterisk that `dialer asterisk install` would give without fetching anything."""
    try:
        return host_binary() or unpacked_binary(cache_dir())
    except (AsteriskError, OSError):
        return None


class Installation:
    """`dialer asterisk install` as a process with its own group, so that it can be ended whole."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "install.log"
        self._child = Child(["asterisk", "install"], {}, self._log)

    def run(self, interruption: Interruption, say: Callable[[float], None]) -> AsteriskBinary:
        """`say` is told the seconds so far. Raises DemoError with the installer's own words."""
        self._child.start()
        began = time.monotonic()
        try:
            while self._child.is_alive():
                say(time.monotonic() - began)
                interruption.sleep(0.2)
        finally:
            self._end()
        binary = installed_binary()
        if binary is None:
            raise DemoError(f"Asterisk could not be installed:\n{tail(self._log)}")
        return binary

    def _end(self) -> None:
        process = self._child.process
        assert process is not None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(INSTALL_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(INSTALL_END_S)


class Stack:
    """Context manager; on the way out everything ends, in the opposite order of its start."""

    def __init__(self, n_agents: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dialer-demo-"))
        self.token = secrets.token_urlsafe(24)
        self.port = free_port()
        self.rig: Rig | None = None
        self.redis_url = ""
        self.children = Children()
        #: Set where the folder is worth looking at afterwards.
        self.keep_folder = False
        self._n_agents = n_agents
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.close()
        if not self.keep_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def root(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start_asterisk(self, binary: AsteriskBinary) -> Rig:
        """Raises AsteriskError with the log's last lines."""
        rig = Rig(self.folder / "asterisk", n_phones=self._n_agents, binary=binary)
        rig.folder.mkdir(parents=True, exist_ok=True)
        self.rig = self._exit.enter_context(rig)
        return rig

    def start_redis(self) -> None:
        """A server of its own, whatever REDIS_URL says. Raises StoreUnavailable."""
        server = EmbeddedRedis(self.folder / "redis", free_port())
        self.redis_url = server.start()
        self._exit.callback(server.stop)

    def start_processes(self) -> None:
        self._exit.enter_context(self.children)
        env = self._env()
        for part in PARTS:
            self.children.start(Child([part], env, self.log_of(part)))

    def open_api(self) -> DemoApi:
        api = DemoApi(self.root, self.token)
        self._exit.callback(api.close)
        return api

    def log_of(self, part: str) -> Path:
        return self.folder / f"{part}.log"

    def logs(self) -> str:
        """The last lines of each log, for error messages."""
        logs = [self.log_of(part) for part in PARTS]
        if self.rig is not None:
            logs.append(self.rig.instance_dir("pbx") / "log/messages")
        return "\n".join(f"--- {log}\n{tail(log, SHORT_TAIL)}" for log in logs)

    def _env(self) -> Mapping[str, str]:
        """Every setting, so that neither the caller's environment nor a .env has a say."""
        assert self.rig is not None
        return {
            **self.rig.env(),
            "DIALER_REDIS_URL": self.redis_url,
            "DIALER_RQ_REDIS_URL": self.redis_url,
            "REDIS_URL": self.redis_url,
            "RQ_REDIS_URL": self.redis_url,
            "DIALER_DATA_DIR": str(self.folder),
            "DIALER_HOST": HOST,
            "DIALER_PORT": str(self.port),
            "DIALER_ADMIN_TOKEN": self.token,
            "DIALER_TRUNKS": "carrier",
            "DIALER_MAX_UPLOAD_BYTES": "1000000",
            "DIALER_NODE": "pbx",
            "DIALER_QUEUES": ",".join(Settings.model_fields["queues"].default),
            "DIALER_LEASE_S": str(Settings.model_fields["lease_s"].default),
            "DIALER_LOG_LEVEL": "info",
            "NO_COLOR": "1",
        }
