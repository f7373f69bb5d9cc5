from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.pacing.hazards import Ended, edges, exposure, hazards

FINE = edges(60, (60, 1))


def taught(seconds: list[float], window: float = 1e6) -> Ended:
    ended = Ended(60)
    for each in seconds:
        ended.add(each, window)
    return ended


@given(st.lists(st.integers(0, 80), max_size=40), st.dictionaries(st.integers(0, 80), st.just(1)))
def test_exposure_counts_who_lived_through_each_second(ended: list[int], alive: dict[int, int]):
    counts = [0.0] * 60
    for each in ended:
        counts[min(59, each)] += 1
    found = exposure([counts], alive, 60)
    for second in range(60):
        through = sum(min(59, each) >= second for each in ended)
        through += sum(min(60, age) > second for age in alive)
        assert found[second] == pytest.approx(through)


def test_a_steady_hazard_is_found():
    dice = random.Random(1)
    ended = taught([dice.expovariate(1 / 10) for _ in range(20_000)])
    found = hazards(ended, {}, FINE, prior_s=90)
    assert found[0] == pytest.approx(0.095, abs=0.01)
    assert found[20] == pytest.approx(0.095, abs=0.02)


def test_who_still_talks_makes_the_end_less_likely():
    """Early in a shift only the short conversations have ended."""
    ended = taught([3.0] * 10)
    alone = hazards(ended, {}, FINE, prior_s=90)
    with_others = hazards(ended, {50: 90}, FINE, prior_s=90)
    assert with_others[3] < alone[3] / 4


def test_the_recent_weighs_more():
    ended = taught([40.0] * 200 + [5.0] * 200, window=50)
    assert ended.weight == pytest.approx(50, rel=0.05)
    assert ended.mean_s < 6


def test_weights_never_overflow():
    ended = taught([float(n % 7) for n in range(5_000)], window=10)
    assert ended.weight == pytest.approx(10, rel=0.01)
    assert sum(ended.normalised()[0]) == pytest.approx(ended.weight)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_what_is_kept_can_be_loaded(seconds: list[float]):
    before, after = taught(seconds, window=30), Ended(60)
    after.load(before.kept())
    assert after.weight == pytest.approx(before.weight, rel=1e-2, abs=1e-2)
    assert after.normalised()[0] == pytest.approx(before.normalised()[0], abs=1e-3)


@given(st.dictionaries(st.integers(0, 59), st.integers(1, 50)), st.floats(1, 500))
def test_a_hazard_is_a_chance(counts: dict[int, int], prior_s: float):
    ended = taught([float(at) for at, n in counts.items() for _ in range(n)])
    assert all(0 <= each <= 1 for each in hazards(ended, {}, FINE, prior_s))
