from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.core.settings import CampaignSettings, SystemSettings
from engine.core.system import under

OWN, OTHER = "+12025550100", "+12025550101"


def acting(mine: dict[str, object], system: dict[str, object]) -> CampaignSettings:
    return under(CampaignSettings.model_validate(mine), SystemSettings.model_validate(system))


@pytest.mark.parametrize(
    ("mine", "most", "open_to"),
    [
        ([], [], ()),
        (["US"], [], ("US",)),
        ([], ["US", "CA"], ("US", "CA")),
        (["US", "GB"], ["CA", "US"], ("US",)),
        (["GB"], ["US"], ("ZZ",)),
    ],
)
def test_a_country_is_open_where_both_allow_it(mine, most, open_to) -> None:
    found = acting({"destinations": {"countries": mine}}, {"destinations": {"countries": most}})
    assert found.destinations.countries == open_to


def test_expensive_ranges_are_closed_unless_both_open_them() -> None:
    kinds = ("allow_premium", "allow_shared_cost", "allow_satellite")
    opened = {"destinations": dict.fromkeys(kinds, True)}
    shut = {"destinations": dict.fromkeys(kinds, False), "owned_numbers": [OWN]}
    for mine, system, expected in (
        ({}, {"owned_numbers": [OWN]}, False),
        (opened, {"owned_numbers": [OWN]}, True),
        (opened, shut, False),
    ):
        found = acting(mine, system).destinations
        assert [getattr(found, kind) for kind in kinds] == [expected] * 3


def test_only_owned_numbers_are_shown() -> None:
    mine = {"dialing": {"caller_ids": [OTHER, OWN]}}
    assert acting(mine, {}).dialing.caller_ids == (OTHER, OWN)
    assert acting(mine, {"owned_numbers": [OWN]}).dialing.caller_ids == (OWN,)


def test_what_is_no_number_cannot_be_owned() -> None:
    with pytest.raises(ValidationError):
        SystemSettings.model_validate({"owned_numbers": ["12"]})
