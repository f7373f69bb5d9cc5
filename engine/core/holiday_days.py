"""Public holidays of a country or a part of it, and the country that a zone lies in."""

from __future__ import annotations

import functools
from datetime import date
from importlib.resources import files

import holidays


@functools.cache
def _calendars() -> dict[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=False)


def known_calendar(code: str) -> str:
    """`code` itself. Raises ValueError where the library has no such country or part."""
    country, _, part = code.partition("-")
    parts = _calendars().get(country)
    if parts is None or (part and part not in parts):
        raise ValueError("must be a country such as US, or a part such as DE-BY, with holidays")
    return code


@functools.lru_cache(maxsize=1024)
def _days(code: str, year: int) -> frozenset[date]:
    country, _, part = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def is_public_holiday(code: str, day: date) -> bool:
    """The day as the calendar there has it; observed substitutes are holidays too."""
    return day in _days(code, day.year)


@functools.cache
def _country_of_zone() -> dict[str, str]:
    """The IANA database's own table of zones and the country that each is in."""
    text = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and line[0] != "#")
    return {zone: country for country, _, zone, *_ in rows}


def country_of_zone(zone: str) -> str | None:
    """ISO code; None for a zone of no place, such as UTC."""
    return _country_of_zone().get(zone)
