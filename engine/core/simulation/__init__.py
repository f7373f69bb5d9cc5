"""A campaign's shift in virtual time: real pacing rules, drawn people, agents and lines."""

from __future__ import annotations

from engine.core.simulation.result import Result
from engine.core.simulation.scenario import Dice, Scenario
from engine.core.simulation.shift import simulate

__all__ = ["Dice", "Result", "Scenario", "simulate"]
