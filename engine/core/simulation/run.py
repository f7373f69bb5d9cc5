"""One shift under one rule."""

from __future__ import annotations

from engine.core.pacing import Agentless, Pacing, Preview
from engine.core.simulation.previewed import PreviewedShift
from engine.core.simulation.result import Result
from engine.core.simulation.scenario import Dice, Scenario
from engine.core.simulation.shift import Shift
from engine.core.simulation.unattended import UnattendedShift


def simulate(scenario: Scenario, pacing: Pacing, dice: Dice) -> Result:
    """From its first second to its last; what still rings then is left out.

    With `Preview` each call of a decision is an offer to an agent; with `Agentless` nobody is
    there but the message.
    """
    return _shift_of(pacing)(scenario, pacing, dice).run()


def _shift_of(pacing: Pacing) -> type[Shift]:
    if isinstance(pacing, Preview):
        return PreviewedShift
    return UnattendedShift if isinstance(pacing, Agentless) else Shift
