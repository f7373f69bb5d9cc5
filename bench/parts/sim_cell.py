"""One cell of the shared simulator, in a process of its own: it needs numpy, and we do not.

    python -m bench.parts.sim_cell '{"policy": "ours", "agents": 20, "p": 0.2, "shifts": 10}'

prints one JSON object. `policy`: ours, or a name of the simulator's own.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.parts.sim_policy import SimPolicy

HOUR_S = 3600.0
#: Seeds of the shift that teaches, away from those that count.
TEACHING_SEED = 7_000_001


def main(order: dict[str, Any]) -> dict[str, float]:
    sys.path.insert(0, str(Path(order["simulator"]).resolve()))
    sim = import_module("sim")

    hours, shifts, seed = order.get("hours", 4), order["shifts"], order.get("seed", 1)
    model = {"A": order["agents"], "p": order["p"], **_schedules(order.get("model", {}))}
    policy, settings = order["policy"], {}
    if policy == "best":
        settings["shift"] = hours * HOUR_S
    if policy == "ours":
        policy = SimPolicy(shift_s=hours * HOUR_S)
        if order.get("history_h"):
            _teach(sim, policy, order["history_h"], model, resumes=order["resumes"])
    return _figures(sim.run_days(policy, settings, shifts, hours, seed, **model))


def _teach(
    sim: Any, policy: SimPolicy, hours: float, model: dict[str, Any], *, resumes: bool
) -> None:
    """A first shift; the counted ones start with its knowledge. Where they resume the campaign,
    its totals go on as well, and the limit holds over both."""
    teacher = SimPolicy(shift_s=hours * HOUR_S)
    found = sim.run(teacher, {}, seed=TEACHING_SEED, hours=hours, warmup_h=0, **model)
    totals = (int(found["day_ans"]), int(found["day_ab"])) if resumes else (0, 0)
    policy.go_on(teacher, answered=totals[0], abandoned=totals[1])


def _schedules(model: dict[str, Any]) -> dict[str, Any]:
    return {k: [tuple(each) for each in v] if isinstance(v, list) else v for k, v in model.items()}


def _figures(found: dict[str, float]) -> dict[str, float]:
    return {
        "utilisation": round(100 * found["util"], 2),
        "abandon_rate": round(100 * found["abandon"], 2),
        "highest_abandon_rate": round(100 * found["shift_ab_max"], 2),
        "shifts_over_3": round(100 * found["p_over3"], 2),
        "us_per_decision": round(found["us_per_decision"], 1),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
