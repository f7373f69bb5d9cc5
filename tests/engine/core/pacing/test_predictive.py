from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.pacing import (
    Kind,
    Knowledge,
    Predictive,
    Progressive,
    Seen,
    Snapshot,
    Tally,
    knowledge_of,
    pacing_of,
)
from engine.core.settings import PacingSettings

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
BUSY = Snapshot(
    idle=2,
    held=0,
    ringing=3,
    amd=0,
    answered=4_000,
    abandoned=40,
    room=100,
    ringing_ages={1: 1, 5: 1, 12: 1},
    talk_ages={20: 4, 60: 4, 150: 4},
    wrap_up_ages={5: 3, 18: 3},
)


def progressive(snapshot: Snapshot) -> int:
    return Progressive().decide(snapshot)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    few, ages = st.integers(0, 30), st.dictionaries(st.integers(0, 400), st.integers(1, 3))
    ringing, amd = draw(ages), draw(ages)
    answered = draw(st.integers(0, 5_000))
    return Snapshot(
        idle=draw(few),
        held=draw(st.integers(0, 5)),
        ringing=sum(ringing.values()),
        amd=sum(amd.values()),
        answered=answered,
        abandoned=draw(st.integers(0, max(1, answered // 20))),
        room=draw(st.integers(-3, 200)),
        ringing_ages=ringing,
        amd_ages=amd,
        talk_ages=draw(ages),
        wrap_up_ages=draw(ages),
        release_share=draw(st.floats(0, 1)),
        pick_up_s=draw(st.floats(0, 5)),
        ends_in_s=draw(st.none() | st.floats(-10, 20_000)),
        contacts_left=draw(st.none() | st.integers(0, 10_000)),
        also=draw(st.lists(st.builds(Tally, st.integers(0, 900), st.integers(0, 30)), max_size=2)),
    )


@SHARED
@given(snapshots())
def test_within_room_and_never_below_one_call_for_each_agent(
    knowledge: Knowledge, snapshot: Snapshot
):
    n = Predictive(0.03, knowledge=knowledge).decide(snapshot)
    assert progressive(snapshot) <= n <= max(0, snapshot.room)


@SHARED
@given(snapshots())
def test_a_rule_without_experience_takes_no_risk(snapshot: Snapshot):
    rule = Predictive(0.03)
    assert rule.decide(snapshot) == progressive(snapshot)
    assert rule.explained.why == "warming_up"


@SHARED
@given(snapshots())
def test_without_a_limit_to_spend_it_takes_no_risk(knowledge: Knowledge, snapshot: Snapshot):
    assert Predictive(0.0, knowledge=knowledge).decide(snapshot) == progressive(snapshot)


@SHARED
@given(snapshots(), st.booleans())
def test_a_period_at_its_limit_stops_all_risk(
    knowledge: Knowledge, snapshot: Snapshot, elsewhere: bool
):
    """Its own or another one: the last 24 hours, 30 days, a group of campaigns."""
    spent = Tally(answered=1_000, abandoned=30)
    if elsewhere:
        snapshot = replace(snapshot, also=(*snapshot.also, spent))
    else:
        snapshot = replace(
            snapshot, answered=1_000, abandoned=30, ends_in_s=None, contacts_left=None
        )
    rule = Predictive(0.03, knowledge=knowledge)
    assert rule.decide(snapshot) == progressive(snapshot)
    assert rule.explained.why == "limit_reached"


def test_it_dials_ahead_of_agents_who_will_be_free(knowledge: Knowledge):
    rule = Predictive(0.03, knowledge=knowledge)
    assert rule.decide(BUSY) > progressive(BUSY)
    assert rule.explained.why == "predicting"
    assert rule.explained.risk > 0


@pytest.mark.parametrize(
    "less",
    [
        {"release_share": 0.2},
        {"talk_ages": {}, "wrap_up_ages": {}},
        {"idle": 0},
        {"held": 3},
        {"ringing": 13, "ringing_ages": {3: 13}},
        {"amd": 6, "amd_ages": {1: 6}},
        {"pick_up_s": 2.0, "talk_ages": {100: 40}},
    ],
)
def test_it_dials_less_with_fewer_agents_to_come_or_more_in_flight(
    knowledge: Knowledge, less: dict[str, object]
):
    before = BUSY if "pick_up_s" not in less else replace(BUSY, talk_ages={100: 40})
    most = Predictive(0.03, knowledge=knowledge).decide(before)
    assert Predictive(0.03, knowledge=knowledge).decide(replace(before, **less)) < most + (
        "pick_up_s" in less
    )


def test_agents_who_leave_are_not_counted_on(knowledge: Knowledge):
    steady, leaving = (Predictive(0.03, knowledge=knowledge) for _ in range(2))
    gone = [Seen(Kind.LEFT_AFTER)] * 40 + [Seen(Kind.LEFT)] * 40
    assert leaving.decide(replace(BUSY, seen=gone)) < steady.decide(BUSY)


def test_a_fallen_answer_rate_is_seen_within_minutes(knowledge: Knowledge):
    rule = Predictive(0.03, knowledge=knowledge)
    before = rule.decide(BUSY)
    nobody = [Seen(Kind.NO_PERSON, 20.0)] * 150
    after = rule.decide(replace(BUSY, seen=nobody, now_s=120.0))
    assert after > before


def test_a_share_that_collapses_is_not_believed_at_once(knowledge: Knowledge):
    """Who answered minutes ago may answer again: about half of them are reckoned with."""
    rule = Predictive(0.03, knowledge=knowledge)
    rule.decide(BUSY)
    before = rule.explained.share_answered
    few = [Seen(Kind.NO_PERSON, 22.0)] * 39 + [Seen(Kind.PERSON, 9.0)]
    for n in range(60):
        rule.decide(replace(BUSY, seen=few, now_s=10.0 * n))
    assert rule.explained.why == "predicting"
    assert 0.3 * before < rule.explained.share_answered < 0.7 * before


def test_the_same_story_gives_the_same_decisions(knowledge: Knowledge):
    rules = [Predictive(0.03, knowledge=knowledge) for _ in range(2)]
    told = [
        replace(BUSY, now_s=n * 0.5, idle=n % 4, seen=[Seen(Kind.PERSON, 9.0)] * (n % 3))
        for n in range(200)
    ]
    assert [rules[0].decide(each) for each in told] == [rules[1].decide(each) for each in told]


def test_knowledge_survives_being_written_down(knowledge: Knowledge):
    read = knowledge_of(json.loads(json.dumps(knowledge.as_json())))
    assert read == knowledge
    told = [replace(BUSY, now_s=n * 0.5, idle=n % 5) for n in range(50)]
    written, kept = (Predictive(0.03, knowledge=each) for each in (read, knowledge))
    assert [written.decide(each) for each in told] == [kept.decide(each) for each in told]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 99},
        {"version": 1},
        {"version": 1, "talk": 7, "wrap_up": [], "lines": None, "judged": {}, "caution": "x"},
    ],
)
def test_knowledge_of_another_shape_is_left_out(document: dict[str, object]):
    assert knowledge_of(document) is None


def test_settings_name_it(knowledge: Knowledge):
    named = PacingSettings.model_validate({"mode": "predictive", "max_abandon_rate": 0.02})
    rule = pacing_of(named, hold_s=2.0, knowledge=knowledge)
    assert isinstance(rule, Predictive)
    at_limit = replace(BUSY, answered=1_000, abandoned=20)
    assert rule.decide(at_limit) == progressive(at_limit)


# ---------------------------------------------------------------------------------- the gate

moves = st.lists(
    st.tuples(st.sampled_from("aaaafgtlc"), st.integers(1, 8)), min_size=5, max_size=80
)


@SHARED
@given(st.sampled_from([0.01, 0.03, 0.1]), st.integers(1, 20), st.integers(0, 3_000), moves)
def test_no_interleaving_passes_the_gate(
    knowledge: Knowledge, cap: float, n_agents: int, history: int, script: list[tuple[str, int]]
):
    """a answers, f fails, g is given up, t a talk ends, l an agent leaves, c one comes.

    A call beyond one for each agent leaves only while one more abandon is within the limit. From
    then on nothing can be abandoned but what rang at that moment, and those whose agent left.
    """
    rule = Predictive(cap, knowledge=knowledge)
    idle, talking, held, ringing = n_agents, 0, 0, 0
    answered, abandoned, now_s = history, int(cap * history / 2), 0.0
    may_be_abandoned = abandoned
    for move, times in script:
        now_s += 0.5
        snapshot = Snapshot(
            idle=idle,
            held=held,
            ringing=ringing,
            amd=0,
            answered=answered,
            abandoned=abandoned,
            room=40,
            now_s=now_s,
            ringing_ages=Counter({4: ringing}),
            talk_ages=Counter({30: talking}),
        )
        n = rule.decide(snapshot)
        if n > progressive(snapshot):
            assert abandoned + 1 <= cap * answered
            may_be_abandoned = abandoned + max(0, held + ringing + n - idle)
        ringing += n
        for _ in range(times):
            if move == "a" and ringing:
                ringing, answered, held = ringing - 1, answered + 1, held + 1
            elif move == "f" and ringing:
                ringing -= 1
            elif move == "g" and held:
                held, abandoned = held - 1, abandoned + 1
            elif move == "t" and talking:
                talking, idle = talking - 1, idle + 1
            elif move == "l" and idle:
                idle, may_be_abandoned = idle - 1, may_be_abandoned + 1
            elif move == "c":
                idle += 1
            served = min(idle, held)
            idle, held, talking = idle - served, held - served, talking + served
            assert abandoned <= may_be_abandoned


@SHARED
@given(snapshots())
def test_what_leaves_fits_the_reserve(knowledge: Knowledge, snapshot: Snapshot):
    """The nearer the limit, the fewer: never more at risk than the period can still bear."""
    snapshot = replace(snapshot, ends_in_s=None, contacts_left=None, also=())
    n = Predictive(0.03, knowledge=knowledge).decide(snapshot)
    if n <= progressive(snapshot):
        return
    at_risk = snapshot.in_flight + n - snapshot.idle
    spare = 0.03 * snapshot.answered - snapshot.abandoned
    assert min(at_risk, 2) <= spare
