from __future__ import annotations

import re
import zoneinfo

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.core.phone import as_e164, masked, zones_of
from engine.core.quick_phone import NumberFacts, quick_e164, quick_facts

#: A valid number of every country that has one.
EXAMPLES = [
    phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (example := phonenumbers.example_number(region)) is not None
]


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+12025550100", None, "+12025550100"),
        ("(202) 555-0100", "US", "+12025550100"),
        ("1 202 555 0100", "US", "+12025550100"),
        ("00 44 20 7946 0018", "GB", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("tel:+1-202-555-0100", None, "+12025550100"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("06 6982", "IT", "+39066982"),
        ("２０２ ５５５ ０１００", "US", "+12025550100"),
    ],
)
def test_what_people_write_becomes_e164(text: str, country: str | None, e164: str) -> None:
    assert as_e164(text, country) == e164


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("", "US", "no digits"),
        ("hello", "US", "no digits"),
        ("12", "US", "not a number in use"),
        ("2025550100", None, "write it with +"),
        ("+999 2025550100", None, "write it with +"),
        ("2025550100", "XX", "write it with +"),
        ("+1202555010012345678901", None, "too long"),
        ("9" * 1000, "US", "too"),
        ("+1 202 555 0100 ext. 7", None, "extension"),
        ("+1 100 555 0100", None, "not a number in use"),
    ],
)
def test_a_refusal_says_why(text: str, country: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        as_e164(text, country)


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("030 123456 Home", "DE", "behind the number"),
        ("030 1234567 DW 12", "DE", "behind the number"),
        ("+49 30 1234567 (2. Stock)", "DE", "behind the number"),
        ("030 1234567 App. 12", "DE", "behind the number"),
        ("+43 1 58858 DW 12", "DE", "behind the number"),
        ("030 123456 oder 030 123457", "DE", "behind the number"),
        ("030 123456 дом", "DE", "behind the number"),
        ("+1 202 555 0100 (cell)", "US", "behind the number"),
        ("+1 202 555 0100 (my mobile phone)", "US", "behind the number"),
        ("06221 4711 / 4712", "DE", "more than one number"),
        ("06221/4711/4712", "DE", "more than one number"),
        ("+49 30 1234567 (2)", "DE", "more than one number"),
        ("030 1234567 (2)", "DE", "more than one number"),
    ],
)
def test_what_stands_behind_a_number_becomes_no_part_of_it(
    text: str, country: str, reason: str
) -> None:
    """Where numbers have no fixed length it would be another number that is in use."""
    with pytest.raises(ValueError, match=reason):
        as_e164(text, country)


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("Tel. 030 123456", "DE", "+4930123456"),
        ("030/123456", "DE", "+4930123456"),
        ("06221 / 4711-0", "DE", "+49622147110"),
        ("0 (6221) 4711", "DE", "+4962214711"),
        ("+49 (0) 30 123456", "DE", "+4930123456"),
    ],
)
def test_letters_and_slashes_that_are_part_of_a_number_stay(
    text: str, country: str, e164: str
) -> None:
    assert as_e164(text, country) == e164


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("49301234567.0", "DE"),
        ("49301234567.00", "DE"),
        ("49301234567,0", "DE"),
        ("+49301234567.0", "US"),
        ("301234567.0", "DE"),
    ],
)
def test_a_number_that_a_program_took_for_a_fraction_loses_its_zeros(
    text: str, country: str
) -> None:
    assert as_e164(text, country) == "+49301234567"


@pytest.mark.parametrize("text", ["4.93012E+11", "4,93E+11", "4.9301234567E+011"])
def test_a_number_that_a_spreadsheet_rounded_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="rounded"):
        as_e164(text, "DE")


@pytest.mark.parametrize(
    "space", ["\u00a0", "\u2007", "\u2009", "\u202f", "\u200e", "\u202c", "\ufeff"]
)
def test_spaces_and_marks_that_nobody_sees_are_no_part_of_a_number(space: str) -> None:
    text = f"{space}+49{space}30{space}1234567{space}"
    assert as_e164(text, "US") == "+49301234567"


@given(st.text(), st.sampled_from([None, "US", "GB", "XX", ""]))
def test_any_text_is_e164_or_refused(text: str, country: str | None) -> None:
    try:
        number = as_e164(text, country)
    except ValueError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{4,14}", number, re.ASCII)


@pytest.mark.parametrize("inject", ["\r\nAction: Originate", "\x00", "&PJSIP/x", "${X}", ","])
def test_nothing_but_digits_gets_through(inject: str) -> None:
    try:
        assert as_e164(f"+12025550100{inject}") == "+12025550100"
    except ValueError as refusal:
        assert inject not in str(refusal)


def test_e164_is_its_own_spelling_in_every_country() -> None:
    assert len(EXAMPLES) > 200
    for number in EXAMPLES:
        assert as_e164(number) == number
        assert as_e164(number, "US") == number


def test_every_zone_that_a_number_can_name_is_known() -> None:
    named = {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    assert named <= zoneinfo.available_timezones()
    assert "," not in "".join(named)


def test_zones_are_all_that_the_number_may_be_in() -> None:
    assert zones_of("+12025550100") == ("America/New_York",)
    assert {"America/Adak", "America/New_York", "Pacific/Guam"} <= set(zones_of("+18002345678"))
    for number in EXAMPLES:
        assert list(zones_of(number)) == sorted(set(zones_of(number)))


def test_a_masked_number_cannot_be_called() -> None:
    assert masked("+12025550100") == "+1202***0100"
    for number in [*EXAMPLES, "", "+1", "+123456789"]:
        hidden = len(number) - sum(len(part) for part in masked(number).split("***"))
        assert hidden >= min(len(number), 1)
        assert number == "" or number not in masked(number)


@st.composite
def numbers_as_written(draw: st.DrawFn) -> tuple[str, str]:
    """Example numbers of every country and kind with some digits changed, and its country."""
    region = draw(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
    example = phonenumbers.example_number_for_type(region, draw(st.integers(0, 10)))
    example = example or phonenumbers.example_number(region)
    digits = list(str(example.national_number))
    for at in draw(st.lists(st.integers(0, len(digits) - 1), max_size=4)):
        digits[at] = str(draw(st.integers(0, 9)))
    national = "".join(digits[draw(st.integers(0, 1)) :])
    forms = ("+{c}{n}", "{n}", "{c}{n}", "0{n}", "+{c} ({h}) {t}", "({h}) {t}", "011{c}{n}")
    text = draw(st.sampled_from(forms)).format(
        c=example.country_code, n=national, h=national[:3], t=national[3:]
    )
    return text, region


@given(numbers_as_written())
@settings(max_examples=1500)
def test_the_quick_way_reads_as_the_library_does(written: tuple[str, str]) -> None:
    text, region = written
    quick = quick_e164(text, region)
    if quick is None:
        return
    number = phonenumbers.parse(text, region)
    assert phonenumbers.is_valid_number(number)
    assert quick == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    facts, kind = quick_facts(quick[1:]), phonenumbers.number_type(number)
    country = phonenumbers.region_code_for_number(number)
    assert facts == NumberFacts(number.country_code or 0, country or "", kind)
    named = {zone for zone in timezone.time_zones_for_number(number) if zone != "Etc/Unknown"}
    assert number.country_code == 1 or named <= set(zones_of(quick))


@pytest.mark.parametrize("text", ["+12025550100", "+1 (202) 555-0100", "(202) 555-0100"])
def test_what_lists_are_full_of_is_read_the_quick_way(text: str) -> None:
    assert quick_e164(text, "US") == "+12025550100"
