from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.pacing.outlook import (
    LANES,
    N_STEPS,
    TALK_BIN_S,
    Answers,
    Talks,
    survival,
    wrap_up_rows,
)
from engine.core.pacing.shortage import Surplus, counted, one_of

chances = st.lists(st.floats(0, 1), max_size=14)
RING = [0.0] * 3 + [0.05] * 20 + [0.0] * 20
GIVES_UP = [0.0] * 22 + [0.5] * 21


def sums_of(each: list[float]) -> list[float]:
    """The same chance at every instant of the grid."""
    powers = [sum(c**power for c in each) for power in (1, 2, 3)]
    return [powers[power] for power in range(3) for _ in range(N_STEPS)]


def exactly_short(idle: int, freed: list[float], answered: list[float]) -> float:
    """P(idle + freed - answered <= 0), by convolution."""
    surplus = Counter({idle: 1.0})
    for step, events in ((1, freed), (-1, answered)):
        for chance in events:
            after: Counter[int] = Counter()
            for at, weight in surplus.items():
                after[at] += weight * (1 - chance)
                after[at + step] += weight * chance
            surplus = after
    return sum(weight for at, weight in surplus.items() if at <= 0)


@given(st.integers(0, 6), chances, chances)
def test_the_chance_of_a_shortage_is_near_the_exact_one(
    idle: int, freed: list[float], answered: list[float]
):
    surplus = Surplus.of(idle, counted(sums_of(freed)), counted(sums_of(answered)))
    found = surplus.marginal([1 / N_STEPS] * N_STEPS)
    assert found == pytest.approx(exactly_short(idle, freed, answered), abs=0.13)


@pytest.mark.parametrize(("n", "chance"), [(20, 0.2), (50, 0.1), (50, 0.5), (200, 0.05)])
def test_it_is_nearer_for_larger_teams(n: int, chance: float):
    freed, answered = [chance] * n, [chance] * (n // 2)
    surplus = Surplus.of(0, counted(sums_of(freed)), counted(sums_of(answered)))
    found = surplus.marginal([1 / N_STEPS] * N_STEPS)
    assert found == pytest.approx(exactly_short(0, freed, answered), abs=0.01)


@given(chances, chances, st.integers(1, 30))
def test_more_calls_carry_more_risk(freed: list[float], answered: list[float], n: int):
    surplus = Surplus.of(3, counted(sums_of(freed)), counted(sums_of(answered)))
    more = surplus.less(n, one_of([0.3] * N_STEPS))
    assert more.worst(4.0) >= surplus.worst(4.0)


@given(st.lists(st.lists(st.floats(0, 1), min_size=36, max_size=36), max_size=50))
def test_packed_rows_add_like_their_numbers(rows: list[list[float]]):
    found = LANES.unpack(sum(LANES.pack(row) for row in rows))
    expected = [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * 36
    assert found == pytest.approx(expected, abs=1e-3)


def test_lanes_hold_as_many_as_they_promise():
    assert LANES.unpack(65_535 * LANES.pack([1.0] * 36)) == [65_535.0] * 36


def test_answers_come_when_people_answer():
    answers = Answers(RING, GIVES_UP, 2)
    assert sum(answers.weights) == pytest.approx(1)
    assert answers.share == pytest.approx(1 - 0.95**20, abs=1e-6)
    grows = answers.new_call.mean
    assert grows == sorted(grows) and grows[-1] <= answers.share + 1e-9
    near_the_end = LANES.unpack(answers.rows.total({22: 1}))[N_STEPS - 1]
    assert near_the_end < 0.06


@pytest.mark.parametrize("step_s", [2, 3, 5])
@pytest.mark.parametrize("hold_s", [0.0, 1.2, 2.0, 6.0])
def test_a_talk_without_memory_ends_as_it_should(step_s: int, hold_s: float):
    """No wrap-up: the time left is exponential at any age."""
    hazard = [1 - math.exp(-TALK_BIN_S / 60)] * 100
    rows = Talks(hazard, survival([1.0], 100), step_s, hold_s).rows(1.0)
    for age in (0, 33, 400, 5_000):
        freed = LANES.unpack(rows.total({age: 1}))[:N_STEPS]
        expected = [1 - math.exp(-((k + 1) * step_s + hold_s) / 60) for k in range(N_STEPS)]
        assert freed == pytest.approx(expected, abs=0.04)
        assert freed == sorted(freed)


def test_a_fixed_wrap_up_ends_on_time():
    hazard = [0.0] * 10 + [1.0] * 50
    rows = wrap_up_rows(survival(hazard, 110), 2, 0.0, 1.0)
    freed = LANES.unpack(rows.total({4: 1}))[:N_STEPS]
    assert freed[:2] == [0.0, 0.0]
    assert freed[4:] == [1.0] * (N_STEPS - 4)


def test_who_may_not_come_back_counts_less():
    hazard = [0.5] * 60
    steady = wrap_up_rows(survival(hazard, 110), 2, 2.0, 1.0)
    leaving = wrap_up_rows(survival(hazard, 110), 2, 2.0, 0.5)
    both = [LANES.unpack(rows.total({3: 4}))[N_STEPS - 1] for rows in (steady, leaving)]
    assert both[1] == pytest.approx(both[0] / 2, rel=0.01)


@given(st.sampled_from([0.3, 0.8, 1.3, 2.5]), st.integers(0, 25))
def test_calls_that_are_answered_more_often_are_so_at_every_age(ratio: float, age: int):
    """Of a thousand calls, `ratio` times as many people answer, as soon as they would."""
    answers = Answers([0.012] * 60, [0.03] * 60, 2)
    like = answers.of_ratio(ratio)
    unpack = LANES.unpack
    usual, more = (unpack(each.rows.total({age: 1})) for each in (answers.usual, like))
    left = 1 - answers.answered_by(age) - others_by(answers, age)
    others = (1 - ratio * answers.share) / (1 - answers.share)
    left_then = 1 - ratio * answers.answered_by(age) - others * others_by(answers, age)
    times = ratio * left / left_then
    n = len(usual) // 3
    assert like.share == pytest.approx(ratio * answers.share)
    assert more[:n] == pytest.approx([times * each for each in usual[:n]], abs=2e-3)
    assert more[n : 2 * n] == pytest.approx([each**2 for each in more[:n]], abs=2e-3)
    assert more[2 * n :] == pytest.approx([each**3 for each in more[:n]], abs=2e-3)
    assert sum(like.weights) == pytest.approx(1.0)


def others_by(answers: Answers, age: int) -> float:
    """Calls that ended otherwise: of those that ended by then, a constant part."""
    return answers.answered_by(age) * 0.03 / 0.012
