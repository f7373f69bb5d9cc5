from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from engine.core.hours import is_open
from engine.core.limits import of_number, of_person
from engine.core.presets import PRESETS
from engine.core.settings import CampaignSettings


def settings_of(name: str, **more: Any) -> CampaignSettings:
    return CampaignSettings.model_validate({**PRESETS[name].settings, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fills_valid_settings_and_names_its_sources(name: str) -> None:
    assert settings_of(name) != CampaignSettings()
    assert PRESETS[name].figures
    assert all(figure.what and figure.source for figure in PRESETS[name].figures)


def test_what_nobody_could_read_is_marked() -> None:
    unverified = {name for name, p in PRESETS.items() if any(not f.verified for f in p.figures)}
    assert unverified == set(PRESETS)
    assert {name for name, p in PRESETS.items() if p.kind != "law"} == {"uk", "eu_default"}


def test_florida_by_number_has_its_evening_and_its_three_calls() -> None:
    florida, hours_class = settings_of("us_fl"), "America/New_York;US-FL"
    assert not is_open(florida.hours, hours_class, at("2026-11-23T20:01-05:00"))
    assert is_open(florida.hours, "America/New_York;US-NY", at("2026-11-23T20:01-05:00"))
    for limits_of in (of_number, of_person):
        assert limits_of(florida.limits, hours_class).max_per_24h == 3
        assert not limits_of(florida.limits, "America/New_York;US-NY").is_any
        assert not limits_of(florida.limits, "America/Los_Angeles;US-WA").is_any


def test_regulation_f_counts_persons() -> None:
    limits = of_person(settings_of("us_reg_f").limits, "America/New_York;US-NY")
    assert (limits.max_per_7d, limits.after_conversation_s) == (7, 7 * 86_400)


def test_the_uk_preset_locks_out_after_an_abandoned_call_and_a_machine() -> None:
    limits = of_number(settings_of("uk").limits, "Europe/London")
    assert (limits.after_abandon_s, limits.after_machine_s) == (72 * 3600, 24 * 3600)


@pytest.mark.parametrize("name", ["us_tsr", "us_fl", "us_reg_f", "uk", "eu_default"])
def test_a_preset_demands_its_ring_time(name: str) -> None:
    assert settings_of(name).dialing.min_ring_s == 15
    dialing = {**PRESETS[name].settings["dialing"], "ring_timeout_s": 14}
    with pytest.raises(ValueError, match="min_ring_s"):
        settings_of(name, dialing=dialing)
