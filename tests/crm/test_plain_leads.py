"""The quick way makes of a lead what the thorough one makes of it, or leaves it to that one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.contact_in import parse_contact
from crm.plain_leads import LeadReader
from engine.core.errors import Invalid
from engine.core.settings import DestinationSettings

PHONES = st.sampled_from([
    "+12025550100", " +12025550100 ", "2025550100", "+442071838750", "+19005550100", "5", "", "x",
    "+1 (202) 555-0100", 12025550100,
])  # fmt: skip
#: What a lead says of its state, whatever its number.
REGIONS = {"Florida (US)": "US-FL", "US-TX": "US-TX", "FR-75": "FR-75"}
TEXTS = st.one_of(st.sampled_from(["Ann", " Ann ", "a\nb", "é", "x" * 300]), st.integers(0, 5))
LEADS = st.fixed_dictionaries(
    {},
    optional={
        "phone": PHONES,
        "phones": st.lists(PHONES, max_size=3),
        "name": TEXTS,
        "region": st.sampled_from(["Florida (US)", "Bavaria", "US-TX", "FR-75", "a\nb"]),
        "timezone": st.sampled_from(["Europe/London", "Nowhere/None"]),
        "priority": st.sampled_from(["5", "0", 7, "x"]),
        "url": st.sampled_from(["https://x", "javascript:x"]),
        "variables": st.dictionaries(st.sampled_from(["stage", "b"]), TEXTS, max_size=2),
    },
)


def outcome(make: Any) -> Any:
    try:
        return make()
    except Invalid as error:
        return [each.field for each in error.errors]


@settings(max_examples=400, deadline=None)
@given(values=LEADS)
def test_both_ways_agree(values):
    open_to = DestinationSettings()
    reader = LeadReader("crm:1", "US", open_to)
    own = {"external_id": "17", "source": "crm:1"}
    known = {**values, "region": REGIONS.get(values.get("region"))}
    thorough = outcome(lambda: parse_contact({**known, **own}, "US", open_to))
    assert outcome(lambda: reader.contact("17", values)) == thorough


@pytest.mark.parametrize(
    ("phone", "region", "hours"),
    [
        ("+12125550100", "Florida", "America/Chicago,America/New_York;US-FL,US-NY"),
        ("+12125550100", "Bavaria", "America/New_York;US-NY"),
        ("+61291234567", "WA", "Australia/Eucla,Australia/Perth;AU-WA"),
        ("+498912345678", "WA", "Europe/Berlin"),
    ],
)
def test_a_state_is_one_of_the_country_of_the_number(phone, region, hours):
    reader = LeadReader("crm:1", "US", DestinationSettings(countries=["US", "AU", "DE"]))
    assert reader.contact("17", {"phone": phone, "region": region}).hours_class == hours
