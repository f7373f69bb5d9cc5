"""Our predictive rule beside others, in a simulator that knows nothing of this project.

The shared simulator is found by DIALER_PACING_SIM or beside this repository. It needs numpy and
gcc; where this Python has no numpy, a throw-away environment is made for it. Without the simulator
`dialer simulate` is all that runs. Cells are agents x answer rate, in shifts from a cold start.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# Else `pacing` and `engine` would be files of this folder.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.parts import report
from bench.parts.decision_cost import cost_us

ROOT = Path(__file__).resolve().parents[1]
OTHERS = ("progressive", "vici_hard", "samuelson", "best")
AGENTS, RATES = (5, 10, 20, 50, 100, 300), (0.2, 0.4)
SHIFT_S = 4 * 3600
#: Scenarios that change in the middle of a shift, on this many agents.
MOVING_AGENTS = (5, 20, 100)
MOVING: Mapping[str, Mapping[str, Any]] = {
    "more_answer": {"p_sched": [[SHIFT_S / 2, 0.4]]},
    "fewer_answer": {"p": 0.4, "p_sched": [[SHIFT_S / 2, 0.2]]},
    "drift": {"p": 0.15, "p_sched": [[0, 0.15], [SHIFT_S, 0.45]], "ps_linear": 1},
    "longer_talk": {"t_sched": [[SHIFT_S / 2, 180]]},
    "half_leave": {"halve": True},
}
MAX_BELOW, MAX_RATE, MIN_WITH_HISTORY = 1.0, 3.0, 72.0
RESUMED = "5x0.2_1h_resumed"
MAX_US = {100: 200.0, 1000: 1000.0}
TIMEOUT_S = 6 * 3600
GOAL = (
    f"utilisation at most {MAX_BELOW:g} point below best in every cell;"
    f" abandoned <= {MAX_RATE:g} % in every single shift;"
    f" one hour of 5 agents with history >= {MIN_WITH_HISTORY:g} %;"
    " a decision <= 200 us at 100 agents and 300 lines, <= 1 ms at 1,000 agents"
)


def main() -> None:
    options = _options()
    simulator = _simulator()
    if simulator is None:
        _alone(options)
        return
    python = _python_with_numpy()
    shifts = 2 if options.quick else options.shifts
    orders = _orders(_scenarios(options), shifts)
    figures: dict[str, Any] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        found = pool.map(lambda order: _run(python, simulator, order), orders)
        for order, cell in zip(orders, found, strict=True):
            figures.setdefault(order["name"], {})[order["policy"]] = cell
            if not options.json:
                print(f"{order['name']:24} {order['policy']:12} {cell}", flush=True)
    costs = {str(agents): cost_us(agents) for agents in (10, 30, 100, 300, 1000)}
    cells = {name: cell for name, cell in figures.items() if "best" in cell}
    ratios = {name: _ratio(cell) for name, cell in cells.items()}
    meets = _meets(figures, cells) and all(costs[str(n)]["p50"] <= us for n, us in MAX_US.items())
    report.finish(
        "pacing",
        {"shifts": shifts, "cells": figures, "decision_us": costs},
        GOAL,
        meets_goal=meets,
        ratio=ratios,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print only the last line")
    parser.add_argument("--quick", action="store_true", help="a short smoke run")
    parser.add_argument("--cells", help="such as 5x0.2,20_drift; without: all")
    parser.add_argument("--shifts", type=int, default=100, help="shifts in each cell")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def _scenarios(options: argparse.Namespace) -> list[dict[str, Any]]:
    if options.cells:
        return [_named(name) for name in options.cells.split(",")]
    if options.quick:
        return [_steady(5, 0.2), _steady(20, 0.4)]
    steady = [_steady(agents, rate) for agents in AGENTS for rate in RATES]
    return steady + [_moving(agents, name) for agents in MOVING_AGENTS for name in MOVING]


def _orders(scenarios: Sequence[dict[str, Any]], shifts: int) -> list[dict[str, Any]]:
    every = [
        {**scenario, "policy": policy, "shifts": shifts}
        for scenario in scenarios
        for policy in ("ours", *OTHERS)
    ]
    return [*every, *[{**hour, "policy": "ours", "shifts": shifts} for hour in _with_history()]]


def _named(name: str) -> dict[str, Any]:
    """`5x0.2`, or `20_drift` of those that move."""
    agents, moves, scenario = name.partition("_")
    if moves:
        return _moving(int(agents), scenario)
    agents, _, rate = name.partition("x")
    return _steady(int(agents), float(rate))


def _steady(agents: int, rate: float) -> dict[str, Any]:
    return {"name": f"{agents}x{rate:g}", "agents": agents, "p": rate, "model": {}}


def _with_history() -> list[dict[str, Any]]:
    """An hour of 5 agents after four: the same campaign resumed, or another with what it taught."""
    hour = {"agents": 5, "hours": 1, "history_h": 4}
    return [
        {"name": RESUMED, "p": 0.2, "resumes": True, **hour},
        {"name": "5x0.2_1h_taught", "p": 0.2, "resumes": False, **hour},
        {"name": "5x0.4_1h_taught", "p": 0.4, "resumes": False, **hour},
    ]


def _moving(agents: int, name: str) -> dict[str, Any]:
    model = dict(MOVING[name])
    if model.pop("halve", False):
        model["a_sched"] = [[5400, agents // 2], [9000, agents]]
    p = model.pop("p", 0.2)
    return {"name": f"{agents}_{name}", "agents": agents, "p": p, "model": model}


def _run(python: str, simulator: Path, order: Mapping[str, Any]) -> dict[str, float]:
    command = [python, "-m", "bench.parts.sim_cell"]
    document = json.dumps({**order, "simulator": str(simulator)})
    done = subprocess.run(
        [*command, document], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _ratio(cell: Mapping[str, Mapping[str, float]]) -> float:
    """Our utilisation to that of `best`."""
    return round(cell["ours"]["utilisation"] / cell["best"]["utilisation"], 4)


def _meets(figures: Mapping[str, Any], cells: Mapping[str, Any]) -> bool:
    return figures[RESUMED]["ours"]["utilisation"] >= MIN_WITH_HISTORY and all(
        cell["ours"]["utilisation"] >= cell["best"]["utilisation"] - MAX_BELOW
        and cell["ours"]["shifts_over_3"] == 0
        for cell in cells.values()
    )


def _simulator() -> Path | None:
    given = os.environ.get("DIALER_PACING_SIM")
    folder = Path(given) if given else ROOT.parent / "shared" / "pacing"
    return folder if (folder / "sim.py").is_file() else None


def _python_with_numpy() -> str:
    """This Python, or one in a throw-away environment that has numpy."""
    place = Path(tempfile.gettempdir()) / f"dialer-bench-numpy-{os.getuid()}"
    for python in (sys.executable, str(place / "bin" / "python")):
        if (
            Path(python).is_file()
            and not subprocess.run([python, "-c", "import numpy"], capture_output=True).returncode
        ):
            return python
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "numpy"]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    return str(place / "bin" / "python")


def _alone(options: argparse.Namespace) -> None:
    """What can be said without the shared simulator."""
    if not options.json:
        print("the shared simulator is not here: set DIALER_PACING_SIM; dialer simulate runs alone")
    command = [sys.executable, "-m", "cli.main", "simulate", "--compare", "--json"]
    length = ["--hours", "0.5"] if options.quick else ["--hours", "4", "--shifts", "10"]
    done = subprocess.run(
        [*command, *length], cwd=ROOT, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    )
    modes = json.loads(done.stdout.splitlines()[-1])["modes"]
    ours, one_each = modes["predictive"], modes["progressive"]
    holds = ours["highest_abandon_rate"] <= MAX_RATE
    report.finish(
        "pacing",
        {"simulator": "absent", "simulate": modes},
        "without the shared simulator: above progressive, within the limit in every shift",
        meets_goal=holds and ours["utilisation"] > one_each["utilisation"],
        ratio=round(ours["utilisation"] / one_each["utilisation"], 4),
    )


if __name__ == "__main__":
    main()
