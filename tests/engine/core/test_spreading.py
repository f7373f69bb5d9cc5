from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from engine.core.hours import is_open
from engine.core.outcome import Outcome
from engine.core.redial import Done, History, RedialAt
from engine.core.settings import HoursSettings, RedialSettings, Window
from engine.core.spreading import spread

ZONE = "America/New_York"
RULES = RedialSettings(spread_after=2)
HOURS = HoursSettings()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}-05:00")


def dials(n: int) -> History:
    return History(n, 0, {Outcome.NO_ANSWER: n})


@pytest.mark.parametrize(
    ("tried", "due", "wanted"),
    [
        ("2026-11-23T09:00", "2026-11-23T10:00", "2026-11-23T12:00"),
        ("2026-11-23T09:00", "2026-11-24T09:00", "2026-11-24T12:00"),
        ("2026-11-23T13:00", "2026-11-23T14:00", "2026-11-23T17:00"),
        ("2026-11-23T20:30", "2026-11-23T20:45", "2026-11-24T08:00"),
        ("2026-11-23T09:00", "2026-11-23T13:30", "2026-11-23T13:30"),
    ],
)
def test_the_next_dial_is_in_another_part_of_the_day(tried: str, due: str, wanted: str) -> None:
    step = spread(RedialAt(at(due)), dials(2), RULES, HOURS, ZONE, at(tried))
    assert step == RedialAt(at(wanted))


def test_it_begins_after_so_many_dials() -> None:
    step = RedialAt(at("2026-11-23T10:00"))
    assert spread(step, dials(1), RULES, HOURS, ZONE, at("2026-11-23T09:00")) == step
    off = RedialSettings()
    assert spread(step, dials(9), off, HOURS, ZONE, at("2026-11-23T09:00")) == step


def test_a_callback_and_an_end_stay_as_they_are() -> None:
    callback = RedialAt(at("2026-11-23T10:00"), is_callback=True)
    for step in (callback, Done("x")):
        assert spread(step, dials(5), RULES, HOURS, ZONE, at("2026-11-23T09:00")) == step


def test_where_only_one_part_of_the_day_is_open_nothing_is_put_off() -> None:
    morning = HoursSettings(windows=(Window(start="09:00", end="11:00"),))
    step = RedialAt(at("2026-11-23T10:00"))
    assert spread(step, dials(2), RULES, morning, ZONE, at("2026-11-23T09:00")) == step


@pytest.mark.parametrize("day", range(0, 400, 7))
def test_a_clock_change_does_not_stop_it(day: int) -> None:
    tried = at("2026-01-01T09:00") + timedelta(days=day)
    step = spread(RedialAt(tried), dials(2), RULES, HOURS, ZONE, tried)
    assert isinstance(step, RedialAt)
    assert step.at > tried
    assert is_open(HOURS, ZONE, step.at)
