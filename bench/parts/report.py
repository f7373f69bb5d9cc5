"""What every benchmark prints: one JSON object on the last line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path


def arguments(description: str, **sizes: str) -> argparse.Namespace:
    """`--json` (nothing but the object) and `--quick` (a smoke run, figures mean nothing).

    `sizes`: more options, each a number that replaces the plan's, with its help.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print only the last line")
    parser.add_argument("--quick", action="store_true", help="a short smoke run")
    for name, text in sizes.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=text)
    return parser.parse_args()


def machine() -> dict[str, object]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_model(),
        "n_cpus": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def finish(
    name: str,
    figures: Mapping[str, object],
    goal: str,
    *,
    meets_goal: bool,
    ratio: float | Mapping[str, float],
) -> None:
    """Print the object; several ratios are `ratios`. They compare with what `goal` names."""
    ratios = {"ratios": ratio} if isinstance(ratio, Mapping) else {"ratio": ratio}
    document = {"name": name, "figures": figures, **ratios, "goal": goal, "meets_goal": meets_goal}
    print(json.dumps({**document, "machine": machine()}), flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def median(values: Sequence[float], digits: int = 3) -> float:
    return round(statistics.median(values), digits)


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
