from __future__ import annotations

import dataclasses
import random

import pytest

from engine.core.pacing import Pacing, Power, Predictive, Progressive, Snapshot
from engine.core.simulation import Result, Scenario, simulate
from engine.core.simulation.result import total

SHORT = Scenario(agents=10, hours=0.5, answer_rate=0.3, tick_s=1.0)
ALL_AT_ONCE = Scenario(
    agents=12,
    hours=0.5,
    answer_rate=0.3,
    tick_s=1.0,
    amd_s=2.0,
    amd_error=0.05,
    pauses_per_h=4,
    pause_s=120,
    pick_up_s=0.7,
    patience_s=3.0,
    max_lines=40,
    max_cps=3.0,
)


def shift(rule: Pacing, scenario: Scenario = SHORT, seed: int = 1) -> Result:
    return simulate(scenario, rule, random.Random(seed))


class Sees:
    """Progressive, and every snapshot that it was shown."""

    def __init__(self, rule: Pacing) -> None:
        self._rule, self.shown = rule, list[Snapshot]()

    def decide(self, snapshot: Snapshot) -> int:
        self.shown.append(snapshot)
        return self._rule.decide(snapshot)


@pytest.mark.parametrize("scenario", [SHORT, ALL_AT_ONCE])
def test_a_seed_repeats_a_shift(scenario: Scenario):
    first, again, other = (shift(Predictive(0.03), scenario, seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other


@pytest.mark.parametrize("rule", [Progressive(), Power(2.0, 0.03), Predictive(0.03)])
@pytest.mark.parametrize("scenario", [SHORT, ALL_AT_ONCE])
def test_everybody_is_accounted_for(rule: Pacing, scenario: Scenario):
    result = shift(rule, scenario)
    ends = result.n_connected + result.n_abandoned + result.n_hung_up + result.n_misjudged
    assert 0 <= result.n_answered - ends <= 10, "those who wait at the end"
    assert result.n_placed >= result.n_answered
    spent = result.talk_s + result.wrap_up_s + result.idle_s
    assert spent == pytest.approx(result.logged_s, rel=1e-6)
    if not scenario.pauses_per_h:
        assert result.logged_s == pytest.approx(scenario.agents * scenario.end_s)


def test_ages_are_those_of_the_calls_and_agents():
    sees = Sees(Predictive(0.03))
    shift(sees, ALL_AT_ONCE)
    for one in sees.shown:
        assert sum(one.ringing_ages.values()) == one.ringing
        assert sum(one.amd_ages.values()) == one.amd
        busy = sum(one.talk_ages.values()) + sum(one.wrap_up_ages.values())
        assert one.idle + busy <= ALL_AT_ONCE.agents
        assert all(age >= 0 for ages in (one.ringing_ages, one.talk_ages) for age in ages)
        assert 0 <= one.room <= ALL_AT_ONCE.max_lines


def test_one_call_for_each_agent_abandons_nobody():
    result = shift(Progressive())
    assert result.n_abandoned == 0
    assert result.n_answered > 50


def test_progressive_is_as_busy_as_the_formula_says():
    """utilisation = S / (S + D / p): D seconds for an attempt, S for a call served."""
    scenario = Scenario(agents=20, hours=10, answer_rate=0.4, tick_s=0.5)
    result = shift(Progressive(), scenario)
    ringing_s = 2 + 9, 2 + 14, 3, 2 + 22
    weights = 0.4, 0.6 * 0.25, 0.6 * 0.15, 0.6 * 0.6
    attempt_s = sum(w * s for w, s in zip(weights, ringing_s, strict=True)) + 0.25
    expected = 110 / (110 + attempt_s / 0.4)
    assert result.utilisation == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("agents", [5, 20])
def test_predictive_keeps_agents_busier_within_the_limit(agents: int):
    scenario = Scenario(agents=agents, hours=1.5, answer_rate=0.25, tick_s=1.0)
    foretold = [shift(Predictive(0.03), scenario, seed) for seed in range(3)]
    one_each = [shift(Progressive(), scenario, seed) for seed in range(3)]
    assert total(foretold).utilisation > total(one_each).utilisation + 0.05
    assert all(each.abandon_rate <= 0.03 for each in foretold)


class Explains:
    """Why each decision was as it was."""

    def __init__(self, rule: Predictive) -> None:
        self._rule, self.why = rule, list[str]()

    def decide(self, snapshot: Snapshot) -> int:
        n = self._rule.decide(snapshot)
        self.why.append(self._rule.explained.why)
        return n


def test_what_was_learned_is_worth_minutes():
    """A rule that was taught dials ahead from the first second; a new one only looks on."""
    scenario = Scenario(agents=20, hours=1, answer_rate=0.2, tick_s=5.0)
    teacher = Predictive(0.03)
    new = Explains(teacher)
    shift(new, scenario)
    taught = Explains(Predictive(0.03, knowledge=teacher.knowledge()))
    shift(taught, scenario)
    assert set(taught.why[:10]) == {"predicting"}
    assert set(new.why[:10]) == {"warming_up"}


@pytest.mark.parametrize(
    "change",
    [
        {"talk_cv": 0.0, "wrap_up_cv": 0.0},
        {"talk_s": 400.0, "wrap_up_s": 0.0},
        {"ring_s": 20.0, "ring_timeout_s": 45.0},
        {"answer_rate": 0.9},
        {"hold_s": 0.0},
        {"amd_s": 3.0, "machine_s": 4.0},
        {"pauses_per_h": 6.0},
        {"pick_up_s": 2.0},
        {"max_lines": 15},
    ],
)
def test_the_limit_holds_in_other_worlds(change: dict[str, float]):
    scenario = Scenario(**{"agents": 10, "hours": 1.0, "tick_s": 1.0, **change})  # type: ignore[arg-type]
    result = shift(Predictive(0.03), scenario)
    assert result.n_abandoned <= max(3, 0.03 * result.n_answered)


# What happens to a campaign in the middle of a shift, each of 10 agents in two hours.
EVENTS = {
    "the trunk fails and comes back, again and again": {
        "outages": ((2000, 2060), (3600, 3700), (4000, 4600)),
    },
    "a carrier loses calls, and they look like people who are not there": {
        "answer_rates": ((2000, 0), (2060, 0.3), (3600, 0), (3700, 0.3), (4000, 0), (4600, 0.3)),
    },
    "nobody answers, then everybody": {"answer_rate": 0.05, "answer_rates": ((3600, 0.6),)},
    "a good hour": {"answer_rate": 0.1, "answer_rates": ((2400, 0.5), (4800, 0.1))},
    "lunch": {"breaks": ((3600, 7, 1200),)},
    "all leave at once": {"breaks": ((3600, 10, 600),)},
    "callbacks and other campaigns take agents": {"pauses_per_h": 12.0, "pause_s": 120.0},
    "phones ring for most of the time that a person may wait": {"pick_up_s": 1.5},
    "machine detection errs, people hang up": {
        "amd_s": 3.0, "machine_s": 4.0, "amd_error": 0.1, "patience_s": 3.0,
    },
    "few calls a second": {"max_cps": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_the_limit_holds_whatever_happens(event: str):
    world = {"agents": 10, "hours": 2.0, "answer_rate": 0.3, "tick_s": 2.0, **EVENTS[event]}
    scenario = Scenario(**world)  # type: ignore[arg-type]
    result = shift(Predictive(0.03), scenario, seed=11)
    assert result.n_abandoned <= max(3, 0.03 * result.n_answered), result
    assert result.utilisation > shift(Progressive(), scenario, seed=11).utilisation


def test_a_failing_trunk_teaches_nothing():
    """Else everybody would be thought not to answer, and far too many be called afterwards."""
    sees = Sees(Progressive())
    shift(sees, Scenario(agents=5, hours=0.2, outages=((0, 600),), tick_s=1.0))
    assert not [seen for one in sees.shown if one.now_s < 600 for seen in one.seen]


def test_a_break_takes_so_many_agents_for_so_long():
    sees = Sees(Progressive())
    scenario = Scenario(agents=6, hours=0.3, breaks=((300, 4, 200),), talk_s=5, wrap_up_s=1)
    shift(sees, scenario)
    here = {
        one.now_s: one.idle + sum(one.talk_ages.values()) + sum(one.wrap_up_ages.values())
        for one in sees.shown
    }
    assert here[299.5] == 6 and here[400.0] == 2 and here[900.0] == 6


def test_agents_time_is_counted_from_where_it_is_asked():
    late = dataclasses.replace(SHORT, counted_from_s=600.0)
    whole, part = shift(Progressive()), shift(Progressive(), late)
    assert (part.n_placed, part.n_answered) == (whole.n_placed, whole.n_answered)
    assert part.logged_s == pytest.approx(SHORT.agents * (SHORT.end_s - 600))
    assert part.talk_s + part.wrap_up_s + part.idle_s == pytest.approx(part.logged_s)
