"""A campaign's records become a scenario, which a simulation draws the like from."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.attempt import AttemptRecord
from engine.core.errors import Invalid
from engine.core.outcome import Outcome
from engine.core.pacing import Kind, Progressive, Seen
from engine.core.pacing.learner import Learner
from engine.core.settings import CampaignSettings
from engine.core.simulation import simulate
from engine.core.simulation.compare import Comparison, compare
from engine.core.simulation.history import scenario_of

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
SETTINGS = CampaignSettings.model_validate(
    {"wrap_up_s": 15, "dialing": {"max_channels": 40, "max_cps": 5, "connect_deadline_s": 2}}
)


def record(outcome: Outcome, *, ring_s: float = 8, talk_s: float = 0, wait_s: float = 0.2):
    answered = outcome in (
        Outcome.ANSWERED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY, Outcome.MACHINE,
        Outcome.MESSAGE_PLAYED,
    )  # fmt: skip
    at = NOW + timedelta(seconds=ring_s)
    bridged_at = at + timedelta(seconds=wait_s)
    ended_at = bridged_at + timedelta(seconds=talk_s)
    return AttemptRecord(
        attempt_id="1a", campaign_id=1, contact_id=1, number=1, phone="+12025550100",
        caller_id="", trunk="carrier", node="pbx", started_at=NOW, ended_at=ended_at,
        answered_at=at if answered else None,
        bridged_at=bridged_at if outcome is Outcome.ANSWERED else None,
        talk_s=talk_s or None, outcome=outcome,
    )  # fmt: skip


def history() -> list[AttemptRecord]:
    return [
        *[record(Outcome.ANSWERED, ring_s=r, talk_s=t) for r, t in [(5, 30), (9, 60), (13, 120)]]
        * 10,
        *[record(Outcome.MACHINE, ring_s=14)] * 14,
        *[record(Outcome.BUSY, ring_s=3)] * 7,
        *[record(Outcome.NO_ANSWER, ring_s=27)] * 49,
        *[record(Outcome.CANCELLED), record(Outcome.UNKNOWN)] * 30,
    ]


def test_it_is_as_the_records_say():
    scenario = scenario_of(history(), SETTINGS, agents=7, hours=2)
    assert scenario.answer_rate == pytest.approx(0.3)
    assert scenario.machine_share == pytest.approx(0.2)
    assert scenario.busy_share == pytest.approx(0.1)
    assert set(scenario.talk_of) == {30, 60, 120} and set(scenario.ring_of) == {5, 9, 13}
    assert scenario.ring_timeout_s == pytest.approx(27.2)
    assert (scenario.wrap_up_s, scenario.max_lines, scenario.max_cps) == (15, 40, 5)
    assert scenario.pick_up_s == pytest.approx(0.2) and scenario.amd_s == 0
    assert (scenario.agents, scenario.hours) == (7, 2)


def test_wrap_ups_are_those_that_pacing_has_learned():
    learner = Learner()
    for _ in range(50):
        learner.learn([Seen(Kind.WRAP_UP, 4.2), Seen(Kind.WRAP_UP, 9.7)], 60.0)
    scenario = scenario_of(
        history(), SETTINGS, agents=20, hours=1, knowledge=learner.kept(caution=1.0)
    )
    assert set(scenario.wrap_up_of) == {4.5, 9.5}
    found = simulate(scenario, Progressive(), random.Random(1))
    assert found.wrap_up_s / found.n_connected == pytest.approx(7, rel=0.1)
    few = Learner()
    few.learn([Seen(Kind.WRAP_UP, 4.2)], 60.0)
    unsure = scenario_of(history(), SETTINGS, agents=20, hours=1, knowledge=few.kept(caution=1.0))
    assert unsure.wrap_up_of == ()


def test_a_wait_for_machine_detection_is_no_pick_up():
    dialing = SETTINGS.dialing.model_copy(update={"amd": "on"})
    settings = SETTINGS.model_copy(update={"dialing": dialing})
    scenario = scenario_of(history(), settings, agents=7, hours=2)
    assert scenario.pick_up_s == 0 and scenario.amd_s == pytest.approx(0.2)


def test_without_agents_messages_tell_how_often_people_answer():
    played = record(Outcome.MESSAGE_PLAYED, ring_s=6, wait_s=12.5)
    calls = [*[played] * 20, *[record(Outcome.NO_ANSWER)] * 60]
    scenario = scenario_of(calls, SETTINGS, agents=1, hours=1)
    assert scenario.answer_rate == pytest.approx(0.25) and set(scenario.ring_of) == {6}
    assert scenario.message_s == pytest.approx(12.5)
    dialing = SETTINGS.dialing.model_copy(update={"amd": "on"})
    judged = scenario_of(calls, SETTINGS.model_copy(update={"dialing": dialing}), agents=1, hours=1)
    assert judged.amd_s == 2, "no conversation tells how long it takes"


def test_a_simulation_draws_the_like():
    scenario = replace(scenario_of(history(), SETTINGS, agents=30, hours=3), tick_s=0.2)
    found = simulate(scenario, Progressive(), random.Random(4))
    assert found.n_answered / found.n_placed == pytest.approx(0.3, abs=0.03)
    # Conversations that last at the end are cut.
    assert found.talk_s / found.n_connected == pytest.approx(70.2, rel=0.05)
    assert found.wrap_up_s / found.n_connected == pytest.approx(15, rel=0.05)


def test_too_little_is_said():
    with pytest.raises(Invalid, match="Only 20 calls"):
        scenario_of([record(Outcome.NO_ANSWER)] * 20, SETTINGS, agents=1, hours=1)


def test_a_comparison_gives_every_mode_the_same_people():
    comparison = Comparison(
        scenario=scenario_of(history(), SETTINGS, agents=5, hours=0.3),
        modes=("progressive", "predictive"), dial_level=2.0, max_abandon_rate=0.03, warm=True,
    )  # fmt: skip
    first, again = (compare(comparison, lambda n: random.Random(f"3 {n}")) for _ in range(2))
    assert first == again
    assert set(first) == {"progressive", "predictive"}
    assert first["progressive"]["abandoned"] == 0
