from __future__ import annotations

import random

import pytest

from engine.core.pacing import Knowledge, Predictive
from engine.core.simulation import Scenario, simulate


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """What an hour of ten agents teaches."""
    rule = Predictive(0.03)
    scenario = Scenario(agents=10, hours=1, answer_rate=0.3, tick_s=1.0)
    simulate(scenario, rule, random.Random(5))
    return rule.knowledge()
