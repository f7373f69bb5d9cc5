"""A campaign's shift in virtual time: real pacing rules, drawn people, agents and lines."""

from __future__ import annotations

from engine.core.simulation.result import Result
from engine.core.simulation.run import simulate
from engine.core.simulation.scenario import Dice, Scenario

__all__ = ["Dice", "Result", "Scenario", "simulate"]
