"""Who has the embedded server's folder: one owner, and one server that may outlive its owner."""

from __future__ import annotations

import fcntl
import socket
import time
from pathlib import Path
from typing import IO, Final

from engine.core.errors import StoreUnavailable
from engine.store.loopback import HOST

END_TIMEOUT_S: Final = 15.0


class FolderLock:
    """Locks that end with the processes that hold them, so that nothing stale can be left.

    `owner.lock` is ours. `server.lock` is inherited by the server: when its owner was killed, the
    next owner finds it held, and ends that server before it starts its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner: IO[bytes] | None = None

    def own(self) -> None:
        """Raises StoreUnavailable when another process has the folder."""
        if self._owner is None:
            lock = (self._folder / "owner.lock").open("ab")
            if not _try(lock):
                lock.close()
                raise StoreUnavailable(
                    f"{self._folder} is in use by another process: stop it, or use another folder."
                )
            self._owner = lock

    def disown(self) -> None:
        if self._owner is not None:
            self._owner.close()
            self._owner = None

    def of_server(self) -> IO[bytes]:
        """An open file to be inherited by the server and closed here."""
        lock = (self._folder / "server.lock").open("ab")
        if not _try(lock):
            self._end_orphan()
            deadline = time.monotonic() + END_TIMEOUT_S
            while not _try(lock):
                if time.monotonic() > deadline:
                    lock.close()
                    raise StoreUnavailable(f"A server of an earlier start runs in {self._folder}.")
                time.sleep(0.05)
        return lock

    def note_port(self, port: int) -> None:
        (self._folder / "port").write_text(f"{port}\n")

    def _end_orphan(self) -> None:
        """Ask the server to end that has our folder; one with another folder is left alone."""
        try:
            port = int((self._folder / "port").read_text())
            with socket.create_connection((HOST, port), timeout=2) as connection:
                connection.sendall(b"CONFIG GET dir\r\n")
                if str(self._folder).encode() in connection.recv(4096):
                    connection.sendall(b"SHUTDOWN\r\n")
                    connection.recv(1)
        except (OSError, ValueError):
            return  # it is ending, or says nothing: the lock tells


def _try(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
