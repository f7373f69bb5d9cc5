"""`dialer simulate`: what a shift would bring, with the rules that dial, in virtual time."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.answer_rates import ONE_RATE, Rates
from cli.engine import open_store
from cli.settings import Settings
from engine.core.campaign import Campaign
from engine.core.simulation import Scenario
from engine.core.simulation.compare import MODES, Comparison, DiceOf, compare
from engine.core.simulation.history import scenario_of
from engine.core.simulation.result import Figures

#: Of a campaign's history: its last so many calls.
N_CALLS = 10_000
#: Where something is given in figures, nothing is drawn from what was.
DRAWN = {"talk_s": "talk_of", "ring_s": "ring_of", "wrap_up_s": "wrap_up_of"}
#: What a table shows, and what it is called there.
ROWS = {
    "utilisation": "utilisation %",
    "talk_min_per_h": "talk min / agent hour",
    "calls_per_agent_h": "calls / agent hour",
    "idle_s": "idle s before a call",
    "preview_min_per_h": "looks at contacts, min / agent hour",
    "abandon_rate": "abandoned %",
    "highest_abandon_rate": "abandoned %, worst shift",
    "placed": "calls placed",
    "answered": "answered by people",
    "abandoned": "abandoned",
    "skipped": "skipped by agents",
    "messages": "messages heard to the end",
    "messages_per_h": "messages / hour",
}
#: Shown where a mode of the table has them.
SOME_MODES = frozenset({"preview_min_per_h", "skipped", "messages", "messages_per_h"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """Everything is None that was not asked for."""

    #: Fields of a scenario.
    scenario: Mapping[str, object]
    mode: str | None
    compare: bool
    dial_level: float | None
    max_abandon_rate: float | None
    shifts: int
    seed: int
    warm: bool
    rates: Rates = ONE_RATE


@dataclass(frozen=True, slots=True)
class Told:
    comparison: Comparison
    seed: int
    from_campaign: int | None = None
    rates: Rates = ONE_RATE


def told(options: SimulateOptions) -> Told:
    return Told(_comparison(options, Scenario()), options.seed, None, options.rates)


async def told_by_campaign(settings: Settings, campaign_id: int, options: SimulateOptions) -> Told:
    """What is not asked for is as in the campaign. Raises NotFound, and Invalid without history."""
    async with open_store(settings) as store:
        campaign = await store.campaigns.get(campaign_id)
        records = await store.attempts.latest(campaign_id, N_CALLS)
        taught = await store.knowledge.of(campaign_id)
    base = scenario_of(
        records,
        campaign.settings,
        agents=max(1, len(campaign.agent_ids)),
        hours=4.0,
        knowledge=taught.knowledge if taught else None,
    )
    comparison = _comparison(options, base, campaign)
    return Told(comparison, options.seed, campaign_id, options.rates)


def show(told: Told, *, as_json: bool) -> None:
    """Print figures by mode; with `--json` one object on the last line."""
    figures = compare(told.comparison, dice_of(told.seed))
    if as_json:
        typer.echo(json.dumps(_document(told, figures)))
    else:
        _show(told.comparison, figures)


def dice_of(seed: int) -> DiceOf:
    """Every mode meets the same dice in the same shift."""
    return lambda number: random.Random(f"{seed} {number}")  # noqa: S311 - a simulation, no secret


def _comparison(
    options: SimulateOptions, base: Scenario, campaign: Campaign | None = None
) -> Comparison:
    given: dict[str, Any] = {n: v for n, v in options.scenario.items() if v is not None}
    given |= options.rates.of_scenario()
    given |= {drawn: () for name, drawn in DRAWN.items() if name in given}
    pacing = campaign.settings.pacing if campaign else None
    mode = options.mode or (pacing.mode if pacing and pacing.mode in MODES else "predictive")
    return Comparison(
        scenario=replace(base, **given),
        modes=MODES if options.compare else (mode,),
        dial_level=options.dial_level or (pacing.dial_level if pacing else 1.5),
        max_abandon_rate=_first(
            options.max_abandon_rate, pacing.max_abandon_rate if pacing else None, 0.03
        ),
        shifts=options.shifts,
        warm=options.warm,
    )


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _document(told: Told, figures: Mapping[str, Figures]) -> dict[str, object]:
    comparison, scenario = told.comparison, told.comparison.scenario
    return {
        "agents": scenario.agents,
        "answer_rate": round(scenario.answer_rate, 4),
        **told.rates.document(),
        "hours": scenario.hours,
        "shifts": comparison.shifts,
        "seed": told.seed,
        "from_campaign": told.from_campaign,
        "max_abandon_rate": comparison.max_abandon_rate,
        "modes": figures,
    }


def _show(comparison: Comparison, figures: Mapping[str, Figures]) -> None:
    scenario = comparison.scenario
    title = (
        f"{comparison.shifts} x {scenario.hours:g} h, {scenario.agents} agents,"
        f" {100 * scenario.answer_rate:.4g} % answer"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for mode in figures:
        table.add_column(mode, justify="right")
    for name, shown in ROWS.items():
        values = [each[name] for each in figures.values()]
        if any(values) or name not in SOME_MODES:
            table.add_row(shown, *map(_cell, values))
    Console().print(table)


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
