from __future__ import annotations

import pytest

from engine.core.destinations import refusal
from engine.core.phone import as_e164
from engine.core.settings import DestinationSettings

DEFAULT = DestinationSettings()


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        ("+12025550100", None),
        ("+442079460000", None),
        ("+18002345678", None),
        ("+19002345678", "premium"),
        ("+449098790000", "premium"),
        ("+611300123456", "shared_cost"),
        ("+870773111632", "satellite"),
        ("+881612345678", "satellite"),
        ("+979123456789", "premium"),
    ],
)
def test_expensive_ranges_are_closed_unless_somebody_opens_them(
    phone: str, why: str | None
) -> None:
    assert refusal(phone, DEFAULT) == why
    opened = DestinationSettings(allow_premium=True, allow_shared_cost=True, allow_satellite=True)
    assert refusal(phone, opened) is None


def test_only_the_countries_that_are_allowed_are_called() -> None:
    """Jamaica is in the North American plan, and not in the United States."""
    us_and_uk = DestinationSettings(countries=("US", "GB"))
    assert refusal("+12025550100", us_and_uk) is None
    assert refusal("+442079460000", us_and_uk) is None
    assert refusal("+18765550100", us_and_uk) == "country"
    assert refusal("+16135550100", us_and_uk) == "country"
    assert refusal("+14412345678", us_and_uk) == "country"


@pytest.mark.parametrize(
    ("text", "country"),
    [("911", "US"), ("112", "DE"), ("999", "GB"), ("000", "AU"), ("9-1-1", "US")],
)
def test_an_emergency_number_is_never_a_phone_number(text: str, country: str) -> None:
    with pytest.raises(ValueError, match="emergency"):
        as_e164(text, country)


@pytest.mark.parametrize(("text", "country"), [("411", "US"), ("20202", "US"), ("118118", "GB")])
def test_a_short_code_is_never_a_phone_number(text: str, country: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        as_e164(text, country)
