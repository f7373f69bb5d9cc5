from __future__ import annotations

import pytest

from crm.contact_in import parse_contact
from crm.imports import BadFile, contact_of, layout_of, reason_of
from engine.core.errors import Invalid
from engine.core.settings import DestinationSettings


def test_columns_by_header_others_become_variables():
    layout = layout_of(
        ["Full Name", "Mobile", "Time-Zone", "Priority", "External ID", "Shoe size", "phone", ""],
        ",",
    )
    assert layout.has_header
    assert layout.columns == (
        "name", "phone", "timezone", "priority", "external_id", "variables.shoe_size",
        "phones.7", "variables.column_8",
    )  # fmt: skip


@pytest.mark.parametrize(
    "word",
    ["phones", "Numbers", "Telefon", "Rufnummer", "Handy", "Mobil", "Telefonnummer", "Téléphone",
     "Numéro de téléphone", "Teléfono", "Telefone", "Celular", "Cell", "Telefon-Nr.",
     "ТЕЛЕФОН", "Τηλέφωνο"],
)  # fmt: skip
def test_a_phone_is_known_by_its_column_in_many_languages(word):
    assert layout_of(["Anrede", word], ",").columns[1] == "phone"


def test_letters_that_no_variable_may_have_become_some_that_it_may():
    layout = layout_of(["phone", "Größe", "Straße", "Город", "Πόλη", "城市", "Année", "Łódź"], ",")
    assert [column.removeprefix("variables.") for column in layout.columns[1:]] == [
        "grosse", "strasse", "gorod", "poli", "column_6", "annee", "lodz",
    ]  # fmt: skip


def test_a_file_without_header_is_read_by_position():
    layout = layout_of(["Ann", "+1 (202) 555-0100", "x"], ",")
    assert not layout.has_header
    assert layout.columns == ("name", "phone", "source")


@pytest.mark.parametrize(
    ("row", "country", "phone_at"),
    [
        ("2024-01-15,Ann,+4930123456", "DE", 2),
        ("15.01.2024,Ann,030 123456", "DE", 2),
        ("20240115,Ann,030 123456", "DE", 2),
        ("20240115,Ann", "DK", 0),
        ("4155550123,Ann,+12025550100", "US", 2),
        ("4155550123,Ann,0012025550100", "DE", 2),
        ("0012345678,Ann,(202) 555-0100", "US", 2),
        ("10000234,Ann,2025550100", "US", 2),
        ("1234567.89,Ann,030 123456", "DE", 2),
        ("192.168.100.200,030 123456", "DE", 1),
        ("5550100,Ann", "US", 0),
        ("Mobile,+4930123456", "DE", 1),
        ("Home,030 123456,Phone", "DE", 1),
        ("Ann,030\u2013123456", "DE", 1),
        ("Ann,'+4930123456", "US", 1),
        ("Ann,tel:+49-30-123456", "US", 1),
    ],
)
def test_without_a_header_the_phone_is_no_date_and_no_id(row, country, phone_at):
    layout = layout_of(row.split(","), ",", country)
    assert (layout.columns.index("phone"), layout.has_header) == (phone_at, False)


@pytest.mark.parametrize(
    "row", ["2025550100,Ann,2025550101", "+12025550100,+12025550101", "2025550100,2025550101,x"]
)
def test_two_columns_that_may_both_be_the_phone_ask_for_a_choice(row):
    with pytest.raises(BadFile, match="Several columns may be the phone number"):
        layout_of(row.split(","), ",", "US")


def test_wrong_columns_say_what_was_found_and_what_is_needed():
    with pytest.raises(BadFile) as caught:
        layout_of(["first", "city"], ",")
    assert "'first', 'city'" in caught.value.message
    assert "named phone" in caught.value.message


def test_a_row_becomes_a_contact():
    layout = layout_of(["phone", "name", "timezone", "priority", "colour"], ",")
    row = ["202-555-0100", "Ann", "Europe/Paris", "7", "red"]
    contact = contact_of(row, layout, "US")
    assert contact.phone == "+12025550100"
    assert (contact.name, contact.priority, contact.timezone) == ("Ann", 7, "Europe/Paris")
    assert contact.hours_class == "Europe/Paris;US-DC"
    assert contact.variables == {"colour": "red"}


def test_missing_cells_at_the_end_are_empty():
    layout = layout_of(["phone", "name", "priority"], ",")
    contact = contact_of(["+442079460958"], layout, "US")
    assert (contact.name, contact.priority) == ("", 500)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["abc"], "phone is not a phone number"),
        (["", "Ann"], "phone is missing"),
        (["+12025550100", "Ann", "5000"], "priority Input should be less than or equal to 1000"),
        (["+12025550100", "Ann", "5", "Mars/Base"], "timezone must be a time zone"),
        (["+12025550100", "Ann", "5", "UTC", "more"], "has more cells than the first row"),
        (["+12025550100", "A\x07nn"], "name must not contain line ends or control characters"),
    ],
)
def test_a_bad_row_says_why(row, reason):
    layout = layout_of(["phone", "name", "priority", "timezone"], ",")
    with pytest.raises(Invalid) as caught:
        contact_of(row, layout, "US")
    assert reason in reason_of(caught.value)


def test_the_first_number_in_use_is_dialled():
    contact = parse_contact({"phones": ["1", "+12025550100"]}, "US")
    assert contact.phone == "+12025550100"


def test_numbers_and_booleans_are_welcome_as_variables():
    contact = parse_contact({"phone": "+12025550100", "variables": {"n": 3, "vip": True}}, "US")
    assert contact.variables == {"n": "3", "vip": "true"}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"phone": "+12025550100", "colour": "red"}, "colour"),
        ({"phone": "+12025550100", "url": "javascript:alert(1)"}, "url"),
        ({"phone": "+12025550100", "variables": {"a b": "1"}}, "variables.a b.[key]"),
        ({"phone": "+12025550100", "variables": {"a": "1\n2"}}, "variables.a"),
        ({"phone": "+12025550100", "variables": {"a": "x" * 5000}}, "variables"),
        ({"phones": []}, "phone"),
        ("+12025550100", ""),
    ],
)
def test_what_is_wrong_with_a_contact_names_the_field(raw, field):
    with pytest.raises(Invalid) as caught:
        parse_contact(raw, "US")
    assert [e.field for e in caught.value.errors] == [field]


def first_of(text: str, *, country: str = "US"):
    header, *rows = [line.split(",") for line in text.splitlines()]
    layout = layout_of(header, ",")
    return contact_of((rows if layout.has_header else [header, *rows])[0], layout, country)


def test_the_three_schemas_without_a_header():
    contact = first_of("+12025550100,Ann,web form")
    assert (contact.name, contact.source) == ("Ann", "web form")
    assert first_of("+12025550100").phone == "+12025550100"
    assert first_of("+12025550100,https://crm.example/1").url == "https://crm.example/1"


@pytest.mark.parametrize("header", ["phone,mobile,phone 3", "phone1,phone2,phone3"])
def test_several_phone_columns_are_phones_of_one_contact(header):
    contact = first_of(f"{header}\n,+12125550101,+12125550102")
    assert (contact.phone, contact.phones) == ("+12125550101", ("+12125550102",))
    contact = first_of(f"{header}\n+12125550100,wrong,+12125550102")
    assert (contact.phone, contact.phones) == ("+12125550100", ("+12125550102",))


@pytest.mark.parametrize(
    ("cell", "regions", "variables"),
    [("GA", ";US-GA,US-NY", {}), ("US-GA", ";US-GA,US-NY", {}),
     ("Georgia", ";US-GA,US-NY", {}), ("ga", ";US-GA,US-NY", {}), ("us-ga", ";US-GA,US-NY", {}),
     ("Ga.", ";US-GA,US-NY", {}), ("Tbilisi", ";US-NY", {"region": "Tbilisi"})],
)  # fmt: skip
def test_a_state_brings_its_rules(cell, regions, variables):
    contact = first_of(f"phone,state\n+12125550100,{cell}")
    assert contact.hours_class == f"America/New_York{regions}"
    assert contact.variables == variables


def test_a_state_is_one_of_the_number_s_country():
    assert first_of("phone,state\n+12125550100,FL", country="GB").region == "US-FL"
    assert first_of("phone,state\n030 123456,BY", country="DE").region == "DE-BY"
    assert parse_contact({"phone": "+12125550100", "region": "Florida"}, "GB").region == "US-FL"


def test_a_state_that_nobody_knows_is_an_error_of_a_program():
    with pytest.raises(Invalid) as refused:
        parse_contact({"phone": "+12125550100", "region": "Atlantis"}, "US")
    assert [error.field for error in refused.value.errors] == ["region"]


def test_a_state_tells_the_zone_of_a_number_from_elsewhere():
    contact = first_of("phone,state\n+12125550100,TX")
    assert contact.hours_class == "America/Chicago,America/Denver;US-NY,US-TX"
    assert contact.region == "US-TX"


@pytest.mark.parametrize(
    "header", ["zip", "Zip Code", "ZIP/Postal Code", "postcode", "PLZ", "CP", "postal_code", "CEP"]
)
def test_a_postal_code_is_known_by_its_column(header):
    contact = first_of(f"phone,{header}\n+12125550100,90210")
    assert (contact.postal_code, contact.variables) == ("90210", {})
    assert contact.hours_class == "America/Los_Angeles;US-CA,US-NY"


def test_a_postal_code_is_read_in_the_country_of_the_number():
    contact = first_of("phone,zip\n+34612345678,35001", country="US")
    assert contact.hours_class == "Atlantic/Canary"


def test_a_postal_code_that_says_nothing_is_kept_and_the_number_decides():
    contact = first_of("phone,zip\n+12125550100,unknown")
    assert (contact.postal_code, contact.hours_class) == ("unknown", "America/New_York;US-NY")


def test_a_postal_code_may_come_as_a_number():
    contact = parse_contact({"phone": "+12125550100", "postal_code": 2134}, "US")
    assert (contact.postal_code, contact.hours_class) == ("2134", "America/New_York;US-MA,US-NY")


def test_a_range_that_the_campaign_may_not_call_is_refused():
    layout = layout_of(["phone"], ",")
    for phone in ("+19002345678", "+870773111632", "911"):
        with pytest.raises(Invalid):
            contact_of([phone], layout, "US")
    only_us = DestinationSettings(countries=("US",))
    with pytest.raises(Invalid, match="not valid"):
        contact_of(["+442079460000"], layout, "US", only_us)


def test_an_extension_is_refused_clearly():
    with pytest.raises(Invalid) as refused:
        contact_of(["+12125550100 ext. 5"], layout_of(["phone"], ","), "US")
    assert "extension" in reason_of(refused.value)
