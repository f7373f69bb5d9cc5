from __future__ import annotations

import pytest

from engine.core.postal import area_of_state
from engine.core.state_names import _CODES, region_named, region_written


@pytest.mark.parametrize(
    ("text", "country", "region"),
    [
        ("FL", "US", "US-FL"),
        (" florida ", "US", "US-FL"),
        ("N.Y.", "US", "US-NY"),
        ("Fla.", "US", "US-FL"),
        ("us-fl", "GB", "US-FL"),
        ("Us-Fl", "GB", None),
        ("fl", "US", "US-FL"),
        ("Washington, D.C.", "US", "US-DC"),
        ("Washington DC", "US", "US-DC"),
        ("W. Va.", "US", "US-WV"),
        ("N. Mex.", "US", "US-NM"),
        ("New  York", "US", "US-NY"),
        ("Ont.", "US", "CA-ON"),
        ("Ontario", "US", "CA-ON"),
        ("Québec", "CA", "CA-QC"),
        ("Texas", "CA", "US-TX"),
        ("Puerto Rico", "PR", "US-PR"),
        ("WA", "AU", "AU-WA"),
        ("WA", "US", "US-WA"),
        ("California (US)", "DE", "US-CA"),
        ("Western Australia (AU)", "US", "AU-WA"),
        ("DE-BY", "DE", "DE-BY"),
        ("Bayern (DE)", "DE", None),
        ("WA", "DE", None),
        ("Florida", "GB", None),
        ("somewhere", "US", None),
        ("A\nB", "US", None),
        ("", "US", None),
        ("FL", "", None),
    ],
)
def test_a_state_is_told_by_its_code_or_its_name(text: str, country: str, region: str | None):
    assert region_named(text, country) == region


@pytest.mark.parametrize(
    ("text", "country", "region"),
    [("fl", "US", "US-FL"), ("BY", "DE", "DE-BY"), ("by", "DE", None), ("ZZ", "US", None),
     ("ZZ", "PR", None), ("BY", "", None), ("BY", "001", None), ("Bayern", "DE", None)],
)  # fmt: skip
def test_a_bare_code_is_one_of_the_country_where_no_names_are_known(text, country, region):
    assert region_written(text, country) == region


def test_every_state_has_its_zones():
    assert {region for region in _CODES.values() if area_of_state(region) is None} == set()
    assert len(set(_CODES.values())) == 77
