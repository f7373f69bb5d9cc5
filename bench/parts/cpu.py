"""Processor time that processes have used, as the kernel counts it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

#: How Linux names the processor clock of another process, all of its threads together.
CPU_CLOCK = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """Processor seconds (user and system, all threads) by name, at one instant."""

    at: float
    cpu_s: Mapping[str, float]

    def per_s_since(self, before: Sample) -> dict[str, float]:
        """Processor seconds per second between two samples: 1.0 is one core."""
        wall_s = self.at - before.at
        return {name: (used - before.cpu_s[name]) / wall_s for name, used in self.cpu_s.items()}


def sample(pids: Mapping[str, int]) -> Sample:
    return Sample(time.time(), {name: cpu_s(pid) for name, pid in pids.items()})


def cpu_s(pid: int) -> float:
    """Exact, where /proc/<pid>/stat counts hundredths. Raises OSError: there is no such process."""
    return time.clock_gettime((~pid << 3) | CPU_CLOCK)
