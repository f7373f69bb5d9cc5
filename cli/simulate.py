"""`dialer simulate`: what a shift would bring, with the rules that dial, in virtual time."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer
from rich.console import Console
from rich.table import Table

from engine.core.pacing import Knowledge, Pacing, Power, Predictive, Progressive
from engine.core.simulation import Result, Scenario, simulate
from engine.core.simulation.result import total

MODES = ("progressive", "power", "predictive")
#: What a table shows, and what it is called there.
ROWS = {
    "utilisation": "utilisation %",
    "talk_min_per_h": "talk min / agent hour",
    "calls_per_agent_h": "calls / agent hour",
    "idle_s": "idle s before a call",
    "abandon_rate": "abandoned %",
    "highest_abandon_rate": "abandoned %, worst shift",
    "placed": "calls placed",
    "answered": "answered by people",
    "abandoned": "abandoned",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    scenario: Scenario
    modes: Sequence[str]
    dial_level: float
    max_abandon_rate: float
    shifts: int
    seed: int
    #: A shift before the counted ones teaches the rule, as a resumed campaign would be taught.
    warm: bool
    as_json: bool


def run_simulate(options: SimulateOptions) -> None:
    """Print figures by mode; with `--json` one object on the last line."""
    figures = {mode: _figures(options, mode) for mode in options.modes}
    if options.as_json:
        typer.echo(json.dumps(_document(options, figures)))
    else:
        _show(options, figures)


def _figures(options: SimulateOptions, mode: str) -> dict[str, float | int]:
    taught = _taught(options) if options.warm and mode == "predictive" else None
    shifts = [_shift(options, mode, number, taught) for number in range(options.shifts)]
    highest = max(100 * shift.abandon_rate for shift in shifts)
    return total(shifts).figures() | {"highest_abandon_rate": round(highest, 2)}


def _shift(options: SimulateOptions, mode: str, number: int, taught: Knowledge | None) -> Result:
    return simulate(options.scenario, _rule(options, mode, taught), _dice(options, number))


def _taught(options: SimulateOptions) -> Knowledge:
    rule = Predictive(options.max_abandon_rate, hold_s=options.scenario.hold_s)
    simulate(options.scenario, rule, _dice(options, -1))
    return rule.knowledge()


def _dice(options: SimulateOptions, number: int) -> random.Random:
    """Every mode meets the same dice in the same shift."""
    return random.Random(f"{options.seed} {number}")  # noqa: S311 - a simulation, no secret


def _rule(options: SimulateOptions, mode: str, taught: Knowledge | None) -> Pacing:
    if mode == "power":
        return Power(options.dial_level, options.max_abandon_rate)
    if mode == "predictive":
        hold_s = options.scenario.hold_s
        return Predictive(options.max_abandon_rate, hold_s=hold_s, knowledge=taught)
    return Progressive()


def _document(
    options: SimulateOptions, figures: Mapping[str, Mapping[str, float | int]]
) -> dict[str, object]:
    scenario = options.scenario
    return {
        "agents": scenario.agents,
        "answer_rate": scenario.answer_rate,
        "hours": scenario.hours,
        "shifts": options.shifts,
        "seed": options.seed,
        "modes": figures,
    }


def _show(options: SimulateOptions, figures: Mapping[str, Mapping[str, float | int]]) -> None:
    scenario = options.scenario
    title = (
        f"{options.shifts} x {scenario.hours:g} h, {scenario.agents} agents,"
        f" {100 * scenario.answer_rate:g} % answer"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for mode in figures:
        table.add_column(mode, justify="right")
    for name, shown in ROWS.items():
        table.add_row(shown, *[f"{each[name]:g}" for each in figures.values()])
    Console().print(table)
