"""Start, watch and end the processes of a rig: only its own, known by pid and start time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.asterisk_install import AsteriskError

# Open files: two sockets a call and the queue's helpers; more than the usual soft limit of 1024.
MAX_FILES = 65536
RAISE_LIMIT = (
    f'n=$(ulimit -Hn); [ "$n" = unlimited ] && n={MAX_FILES}; '
    f'[ "$n" -gt {MAX_FILES} ] && n={MAX_FILES}; ulimit -n "$n"; exec "$@"'
)
POLL_S = 0.05
KILL_S = 5.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this rig; `started_ticks` tells it from a later one with the same pid."""

    pid: int
    started_ticks: int


def launch(command: list[str], log: Path) -> Process:
    """Start `command` in a session of its own, so that ctrl-c in the terminal does not reach it."""
    shell = ["sh", "-c", RAISE_LIMIT, "sh", *command]
    with log.open("ab") as out:
        started = subprocess.Popen(
            shell,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _forget(started)
    ticks = start_ticks(started.pid)
    if ticks is None:
        raise AsteriskError(f"{command[0]} ended at once:\n{tail(log)}")
    return Process(started.pid, ticks)


def _forget(started: subprocess.Popen[bytes]) -> None:
    # The process may outlive this program on purpose; Popen would warn about that.
    started.returncode = 0


def start_ticks(pid: int) -> int | None:
    """When the process started, in ticks since boot; None when it does not run.

    Of a killed process the first thread is a zombie while others still hold its sockets.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        n_threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" and n_threads <= 1 else int(fields[19])


def is_alive(process: Process) -> bool:
    """True while exactly this process runs; reaps it when it is a dead child of ours."""
    _reap(process.pid)
    return start_ticks(process.pid) == process.started_ticks


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def end(process: Process, grace_s: float) -> None:
    """SIGTERM, and SIGKILL after `grace_s` (0: at once); returns when it is gone."""
    signs = [(signal.SIGTERM, grace_s)] if grace_s > 0 else []
    for sign, wait_s in (*signs, (signal.SIGKILL, KILL_S)):
        if not is_alive(process):
            return
        os.kill(process.pid, sign)
        wait_until(lambda: not is_alive(process), wait_s)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll until `condition` holds; False when it does not within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def tail(log: Path, n_lines: int = 12) -> str:
    """The last lines of a log, for error messages."""
    if not log.is_file():
        return f"({log} does not exist)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-n_lines:])
