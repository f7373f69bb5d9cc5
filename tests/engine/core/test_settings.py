from __future__ import annotations

import zoneinfo
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.core.outcome import Outcome
from engine.core.settings import (
    DAYS,
    AgentlessSettings,
    CampaignSettings,
    DialingSettings,
    RedialRule,
)

#: The example of the HTTP API's contract, word for word.
EXAMPLE = """
{"list": {"method": "file"}, "pacing": {"mode": "progressive", "dial_level": 1.0},
 "dialing": {"trunk": "carrier", "caller_ids": ["+12025550100"], "ring_timeout_s": 25,
  "connect_deadline_s": 2, "max_channels": 60, "max_cps": 10, "amd": "off"},
 "redial": {"max_attempts": 3, "rules": {"busy": {"delay_s": 300, "max": 3},
  "no_answer": {"delay_s": 3600, "max": 2}}},
 "hours": {"timezone": "America/New_York", "windows": [
  {"days": ["mon","tue","wed","thu","fri"], "start": "09:00", "end": "20:00"}]},
 "wrap_up_s": 10}
"""


def test_the_example_of_the_contract_parses() -> None:
    example = CampaignSettings.model_validate_json(EXAMPLE)
    assert example.dialing.trunk == "carrier"
    assert example.redial.rules == {
        Outcome.BUSY: RedialRule(delay_s=300, max=3),
        Outcome.NO_ANSWER: RedialRule(delay_s=3600, max=2),
    }
    assert example.hours.windows[0].days == DAYS[:5]


def test_everything_has_a_default_but_what_only_the_administrator_knows() -> None:
    bare = CampaignSettings()
    assert bare.dialing.trunk is None
    assert bare.dialing.caller_ids == ()
    assert (bare.list.method, bare.list.live) == ("file", False)
    assert (bare.pacing.mode, bare.pacing.max_abandon_rate) == ("progressive", 0.03)
    assert (bare.dialing.connect_deadline_s, bare.redial.max_attempts) == (2, 3)
    assert (bare.hours.windows[0].start, bare.hours.windows[0].end) == ("08:00", "21:00")
    assert bare.hours.windows[0].days == DAYS


def test_people_who_said_no_are_not_redialled_by_default() -> None:
    final = {
        Outcome.ANSWERED,
        Outcome.MESSAGE_PLAYED,
        Outcome.ABANDONED,
        Outcome.FAX,
        Outcome.REJECTED,
        Outcome.INVALID_NUMBER,
    }
    assert set(CampaignSettings().redial.rules) == set(Outcome) - final


@pytest.mark.parametrize("text", ["{}", EXAMPLE], ids=["defaults", "example"])
def test_settings_survive_json(text: str) -> None:
    settings = CampaignSettings.model_validate_json(text)
    assert CampaignSettings.model_validate_json(settings.model_dump_json()) == settings
    assert CampaignSettings.model_validate(settings.model_dump()) == settings


edits = st.fixed_dictionaries(
    {},
    optional={
        "list": st.fixed_dictionaries(
            {"method": st.sampled_from(["api", "crm"])}, optional={"live": st.booleans()}
        ),
        "pacing": st.fixed_dictionaries(
            {}, optional={"dial_level": st.floats(1, 20), "max_abandon_rate": st.floats(0, 1)}
        ),
        "redial": st.fixed_dictionaries(
            {},
            optional={
                "max_attempts": st.integers(1, 100),
                "rules": st.dictionaries(
                    st.sampled_from([str(each) for each in Outcome]),
                    st.fixed_dictionaries({"delay_s": st.integers(0, 1000)}),
                ),
            },
        ),
        "hours": st.fixed_dictionaries(
            {
                "timezone": st.sampled_from(["UTC", "Europe/London", "America/Adak"]),
                "holidays": st.lists(st.dates(date(2026, 1, 1), date(2030, 12, 31))),
            }
        ),
        "limits": st.fixed_dictionaries({"max_per_24h": st.none() | st.integers(1, 100)}),
        "script": st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    },
)


@given(edits)
def test_any_valid_settings_survive_json(edit: dict[str, Any]) -> None:
    settings = CampaignSettings.model_validate(edit)
    assert CampaignSettings.model_validate_json(settings.model_dump_json()) == settings


NAN = float("nan")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"unknown": 1}, "unknown"),
        ({"pacing": {"dial_levle": 2}}, "pacing.dial_levle"),
        ({"list": {"method": "fax"}}, "list.method"),
        ({"list": {"live": True}}, "list"),
        ({"list": {"default_country": "us"}}, "list.default_country"),
        ({"list": {"poll_interval_s": 1}}, "list.poll_interval_s"),
        ({"pacing": {"mode": "wild"}}, "pacing.mode"),
        ({"pacing": {"dial_level": 0.5}}, "pacing.dial_level"),
        ({"pacing": {"dial_level": NAN}}, "pacing.dial_level"),
        ({"pacing": {"max_abandon_rate": 3}}, "pacing.max_abandon_rate"),
        ({"pacing": {"max_abandon_rate": NAN}}, "pacing.max_abandon_rate"),
        ({"dialing": {"max_cps": 0}}, "dialing.max_cps"),
        ({"dialing": {"max_cps": NAN}}, "dialing.max_cps"),
        ({"dialing": {"connect_deadline_s": 0}}, "dialing.connect_deadline_s"),
        ({"dialing": {"trunk": "a b"}}, "dialing.trunk"),
        ({"dialing": {"trunk": "carrier\n"}}, "dialing.trunk"),
        ({"dialing": {"trunk": "carrier\r\nAction: Originate"}}, "dialing.trunk"),
        ({"dialing": {"trunk": ""}}, "dialing.trunk"),
        ({"dialing": {"queue": "a,b"}}, "dialing.queue"),
        ({"dialing": {"safe_harbour_message": "../../etc/passwd"}}, "dialing.safe_harbour_message"),
        ({"dialing": {"caller_ids": ["2025550100"]}}, "dialing.caller_ids"),
        ({"dialing": {"caller_ids": "+12025550100"}}, "dialing.caller_ids"),
        ({"dialing": {"opt_out_key": "99"}}, "dialing.opt_out_key"),
        ({"redial": {"max_attempts": 0}}, "redial.max_attempts"),
        ({"redial": {"rules": {"busy": {"delay_s": -1}}}}, "redial.rules.busy.delay_s"),
        ({"redial": {"rules": {"asleep": {}}}}, "redial.rules.asleep"),
        ({"hours": {"timezone": "Mars/Base"}}, "hours.timezone"),
        ({"hours": {"timezone": "localtime"}}, "hours.timezone"),
        ({"hours": {"timezone": "../UTC"}}, "hours.timezone"),
        ({"hours": {"windows": [{"start": "9:00"}]}}, "hours.windows.0.start"),
        ({"hours": {"windows": [{"start": "09:60"}]}}, "hours.windows.0.start"),
        ({"hours": {"windows": [{"end": "24:30"}]}}, "hours.windows.0.end"),
        ({"hours": {"windows": [{"end": "21:00\n"}]}}, "hours.windows.0.end"),
        ({"hours": {"windows": [{"start": "٠٩:٠٠"}]}}, "hours.windows.0.start"),
        ({"hours": {"windows": [{}, {"start": "20:00", "end": "08:00"}]}}, "hours.windows.1"),
        ({"hours": {"windows": [{"start": "10:00", "end": "10:00"}]}}, "hours.windows.0"),
        ({"hours": {"windows": [{"days": ["monday"]}]}}, "hours.windows.0.days.0"),
        ({"hours": {"holidays": ["2026-02-30"]}}, "hours.holidays.0"),
        ({"limits": {"max_per_24h": 0}}, "limits.max_per_24h"),
        ({"wrap_up_s": -1}, "wrap_up_s"),
        ({"dispositions": [{"code": "a b"}]}, "dispositions.0.code"),
        ({"dispositions": [{"code": "x", "action": "marry"}]}, "dispositions.0.action"),
    ],
)
def test_bad_input_is_refused_by_the_name_of_its_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        CampaignSettings.model_validate(given)
    fields = [
        ".".join(str(part) for part in error["loc"] if part != "[key]")
        for error in refusal.value.errors()
    ]
    assert fields == [field]


def test_midnight_at_the_end_of_a_day_is_written_24_00() -> None:
    given = {"hours": {"windows": [{"start": "20:00", "end": "24:00"}]}}
    assert CampaignSettings.model_validate(given).hours.windows[0].end == "24:00"


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        CampaignSettings().pacing.dial_level = 2.0


def test_every_place_is_a_zone() -> None:
    for zone in sorted(zoneinfo.available_timezones() - {"localtime", "Factory"}):
        given = {"hours": {"timezone": zone}}
        assert CampaignSettings.model_validate(given).hours.timezone == zone


def test_the_zone_database_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read with every look at a campaign; the listing costs milliseconds."""
    CampaignSettings.model_validate({"hours": {"timezone": "Europe/London"}})
    monkeypatch.setattr(zoneinfo, "available_timezones", lambda: pytest.fail("listed again"))
    CampaignSettings.model_validate({"hours": {"timezone": "Europe/Paris"}})


def test_every_message_without_agents_can_be_opted_out_of() -> None:
    assert AgentlessSettings(keys=()).keys == AgentlessSettings().keys
    assert AgentlessSettings().keys[0].action == "opt_out"


@pytest.mark.parametrize(
    "keys",
    [
        [{"key": "1", "action": "confirm"}],
        [{"key": "9", "action": "opt_out"}, {"key": "9", "action": "confirm"}],
        [{"key": "9", "action": "opt_out"}, {"key": "1", "action": "transfer"}],
        [{"key": "9", "action": "opt_out", "target": "queue:sales"}],
        [{"key": "9", "action": "opt_out"}, {"key": "1", "action": "transfer", "target": "a b"}],
        [{"key": "10", "action": "opt_out"}],
    ],
)
def test_keys_that_make_no_sense_are_refused(keys: list[dict[str, str]]) -> None:
    with pytest.raises(ValidationError):
        AgentlessSettings.model_validate({"keys": keys})


@pytest.mark.parametrize(("ring", "least", "dial"), [(15, 15, 20), (25, 15, 25), (15, 0, 15)])
def test_the_set_up_of_a_call_takes_nothing_from_its_least_ringing(ring, least, dial) -> None:
    dialing = DialingSettings(ring_timeout_s=ring, min_ring_s=least)
    assert dialing.dial_timeout_s == dial
