"""Where a number may be: every zone of its area where its exchange is not listed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.core import us_area_zones
from engine.core.area_codes import STATE_OF
from engine.core.number_zones import clock_of
from engine.core.phone import facts_of, is_geographical, zones_of

ROOT = Path(__file__).resolve().parents[3]
CHICAGO, DENVER, NEW_YORK = "America/Chicago", "America/Denver", "America/New_York"


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+12125550100", {NEW_YORK}),
        ("+13055550100", {NEW_YORK}),  # Miami is in one zone, though Florida is in two
        ("+16892345678", {NEW_YORK}),  # Orlando, which the library has in Chicago's zone
        ("+14235550100", {CHICAGO, NEW_YORK}),  # Chattanooga is in one, Marion County in the other
        ("+14482345678", {CHICAGO, NEW_YORK}),  # an overlay of Florida's panhandle
        ("+13642345678", {CHICAGO, NEW_YORK}),
        ("+12195550100", {CHICAGO, NEW_YORK}),
        ("+19282345678", {DENVER, "America/Phoenix"}),  # the Navajo Nation changes its clocks
        ("+14582345678", {DENVER, "America/Los_Angeles"}),
        ("+16055550100", {CHICAGO, DENVER}),
        ("+13242345678", {NEW_YORK}),  # newer than the package of ZIP codes
        ("+18072345678", {"America/Atikokan", "America/Toronto", "America/Winnipeg"}),
        ("+12083452345", {DENVER, "America/Los_Angeles"}),  # a block with exchanges of both
        ("+442079460018", {"Europe/London"}),
        ("+34912345678", {"Europe/Madrid"}),  # the Canaries have prefixes of their own
    ],
)
def test_every_zone_of_an_area_counts(number: str, zones: set[str]) -> None:
    assert set(zones_of(number)) == zones


def test_the_far_north_of_canada_is_in_four_zones() -> None:
    zones = {"America/Edmonton", "America/Toronto", "America/Whitehorse", "America/Winnipeg"}
    for number in ("+18679795555", "+18674562345", "+18672222222"):
        assert set(zones_of(number)) == zones


def test_a_listed_exchange_is_where_the_library_says() -> None:
    listed = [
        prefix
        for prefix in TIMEZONE_DATA
        if len(prefix) == 7 and not any(p.startswith(prefix) and p != prefix for p in TIMEZONE_DATA)
    ]
    told = [(f"+{prefix}0100", TIMEZONE_DATA[prefix]) for prefix in listed if prefix[0] == "1"]
    assert len(told) > 500
    for number, zones in told:
        is_valid = phonenumbers.is_valid_number(phonenumbers.parse(number))
        if is_valid and not number.startswith("+1867"):
            assert zones_of(number) == tuple(sorted(zones))


def test_every_area_code_of_the_us_has_its_state_and_its_zones() -> None:
    with_zones = {area for _, areas in us_area_zones.US for area in areas.split()}
    assert set(STATE_OF) == with_zones
    for area in range(200, 1000):
        number = f"+1{area}2345678"
        if phonenumbers.is_valid_number(phonenumbers.parse(number)):
            facts = facts_of(number)
            assert facts.country != "US" or not is_geographical(facts) or str(area) in STATE_OF


def test_the_table_of_area_codes_is_what_its_script_makes() -> None:
    spec = importlib.util.spec_from_file_location("made", ROOT / "tables" / "us_area_zones.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert Path(us_area_zones.__file__).read_text(encoding="utf-8") == maker.text()


def test_a_clock_tells_zones_apart_that_change_on_other_days() -> None:
    assert clock_of("America/Detroit") == clock_of(NEW_YORK)
    assert clock_of("America/Mexico_City") != clock_of(CHICAGO)
    assert clock_of("America/Phoenix") != clock_of(DENVER)
