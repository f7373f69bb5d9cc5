"""Our own processes as children: started, restarted when they die, ended in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

#: A child that ends within this of its start is started again more and more slowly.
STEADY_S = 10.0
MAX_BACKOFF_S = 10.0
TERMINATE_S = 10.0


@dataclass(slots=True)
class Child:
    """One process of ours, `dialer <command>`."""

    command: Sequence[str]
    env: Mapping[str, str]
    log_file: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    n_failures: int = 0

    @property
    def name(self) -> str:
        return self.command[0]

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        output = self.log_file.open("ab") if self.log_file else None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *self.command],
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A ctrl-c in the terminal is for the parent, which ends its children in order.
            start_new_session=True,
        )
        if output:
            output.close()
        self.started_at = time.monotonic()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(TERMINATE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(TERMINATE_S)

    def kill(self) -> None:
        """As a crash would end it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(TERMINATE_S)

    def due_at(self) -> float:
        """When it may be started again, on the monotonic clock."""
        return self.started_at + min(MAX_BACKOFF_S, 0.5 * 2.0**self.n_failures)


@dataclass(slots=True)
class Children:
    """Processes that live and end together; the last one started is the first one ended."""

    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for child in reversed(self.children):
            child.terminate()

    def start(self, child: Child) -> Child:
        child.start()
        self.children.append(child)
        return child

    def revive(self) -> list[Child]:
        """Start again what has died, the sooner the steadier it was; returns what was started."""
        now, revived = time.monotonic(), []
        for child in self.children:
            if child.is_alive():
                continue
            steady = now - child.started_at > STEADY_S
            child.n_failures = 0 if steady else child.n_failures
            if now >= child.due_at():
                child.n_failures += 1
                child.start()
                revived.append(child)
        return revived
