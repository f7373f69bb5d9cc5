"""How often people answer, by calling list, attempt and hour."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from engine.core.pacing import CallClass, Knowledge, Predictive, Snapshot, class_of, knowledge_of
from engine.core.pacing.mix import Mix
from engine.core.pacing.ratios import Ratios, fitted
from engine.core.pacing.shares import N_LISTS, OTHER_LISTS, Cell, Shares
from engine.core.pacing.teaching import aged, of_another
from engine.core.simulation import Result, Scenario, simulate
from engine.core.simulation.result import total

FIRST, SECOND, THIRD = (CallClass(1, attempt, 10) for attempt in (1, 2, 3))

MORNING = Snapshot(
    idle=4,
    held=0,
    ringing=0,
    amd=0,
    answered=1_000,
    abandoned=5,
    room=100,
    talk_ages={20: 8, 60: 4},
    ends_in_s=7200.0,
)


def mix_of(*calls: CallClass) -> Mix:
    mix = Mix(100.0)
    for call in calls:
        mix.add(call)
    return mix


def cells_with(shares: dict[CallClass, float], calls: float = 2000.0) -> dict[CallClass, Cell]:
    return {of: Cell(calls, calls * share) for of, share in shares.items()}


# ------------------------------------------------------------------------------ comparisons


def test_third_attempts_and_later_ones_are_of_one_kind():
    assert [class_of(0, number, 9).attempt for number in (1, 2, 3, 4, 9)] == [1, 2, 3, 3, 3]


def test_lists_attempts_and_hours_are_told_apart_though_they_come_together():
    """Of one list mostly first attempts were made, of the other mostly third ones."""
    of_list, of_attempt, of_hour = {1: 0.5, 2: 1.5}, {1: 1.6, 3: 0.4}, {9: 0.7, 18: 1.4}
    cells = {}
    for each in product(of_list, of_attempt, of_hour):
        of = CallClass(*each)
        calls = 5000.0 if (of.list_id == 1) == (of.attempt == 1) else 500.0
        share = 0.2 * of_list[of.list_id] * of_attempt[of.attempt] * of_hour[of.hour]
        cells[of] = Cell(calls, calls * share)
    usual = CallClass(1, 1, 9)
    ratios = Ratios(fitted(cells), mix_of(usual))
    assert ratios.of(usual) == 1
    assert ratios.of(CallClass(2, 1, 9)) == pytest.approx(3.0, rel=0.15)
    assert ratios.of(CallClass(1, 3, 9)) == pytest.approx(0.25, rel=0.2)
    assert ratios.of(CallClass(1, 1, 18)) == pytest.approx(2.0, rel=0.15)


def test_the_mix_that_is_compared_with_is_answered_as_usual_on_average():
    ratios = Ratios(fitted(cells_with({FIRST: 0.4, THIRD: 0.08})), mix_of(*[FIRST, THIRD] * 50))
    assert (ratios.of(FIRST) + ratios.of(THIRD)) / 2 == pytest.approx(1.0, rel=0.02)
    assert ratios.of(FIRST) / ratios.of(THIRD) == pytest.approx(5.0, rel=0.3)


@pytest.mark.parametrize(("calls", "most"), [(3, 1.05), (30, 1.6), (100, 2.6)])
def test_few_calls_tell_little(calls: int, most: float):
    cells = {FIRST: Cell(3000, 300), SECOND: Cell(calls, 0.4 * calls)}
    assert 1 <= Ratios(fitted(cells), mix_of(FIRST)).of(SECOND) <= most


def test_what_was_never_seen_is_answered_as_calls_are_now():
    """Not as they were on average: another hour begins as the one before ended."""
    cells = cells_with({CallClass(1, 1, 9): 0.1, CallClass(1, 1, 10): 0.4})
    now = CallClass(1, 1, 10)
    ratios = Ratios(fitted(cells), mix_of(now))
    assert ratios.of(CallClass(1, 1, 11)) == ratios.of(now) == 1
    assert ratios.of(None) == 1


def test_an_hour_in_which_nobody_answered_is_not_believed_altogether():
    cells = cells_with({CallClass(1, 1, 9): 0.3, CallClass(1, 1, 10): 0.0})
    assert Ratios(fitted(cells), mix_of(CallClass(1, 1, 9))).of(CallClass(1, 1, 10)) == 0.5


def test_the_most_dialled_lists_are_told_apart_and_the_others_are_one():
    shares = Shares()
    for list_id in range(N_LISTS + 4):
        for _ in range(20 + (500 if list_id >= 4 else 0)):
            shares.add(CallClass(list_id, 1, 9), 1.0, is_person=False)
    calls = sum(cell.calls for cell in shares.cells.values())
    for _ in range(3):
        shares.choose_lists()
    found = {of.list_id for of in shares.cells}
    known = {shares.known(CallClass(each, 1, 9)).list_id for each in range(N_LISTS + 4)}
    assert known == {OTHER_LISTS, *range(4, N_LISTS + 4)}
    assert len(found) <= N_LISTS + 1
    assert sum(cell.calls for cell in shares.cells.values()) == pytest.approx(calls)


# -------------------------------------------------------------------------------- decisions


class Blind:
    """A rule that is not told of what class a call is."""

    def __init__(self, rule: Predictive) -> None:
        self.rule = rule

    def decide(self, now: Snapshot) -> int:
        seen = [replace(each, of=None) for each in now.seen]
        return self.rule.decide(replace(now, ringing_classes={}, placed=(), hour=None, seen=seen))


def shifts(scenario: Scenario, *, sees: bool, warm: bool = True, n: int = 2) -> list[Result]:
    found = []
    for seed in range(n):
        taught: Knowledge | None = None
        for day in ("yesterday", "today") if warm else ("today",):
            rule = Predictive(0.03, knowledge=taught)
            dice = random.Random(f"{seed} {day}")
            result = simulate(scenario, rule if sees else Blind(rule), dice)
            taught = rule.knowledge()
        found.append(result)
    return found


def test_with_one_class_it_decides_exactly_as_without():
    """Whatever was tuned and measured without classes holds."""
    scenario = Scenario(agents=12, hours=0.5, answer_rate=0.25, tick_s=2.0, amd_s=2.0)
    assert shifts(scenario, sees=True) == shifts(scenario, sees=False)


def test_lists_that_take_turns():
    """People of one list answer four times as often as those of the other."""
    lists = tuple((600.0 * n, 1 + n % 2, (1.0, 4.0)[n % 2]) for n in range(6))
    scenario = Scenario(agents=20, hours=1, answer_rate=0.1, lists=lists, tick_s=3.0)
    with_classes, without = (shifts(scenario, sees=sees) for sees in (True, False))
    assert total(with_classes).utilisation > total(without).utilisation + 0.04
    assert all(each.abandon_rate <= 0.03 for each in with_classes)


def test_redials_that_fall_due_among_new_contacts():
    scenario = Scenario(
        agents=20, hours=1.3, attempt_rates=(0.4, 0.2, 0.08), redial_s=600.0, tick_s=3.0
    )
    with_classes, without = (shifts(scenario, sees=sees) for sees in (True, False))
    assert total(with_classes).utilisation > total(without).utilisation + 0.005
    assert all(each.abandon_rate <= 0.03 for each in with_classes)


QUARTER_S = 900.0


class FirstMinutes:
    """What happens in the first minutes after ten, on a day that begins at a quarter to."""

    def __init__(self, rule: Predictive | Blind) -> None:
        self.rule, self.shown = rule, list[Snapshot]()

    def decide(self, now: Snapshot) -> int:
        if QUARTER_S <= now.now_s < QUARTER_S + 240:
            self.shown.append(now)
        return self.rule.decide(now)

    @property
    def abandoned(self) -> int:
        return self.shown[-1].abandoned - self.shown[0].abandoned


def test_a_jump_at_the_hour_is_expected_once_it_was_seen():
    """At 10 o'clock three times as many people answer, as they did yesterday."""
    yesterday = Scenario(
        agents=30, hours=1.5, answer_rate=0.15, answer_rates=((3600.0, 0.45),), tick_s=2.0
    )
    rates = ((QUARTER_S, 0.45),)
    today = replace(yesterday, hour=9.75, hours=0.32, answer_rates=rates, tick_s=1.0)
    lost = {True: 0, False: 0}
    for sees in lost:
        teacher = Predictive(0.03)
        simulate(yesterday, teacher if sees else Blind(teacher), random.Random("yesterday"))
        for seed in range(5):
            rule = Predictive(0.03, knowledge=teacher.knowledge())
            look = FirstMinutes(rule if sees else Blind(rule))
            simulate(today, look, random.Random(f"{seed} today"))
            lost[sees] += look.abandoned
    assert lost[True] < 0.6 * lost[False]


def test_a_day_begins_with_the_rate_of_its_hour():
    """What was learned last was the evening; the morning was known before."""
    scenario = Scenario(
        agents=20, hours=2, answer_rate=0.2, answer_rates=((3600.0, 0.36),), tick_s=3.0
    )
    teacher = Predictive(0.03)
    simulate(scenario, teacher, random.Random(3))
    expected = []
    for hour in (9, 10):
        rule = Predictive(0.03, knowledge=teacher.knowledge())
        rule.decide(replace(MORNING, hour=hour, placed=[CallClass(0, 1, hour)]))
        expected.append(rule.explained.share_answered)
    assert expected == [pytest.approx(0.2, rel=0.25), pytest.approx(0.36, rel=0.25)]


# -------------------------------------------------------------------------------- knowledge


@pytest.fixture(scope="module")
def taught() -> Knowledge:
    scenario = Scenario(
        agents=10, hours=1.2, attempt_rates=(0.4, 0.2, 0.1), redial_s=600.0, tick_s=1.0
    )
    rule = Predictive(0.03)
    simulate(scenario, rule, random.Random(2))
    return rule.knowledge()


def test_shares_survive_being_written_down(taught: Knowledge):
    assert {each.of.attempt for each in taught.shares} == {1, 2, 3}
    assert knowledge_of(json.loads(json.dumps(taught.as_json()))) == taught


def test_knowledge_of_before_there_were_classes_is_read(taught: Knowledge):
    document = {name: part for name, part in taught.as_json().items() if name != "shares"}
    assert knowledge_of(document) == replace(taught, shares=())
    rule = Predictive(0.03, knowledge=replace(taught, shares=()))
    simulate(Scenario(agents=10, hours=0.2, tick_s=1.0), rule, random.Random(2))
    assert rule.explained.why == "predicting"


@pytest.mark.parametrize("part", [{"shares": 7}, {"shares": [[1, 2]]}, {"caution": "much"}])
def test_knowledge_with_a_part_of_another_shape_is_left_out(
    taught: Knowledge, part: dict[str, object]
):
    assert knowledge_of({**taught.as_json(), **part}) is None


def test_shares_fade_as_everything_does(taught: Knowledge):
    before, after = taught.shares, aged(taught, timedelta(days=14)).shares
    for old, new in zip(before, after, strict=True):
        assert new.calls == pytest.approx(old.calls / 2)
        assert new.persons == pytest.approx(old.persons / 2)


def test_another_campaign_learns_of_attempts_and_hours_but_not_of_lists(taught: Knowledge):
    shares = of_another(taught).shares
    assert {each.of.list_id for each in shares} == {OTHER_LISTS}
    assert {each.of.attempt for each in shares} == {1, 2, 3}
    assert max(each.calls for each in shares) <= 100
    assert sum(each.part for each in shares) == pytest.approx(1.0, abs=0.01)
