from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import us_zip_areas
from engine.core.hours import hours_class, hours_class_of_number, zones_in
from engine.core.phone import facts_of
from engine.core.postal import _ROWS, _STATES, _areas, area_of_code, area_of_state

ROOT = Path(__file__).resolve().parents[3]
#: A number that is valid in each country.
NUMBERS = {
    "US": "+12125550123", "CA": "+14165550123", "AU": "+61291234567", "BR": "+551123456789",
    "ES": "+34912345678", "FR": "+33123456789", "MX": "+525512345678", "PT": "+351212345678",
    "GB": "+442079460000", "DE": "+493012345678",
}  # fmt: skip


def zones(code: str, country: str) -> str:
    area = area_of_code(code, country)
    return " ".join(area.zones) if area else ""


@pytest.mark.parametrize(
    ("code", "country", "wanted"),
    [
        ("90210", "US", "America/Los_Angeles"),
        ("90210-1234", "US", "America/Los_Angeles"),
        ("902101234", "US", "America/Los_Angeles"),
        (" 60601 ", "US", "America/Chicago"),
        ("02134", "US", "America/New_York"),
        ("2134", "US", "America/New_York"),  # a spreadsheet took the zero away
        ("601", "US", "America/Puerto_Rico"),
        ("00901", "PR", "America/Puerto_Rico"),
        ("96813", "US", "Pacific/Honolulu"),
        ("96799", "US", "Pacific/Pago_Pago"),
        ("96799", "AS", "Pacific/Pago_Pago"),
        ("37902", "US", "America/New_York"),  # Knoxville
        ("37203", "US", "America/Chicago"),  # Nashville
        ("32401", "US", "America/Chicago America/New_York"),  # Panama City, at the border
        ("86001", "US", "America/Denver America/Phoenix"),  # with the Navajo Nation
        ("36867", "US", "America/Chicago America/New_York"),  # Phenix City
        ("09021", "US", ""),  # a military post is anywhere
        ("34002", "US", ""),
        ("96201", "US", ""),
        ("00000", "US", ""),
        ("9021O", "US", ""),
        ("90210-12", "US", ""),
        ("10001-123", "US", ""),
        ("K1A 0B1", "CA", "America/Toronto"),
        ("k1a0b1", "CA", "America/Toronto"),
        ("V6B", "CA", "America/Creston America/Dawson_Creek America/Edmonton "
                      "America/Fort_Nelson America/Vancouver"),
        ("D1A 0B1", "CA", ""),
        ("90210", "CA", ""),
        ("K1A 0B1", "US", ""),
        ("2000", "AU", "Australia/Sydney"),
        ("2880", "AU", "Australia/Broken_Hill Australia/Sydney"),
        ("4380", "AU", "Australia/Brisbane Australia/Sydney"),
        ("800", "AU", "Australia/Darwin"),
        ("0872", "AU", "Australia/Adelaide Australia/Darwin Australia/Perth"),
        ("2899", "NF", "Pacific/Norfolk"),
        ("28013", "ES", "Europe/Madrid"),
        ("35001", "ES", "Atlantic/Canary"),
        ("53001", "ES", ""),
        ("1000-001", "PT", "Europe/Lisbon"),
        ("9000-001", "PT", "Atlantic/Madeira"),
        ("9500", "PT", "Atlantic/Azores"),
        ("75001", "FR", "Europe/Paris"),
        ("1000", "FR", "Europe/Paris"),
        ("97400", "FR", "Indian/Reunion"),
        ("97400", "RE", "Indian/Reunion"),
        ("00100", "FR", ""),
        ("01310-100", "BR", "America/Sao_Paulo"),
        ("1310100", "BR", "America/Sao_Paulo"),
        ("69900-000", "BR", "America/Rio_Branco"),
        ("53990-000", "BR", "America/Noronha"),
        ("22000", "MX", "America/Tijuana"),
        ("77500", "MX", "America/Cancun"),
        ("10115", "DE", ""),
        ("90210", "", ""),
        ("٩٠٢١٠", "US", ""),
    ],
)  # fmt: skip
def test_a_postal_code_tells_all_zones_that_it_may_be_in(
    code: str, country: str, wanted: str
) -> None:
    assert zones(code, country) == wanted


def test_every_zone_of_the_tables_is_one_that_the_clock_database_knows() -> None:
    known = available_timezones()
    for system in _ROWS:
        for area in _areas(system).values():
            assert area.zones and set(area.zones) <= known
    for region in _STATES:
        area = area_of_state(region)
        assert area is not None and area.zones and set(area.zones) <= known
        assert area.regions == (region,)


def test_zones_of_a_prefix_are_among_those_of_its_states() -> None:
    """But of what the territories share, and Australian codes on both sides of a border."""
    for system in ("US", "CA", "AU"):
        for prefix, area in _areas(system).items():
            states = [found for one in area.regions if (found := area_of_state(one))]
            of_states = {zone for state in states for zone in state.zones}
            assert not area.regions or set(area.zones) <= of_states, (system, prefix)


def test_the_table_of_zip_codes_is_what_its_script_makes() -> None:
    maker = _maker()
    assert Path(us_zip_areas.__file__).read_text(encoding="utf-8") == maker.text()


def test_every_zip_code_of_the_package_is_in_its_own_zone() -> None:
    """Read once more, without the script's grouping: what it leaves out tells nothing."""
    n_known = 0
    for code, state, zone in _maker().records():
        area = area_of_code(code, "US")
        assert area is not None
        assert zone in area.zones and f"US-{state}" in area.regions, code
        n_known += 1
    assert n_known > 40_000


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("us_zip", ROOT / "tables" / "us_zip.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------------ the class of a contact


@pytest.mark.parametrize(
    ("timezone", "region", "code", "wanted"),
    [
        # its own zone, else its postal code, else its region, else its number
        ("America/Denver", "US-TX", "90210", "America/Denver;US-CA,US-NY,US-TX"),
        (None, "US-TX", "90210", "America/Los_Angeles;US-CA,US-NY,US-TX"),
        (None, "US-TX", None, "America/Chicago,America/Denver;US-NY,US-TX"),
        (None, "US-TX", "00000", "America/Chicago,America/Denver;US-NY,US-TX"),
        (None, None, "33101", "America/New_York;US-FL,US-NY"),
        (None, None, "00000", "America/New_York;US-NY"),
        (None, None, None, "America/New_York;US-NY"),
        # the region's country is the one that the code is read in
        (None, "CA-ON", "K1A 0B1", "America/Toronto;CA-ON,US-NY"),
        (None, "DE-BY", "80331", "America/New_York;DE-BY,US-NY"),
        (None, None, "K1A 0B1", "America/New_York;US-NY"),
        (None, "AU-WA", None, "Australia/Eucla,Australia/Perth;AU-WA,US-NY"),
    ],
)
def test_what_is_nearest_to_the_contact_tells_its_zone(
    timezone: str | None, region: str | None, code: str | None, wanted: str
) -> None:
    assert hours_class("+12125550123", timezone, region, (), code) == wanted


def test_numbers_of_two_countries_do_not_tell_whose_code_it_is() -> None:
    two = hours_class("+12125550123", None, None, ["+34912345678"], "35001")
    assert two == hours_class("+12125550123", None, None, ["+34912345678"])
    both = hours_class("+12125550123", None, None, ["+14155550123"], "60601")
    assert both == "America/Chicago;US-CA,US-IL,US-NY"


codes = st.one_of(
    st.text(max_size=12),
    st.from_regex(re.compile(r"\A[0-9]{3,9}\Z")),
    st.from_regex(re.compile(r"\A[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]\Z")),
)
regions = st.one_of(st.none(), st.sampled_from(("US-FL", "US-TX", "CA-QC", "DE-BY", "AU-WA")))


@given(codes, st.sampled_from(sorted(NUMBERS.values())), regions)
def test_an_unknown_code_changes_nothing_and_a_known_one_stays_in_its_country(
    code: str, phone: str, region: str | None
) -> None:
    country = region.partition("-")[0] if region else facts_of(phone).country
    without, given_ = hours_class(phone, None, region), hours_class(phone, None, region, (), code)
    area = area_of_code(code, country)
    if area is None:
        assert given_ == without
    else:
        assert zones_in(given_) == area.zones
        assert set(area.zones) <= {z for one in _areas(country).values() for z in one.zones}


@given(codes, st.sampled_from(sorted(NUMBERS.values())), regions)
def test_the_quick_way_gives_the_same_class(code: str, phone: str, region: str | None) -> None:
    quick = hours_class_of_number(phone, facts_of(phone), region, code)
    assert quick == hours_class(phone, None, region, (), code)
    assert hours_class_of_number(phone, facts_of(phone), region) == hours_class(phone, None, region)
