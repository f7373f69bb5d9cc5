"""How many calls to place now: pure rules over a snapshot.

The snapshot has the shape that a pacing simulator can fill as well, so the same object decides in
the engine and in a simulation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.pacing.agentless import Agentless
from engine.core.pacing.classes import CallClass, class_of
from engine.core.pacing.explained import Explained, at_risk, explained
from engine.core.pacing.fixed import Power, Progressive
from engine.core.pacing.knowledge import Knowledge, knowledge_of
from engine.core.pacing.predictive import Predictive
from engine.core.pacing.preview import Preview
from engine.core.pacing.snapshot import Ages, Kind, Pacing, Seen, Snapshot, Tally

if TYPE_CHECKING:  # a simulation needs the rules alone, without what settings are written with
    from engine.core.settings import PacingSettings

__all__ = [
    "Agentless",
    "Ages",
    "CallClass",
    "Explained",
    "Kind",
    "Knowledge",
    "Pacing",
    "Power",
    "Predictive",
    "Preview",
    "Progressive",
    "Seen",
    "Snapshot",
    "Tally",
    "at_risk",
    "class_of",
    "explained",
    "knowledge_of",
    "pacing_of",
]


def pacing_of(
    settings: PacingSettings, *, hold_s: float = 2.0, knowledge: Knowledge | None = None
) -> Pacing:
    """The rule that a campaign's settings name.

    `hold_s`: how long an answered person may wait. `knowledge`: what an earlier rule learned.
    """
    match settings.mode:
        case "preview":
            return Preview()
        case "agentless":
            return Agentless()
        case "power":
            return Power(settings.dial_level, settings.max_abandon_rate)
        case "predictive":
            return Predictive(settings.max_abandon_rate, hold_s=hold_s, knowledge=knowledge)
    return Progressive()
