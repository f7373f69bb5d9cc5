from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.core.pacing import (
    Explained,
    Pacing,
    Power,
    Progressive,
    Snapshot,
    Tally,
    at_risk,
    explained,
    pacing_of,
)
from engine.core.settings import PacingSettings

few = st.integers(0, 40)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Held people are counted as answered, the rest of the answered were served or abandoned."""
    held, abandoned = draw(few), draw(st.integers(0, 60))
    served = draw(st.integers(0, 3000))
    return Snapshot(
        idle=draw(few),
        held=held,
        ringing=draw(few),
        amd=draw(few),
        answered=served + abandoned + held,
        abandoned=abandoned,
        room=draw(st.integers(-5, 200)),
    )


rules = st.one_of(
    st.just(Progressive()),
    st.builds(Power, st.floats(1, 20), st.floats(0, 1)),
)
IDLE = Snapshot(idle=10, held=0, ringing=0, amd=0, answered=1000, abandoned=0, room=100)


def in_flight(snapshot: Snapshot) -> int:
    return snapshot.ringing + snapshot.amd + snapshot.held


@given(rules, snapshots())
def test_never_beyond_room_and_never_negative(rule: Pacing, snapshot: Snapshot) -> None:
    assert 0 <= rule.decide(snapshot) <= max(0, snapshot.room)


@given(snapshots())
def test_progressive_is_one_call_for_each_free_agent(snapshot: Snapshot) -> None:
    n = Progressive().decide(snapshot)
    assert n <= max(0, snapshot.idle - in_flight(snapshot))
    roomy = replace(snapshot, room=1000)
    assert Progressive().decide(roomy) == max(0, snapshot.idle - in_flight(snapshot))


@given(rules, snapshots())
def test_no_agent_means_no_new_call(rule: Pacing, snapshot: Snapshot) -> None:
    assert rule.decide(replace(snapshot, idle=0)) == 0


@given(st.floats(1, 20), st.floats(0, 1), snapshots())
def test_power_lies_between_progressive_and_its_ratio(
    dial_level: float, cap: float, snapshot: Snapshot
) -> None:
    n = Power(dial_level, cap).decide(snapshot)
    wanted = max(0, int(dial_level * snapshot.idle) - in_flight(snapshot))
    assert Progressive().decide(snapshot) <= n <= min(wanted, max(0, snapshot.room))


@example(2.0, 0.03, replace(IDLE, idle=1, held=3, answered=100))
@given(st.floats(1, 20), st.floats(0, 1), snapshots())
def test_whatever_calls_in_flight_become_the_limit_of_abandons_holds(
    dial_level: float, cap: float, snapshot: Snapshot
) -> None:
    """People may answer any number of the calls; agents who are idle now serve as many."""
    n = Power(dial_level, cap).decide(snapshot)
    if n <= Progressive().decide(snapshot):
        return
    open_calls = snapshot.ringing + snapshot.amd + n
    for n_answers in range(open_calls + 1):
        unserved = max(0, snapshot.held + n_answers - snapshot.idle)
        abandoned = snapshot.abandoned + unserved
        assert not unserved or abandoned <= cap * (snapshot.answered + n_answers)


@given(st.floats(1, 20), snapshots())
def test_at_the_limit_power_is_progressive(dial_level: float, snapshot: Snapshot) -> None:
    answered = snapshot.answered + 1
    at_limit = replace(snapshot, answered=answered, abandoned=answered // 10 + 1)
    n = Power(dial_level, 0.1).decide(at_limit)
    assert n == Progressive().decide(at_limit)
    assert Power(dial_level, 0.0).decide(snapshot) == Progressive().decide(snapshot)


@given(
    st.floats(1, 6),
    st.sampled_from([0.01, 0.03, 0.1, 0.3]),
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from("aaafgt"), st.integers(0, 6)), max_size=60),
)
def test_an_adversary_cannot_push_a_campaign_beyond_the_limit(
    dial_level: float, cap: float, n_agents: int, script: list[tuple[str, int]]
) -> None:
    """A campaign from its first call: a answers, f fails, g is given up, t a talk ends."""
    rule = Power(dial_level, cap)
    idle, talking, held, ringing, answered, abandoned = n_agents, 0, 0, 0, 0, 0
    for move, times in script:
        snapshot = Snapshot(
            idle=idle,
            held=held,
            ringing=ringing,
            amd=0,
            answered=answered,
            abandoned=abandoned,
            room=60,
        )
        ringing += rule.decide(snapshot)
        for _ in range(times):
            if move == "a" and ringing:
                ringing, answered, held = ringing - 1, answered + 1, held + 1
            elif move == "f" and ringing:
                ringing -= 1
            elif move == "g" and held:
                held, abandoned = held - 1, abandoned + 1
            elif move == "t" and talking:
                talking, idle = talking - 1, idle + 1
            served = min(idle, held)
            idle, held, talking = idle - served, held - served, talking + served
            assert abandoned <= cap * answered + 1e-9


def test_power_dials_its_level_when_nobody_was_abandoned() -> None:
    assert Power(2.0, 0.03).decide(IDLE) == 20
    assert Power(2.5, 0.03).decide(replace(IDLE, idle=3)) == 7
    assert Power(2.0, 0.03).decide(replace(IDLE, ringing=12, amd=3)) == 5


@pytest.mark.parametrize(
    ("answered", "abandoned", "n"),
    [(0, 0, 10), (100, 0, 13), (100, 3, 10), (200, 3, 13), (1000, 0, 20)],
)
def test_the_gate_opens_with_the_answers_so_far(answered: int, abandoned: int, n: int) -> None:
    snapshot = replace(IDLE, answered=answered, abandoned=abandoned)
    assert Power(2.0, 0.03).decide(snapshot) == n


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"mode": "progressive", "dial_level": 3}, Progressive()),
        ({"mode": "power", "dial_level": 3, "max_abandon_rate": 0.05}, Power(3, 0.05)),
    ],
)
def test_settings_name_the_rule(settings: dict[str, object], rule: Pacing) -> None:
    named = pacing_of(PacingSettings.model_validate(settings))
    assert type(named) is type(rule)
    assert named.decide(IDLE) == rule.decide(IDLE)


@pytest.mark.parametrize(
    ("also", "why"),
    [
        (Tally(1000, 30, name="block"), "limit_reached"),
        (Tally(10, 0, name="block"), "warming_up"),
    ],
)
def test_power_keeps_the_limit_of_every_period(also: Tally, why: str) -> None:
    snapshot = replace(IDLE, also=(also,))
    n = Power(2.0, 0.03).decide(snapshot)
    assert n == Progressive().decide(snapshot)
    assert explained(Power(2.0, 0.03), snapshot, n) == Explained(why, period="block")
    busy = replace(snapshot, idle=0, ringing=0)
    assert explained(Power(2.0, 0.03), busy, 0) == Explained(why, period="block")


def test_a_shared_limit_is_not_the_campaigns_own() -> None:
    spent = replace(IDLE, answered=100, abandoned=50, is_shared=True)
    assert Power(2.0, 0.03).decide(replace(spent, also=(Tally(1000, 0),))) == 20
    assert Power(2.0, 0.03).decide(replace(spent, also=(Tally(100, 50),))) == 10


def test_what_other_campaigns_may_do_is_held_against_the_limit() -> None:
    rule, shared = Power(2.0, 0.03), replace(IDLE, is_shared=True, also=(Tally(200, 0),))
    assert rule.decide(shared) == 16
    assert rule.decide(replace(shared, at_risk_elsewhere=3)) == 13
    assert rule.decide(replace(shared, at_risk_elsewhere=60)) == 10


@given(
    st.floats(1, 6),
    st.sampled_from([0.03, 0.1, 0.3]),
    st.lists(st.tuples(st.booleans(), st.sampled_from("aaafgt"), st.integers(0, 6)), max_size=60),
)
def test_two_campaigns_cannot_push_their_group_beyond_its_limit(
    dial_level: float, cap: float, script: list[tuple[bool, str, int]]
) -> None:
    """Whatever becomes of the calls, and in which order; agents are not shared, and stay."""
    rule, sides, risks = Power(dial_level, cap), [Side(), Side()], [0.0, 0.0]
    for which, move, times in script:
        for i, side in enumerate(sides):
            snapshot = Snapshot(
                idle=side.idle,
                held=side.held,
                ringing=side.ringing,
                amd=0,
                answered=0,
                abandoned=0,
                room=60,
                also=(Tally(sum(s.answered for s in sides), sum(s.abandoned for s in sides)),),
                is_shared=True,
                at_risk_elsewhere=risks[1 - i],
            )
            n = rule.decide(snapshot)
            side.ringing += n
            risks[i] = at_risk(rule, snapshot, n)
        for _ in range(times):
            sides[which].move(move)
            assert sum(s.abandoned for s in sides) <= cap * sum(s.answered for s in sides) + 1e-9


@dataclass
class Side:
    """One of two campaigns: a answers, f fails, g is given up, t a talk ends."""

    idle: int = 4
    talking: int = 0
    held: int = 0
    ringing: int = 0
    answered: int = 0
    abandoned: int = 0

    def move(self, move: str) -> None:
        if move == "a" and self.ringing:
            self.ringing, self.answered, self.held = (
                self.ringing - 1, self.answered + 1, self.held + 1,
            )  # fmt: skip
        elif move == "f" and self.ringing:
            self.ringing -= 1
        elif move == "g" and self.held:
            self.held, self.abandoned = self.held - 1, self.abandoned + 1
        elif move == "t" and self.talking:
            self.talking, self.idle = self.talking - 1, self.idle + 1
        served = min(self.idle, self.held)
        self.idle, self.held, self.talking = (
            self.idle - served, self.held - served, self.talking + served,
        )  # fmt: skip
