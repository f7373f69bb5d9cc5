"""The quick way to read a row says what the thorough way says, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.imports import Layout, contact_of
from crm.plain_rows import PlainRows
from engine.core.errors import Invalid
from engine.core.settings import DestinationSettings

COLUMNS = (
    "phone", "name", "timezone", "priority", "external_id", "person_key", "source", "url",
    "region", "postal_code", "phones.10", "variables.colour", "-", "variables.size", "-",
)  # fmt: skip
OPEN_TO = DestinationSettings(countries=("US", "GB", "DE"))
PHONES = (
    "+12125550100", "(305) 555-0100", "212-555-0100", "+442079460958", "+19005550100",
    "+33123456789", "112", "12", "", "+1 800 234 5678", "+4915112345678", "0800 1", "abc",
)  # fmt: skip
WORDS = st.sampled_from(
    ("", "", "Ann", "Zoë Müller", "a\x07b", "a\tb", "x" * 150, "x" * 300, "7", "007", "1001", "0",
     "٣", "7.0", "Europe/Paris", "Mars/Base", "US-FL", "FL", "fl", "Fla.", "Florida", "BY",
     "https://crm.example/1", "ftp://x", "javascript:1", "a\u200bb", "=1+1", "+12125550199",
     "90210", "33101-1234", "K1A 0B1", "00000")
)  # fmt: skip
ROWS = st.tuples(st.sampled_from(PHONES), *[WORDS for _ in COLUMNS[1:]]).map(list)


@given(ROWS, st.integers(0, len(COLUMNS) + 1))
@settings(max_examples=1000)
def test_both_ways_make_the_same_contact(row: list[str], n_cells: int) -> None:
    row = [*row, "more"][:n_cells]
    quick = PlainRows(COLUMNS, "US", OPEN_TO).contact(row)
    if quick is not None:
        assert quick == contact_of(row, Layout(",", COLUMNS, True), "US", OPEN_TO)


@pytest.mark.parametrize(
    "row",
    [
        ["+12125550100", "Ann", "", "", "E1", "", "web", "", "", "", "", "red"],
        ["(305) 555-0100", "Zoë", "Europe/Paris", "7", "", "P1", "", "https://crm.example/1"],
        ["212-555-0100"],
        ["212-555-0100", "Ann", "", "", "", "", "", "", "FL", "33101"],
        ["212-555-0100", "Ann", "", "", "", "", "", "", "Washington, DC"],
        ["+4915112345678", "Ann", "", "", "", "", "", "", "BY"],
        ["212-555-0100", "Ann", "Europe/Paris", "", "", "", "", "", "", "90210-1234"],
    ],
)
def test_what_lists_are_full_of_is_read_the_quick_way(row: list[str]) -> None:
    quick = PlainRows(COLUMNS, "US", OPEN_TO).contact(row)
    assert quick == contact_of(row, Layout(",", COLUMNS, True), "US", OPEN_TO)


def test_what_is_refused_is_left_to_the_thorough_way() -> None:
    for phone in ("+19005550100", "+33123456789", "112"):
        assert PlainRows(COLUMNS, "US", OPEN_TO).contact([phone]) is None
        with pytest.raises(Invalid):
            contact_of([phone], Layout(",", COLUMNS, True), "US", OPEN_TO)
