"""Several rules on the same shifts, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.core.pacing import (
    Agentless,
    Knowledge,
    Pacing,
    Power,
    Predictive,
    Preview,
    Progressive,
)
from engine.core.simulation.result import Figures, Result, total
from engine.core.simulation.run import simulate
from engine.core.simulation.scenario import NO_LIMIT, Dice, Scenario

MODES = ("preview", "progressive", "power", "predictive", "agentless")
#: Lines and calls per second without agents where no limit was given: those of a new campaign.
AGENTLESS_LINES, AGENTLESS_CPS = 60, 10.0
#: Dice of the shift of this number; the same for every rule.
DiceOf = Callable[[int], Dice]
#: Number of the shift that teaches; those that count begin with 0.
TEACHING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    scenario: Scenario
    modes: Sequence[str]
    dial_level: float
    max_abandon_rate: float
    shifts: int = 1
    #: A shift before the counted ones teaches the rule, as a resumed campaign would be taught.
    warm: bool = False


def compare(comparison: Comparison, dice_of: DiceOf) -> dict[str, Figures]:
    """Figures by mode; `highest_abandon_rate` of the worst shift."""
    return {mode: _figures(comparison, mode, dice_of) for mode in comparison.modes}


def _figures(comparison: Comparison, mode: str, dice_of: DiceOf) -> Figures:
    taught = _taught(comparison, dice_of) if comparison.warm and mode == "predictive" else None
    shifts = [
        _shift(comparison, mode, dice_of(number), taught) for number in range(comparison.shifts)
    ]
    highest = max(100 * shift.abandon_rate for shift in shifts)
    return {**total(shifts).figures(), "highest_abandon_rate": round(highest, 2)}


def _shift(comparison: Comparison, mode: str, dice: Dice, taught: Knowledge | None) -> Result:
    return simulate(_scenario(comparison, mode), _rule(comparison, mode, taught), dice)


def _taught(comparison: Comparison, dice_of: DiceOf) -> Knowledge:
    rule = Predictive(comparison.max_abandon_rate, hold_s=comparison.scenario.hold_s)
    simulate(comparison.scenario, rule, dice_of(TEACHING))
    return rule.knowledge()


def _scenario(comparison: Comparison, mode: str) -> Scenario:
    """Without agents something else has to bound the calls."""
    scenario = comparison.scenario
    if mode != "agentless" or scenario.max_lines < NO_LIMIT:
        return scenario
    return replace(scenario, max_lines=AGENTLESS_LINES, max_cps=scenario.max_cps or AGENTLESS_CPS)


def _rule(comparison: Comparison, mode: str, taught: Knowledge | None) -> Pacing:
    if mode == "power":
        return Power(comparison.dial_level, comparison.max_abandon_rate)
    if mode == "predictive":
        hold_s = comparison.scenario.hold_s
        return Predictive(comparison.max_abandon_rate, hold_s=hold_s, knowledge=taught)
    return _PLAIN[mode]()


_PLAIN: Mapping[str, Callable[[], Pacing]] = {
    "preview": Preview,
    "progressive": Progressive,
    "agentless": Agentless,
}
