from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.limits import Limits, Refusal, decisive, of_number, of_person
from engine.core.settings import LimitSettings, RegionLimits

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def refusal(reason: str, seconds: float | None) -> Refusal:
    until = None if seconds is None else NOW + timedelta(seconds=seconds)
    return Refusal(reason=reason, until=until)


@pytest.mark.parametrize(
    ("campaign", "state", "wanted"),
    [(None, 3, 3), (5, 3, 3), (2, 3, 2), (5, None, 5), (None, None, 0)],
)
def test_the_lower_limit_of_campaign_and_state_counts(
    campaign: int | None, state: int | None, wanted: int
) -> None:
    limits = LimitSettings(max_per_24h=campaign, regions={"US-FL": RegionLimits(max_per_24h=state)})
    assert of_number(limits, "America/New_York;US-FL").max_per_24h == wanted
    assert of_number(limits, "America/New_York").max_per_24h == (campaign or 0)


@pytest.mark.parametrize(
    ("campaign", "state", "wanted"),
    [(None, 3, 3), (5, 3, 3), (2, 3, 2), (5, None, 5), (None, None, 0)],
)
def test_the_lower_limit_counts_for_a_person_as_well(
    campaign: int | None, state: int | None, wanted: int
) -> None:
    region = RegionLimits(person_max_per_24h=state)
    limits = LimitSettings(person_max_per_24h=campaign, regions={"US-FL": region})
    assert of_person(limits, "America/New_York;US-FL").max_per_24h == wanted
    assert of_person(limits, "America/New_York").max_per_24h == (campaign or 0)


@pytest.mark.parametrize(
    ("number", "person", "state", "wanted"),
    [(None, 7, None, 7), (3, 7, None, 3), (9, 7, None, 7), (9, 7, 2, 2), (9, None, None, 9)],
)
def test_limits_of_persons_hold_for_the_number_of_whom_nobody_knows(
    number: int | None, person: int | None, state: int | None, wanted: int
) -> None:
    regions = {"US-FL": RegionLimits(person_max_per_7d=state)}
    limits = LimitSettings(max_per_7d=number, person_max_per_7d=person, regions=regions)
    florida = "America/New_York;US-FL"
    assert of_number(limits, florida, has_person=False).max_per_7d == wanted
    assert of_number(limits, florida, has_person=True).max_per_7d == (number or 0)


def test_lock_outs_hold_for_persons_only_where_a_rule_counts_them() -> None:
    region = RegionLimits(person_max_per_7d=5)
    assert of_person(LimitSettings(max_per_24h=1, after_abandon_s=10), "") == Limits()
    counted = of_person(LimitSettings(person_max_per_7d=7, after_abandon_s=10), "")
    assert counted == Limits(max_per_7d=7, after_abandon_s=10)
    in_a_state = LimitSettings(after_abandon_s=10, regions={"US-FL": region})
    assert of_person(in_a_state, "Z;US-NY") == Limits()
    assert of_person(in_a_state, "Z;US-FL") == Limits(max_per_7d=5, after_abandon_s=10)


def test_the_refusal_that_lasts_longest_decides() -> None:
    day, week = refusal("limit_24h", 60), refusal("limit_7d", 600)
    assert decisive([week, day]) == week
    assert decisive([day, refusal("dnc", None), week]) == refusal("dnc", None)
    assert decisive([refusal("live", None), day]) == day
    assert decisive([]) is None
