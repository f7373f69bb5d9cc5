"""Which knowledge a campaign starts from."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.pacing import Knowledge, Predictive
from engine.core.pacing.teaching import HALF_LIFE, Taught, aged, chosen, likeness, weight

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
TEAM = frozenset(range(10))


def taught(knowledge, campaign_id=1, *, days=0.0, team=TEAM):
    return Taught(campaign_id, NOW - timedelta(days=days), team, knowledge)


def fewer(knowledge: Knowledge, factor: float) -> Knowledge:
    return aged(knowledge, -HALF_LIFE * math.log2(factor))


def test_a_campaign_goes_on_from_what_it_knew(knowledge: Knowledge):
    other = taught(fewer(knowledge, 0.9), 2)
    assert chosen(taught(knowledge), [other], TEAM, NOW) == knowledge


def test_nothing_known_is_a_cold_start(knowledge: Knowledge):
    strangers = taught(knowledge, 2, team=frozenset(range(100, 110)))
    assert chosen(None, [], TEAM, NOW) is None
    assert chosen(None, [strangers], TEAM, NOW) is None


def test_a_new_campaign_starts_from_its_team_and_believes_less_of_the_list(knowledge: Knowledge):
    found = chosen(None, [taught(knowledge, 2)], TEAM, NOW)
    assert found is not None
    assert weight(found.lines) == pytest.approx(100)
    assert weight(found.talk) <= 200
    mean_s = found.talk.total_s / weight(found.talk)
    assert mean_s == pytest.approx(knowledge.talk.total_s / weight(knowledge.talk))
    rule = Predictive(0.03, knowledge=found)
    assert weight(rule.knowledge().lines) == pytest.approx(100, abs=0.1)


def test_the_likest_team_teaches_and_of_these_the_newest(knowledge: Knowledge):
    half = taught(fewer(knowledge, 0.2), 2, team=frozenset(range(5)))
    old = taught(fewer(knowledge, 0.21), 3, days=2)
    new = taught(fewer(knowledge, 0.22), 4, days=1)
    found = chosen(None, [half, old, new], TEAM, NOW)
    assert found is not None
    assert found.caution == aged(new.knowledge, timedelta(days=1)).caution


def test_what_has_faded_gives_way_to_what_the_team_knows(knowledge: Knowledge):
    long_ago = taught(knowledge, days=120)
    assert weight(aged(knowledge, timedelta(days=120)).lines) < 30
    found = chosen(long_ago, [taught(knowledge, 2)], TEAM, NOW)
    assert found is not None and weight(found.lines) == pytest.approx(100)
    alone = chosen(long_ago, [], TEAM, NOW)
    assert alone is not None and weight(alone.lines) < 30


def test_half_is_forgotten_in_two_weeks(knowledge: Knowledge):
    found = aged(replace(knowledge, caution=1.5), HALF_LIFE)
    assert weight(found.talk) == pytest.approx(weight(knowledge.talk) / 2)
    assert found.talk.total_s == pytest.approx(knowledge.talk.total_s / 2)
    assert found.caution == pytest.approx(1.2)
    ahead = aged(knowledge, timedelta(days=-3))
    assert weight(ahead.lines) == weight(knowledge.lines)


@given(st.frozensets(st.integers(0, 9)), st.frozensets(st.integers(0, 9)))
def test_likeness_is_mutual_and_between_none_and_all(some: frozenset[int], others: frozenset[int]):
    assert 0 <= likeness(some, others) == likeness(others, some) <= 1
    assert likeness(some, some) == bool(some)
