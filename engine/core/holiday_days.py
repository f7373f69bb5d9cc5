"""Public holidays of a country or a part of it, and the country that a zone lies in."""

from __future__ import annotations

import functools
from datetime import date
from importlib.resources import files
from typing import Final

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


#: Older names that the database links to a zone of another country, or that are of no country.
_OTHERWISE: Final = {
    "Africa/Asmera": "ER",
    "Africa/Timbuktu": "ML",
    "America/Coral_Harbour": "CA",
    "America/Virgin": "VI",
    "Atlantic/Jan_Mayen": "SJ",
    "Iceland": "IS",
    "Pacific/Ponape": "FM",
    "Pacific/Truk": "FM",
    "Pacific/Yap": "FM",
    **dict.fromkeys(("CET", "EET", "EST", "HST", "MET", "MST", "WET")),
}
#: Territories that keep the public holidays of the country that they belong to (5 U.S.C. 6103).
_BELONGS_TO: Final = dict.fromkeys(("AS", "GU", "MP", "PR", "UM", "VI"), "US")


@functools.cache
def _country_of_zone() -> dict[str, str | None]:
    """The IANA database's own table of zones and the country that each is in, and older names of
    zones: the library of numbers has Asia/Calcutta, contacts have US/Eastern."""
    data = files("tzdata.zoneinfo")
    text = data.joinpath("zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and line[0] != "#")
    own = {zone: country for country, _, zone, *_ in rows}
    lines = data.joinpath("tzdata.zi").read_text(encoding="utf-8").splitlines()
    links = (line.split() for line in lines if line.startswith("L "))
    return {alias: own.get(zone) for _, zone, alias in links} | own | _OTHERWISE


def country_of_zone(zone: str) -> str | None:
    """ISO code; None for a zone of no place, such as UTC."""
    return _country_of_zone().get(zone)


def is_kept_in(calendar: str, zone: str) -> bool:
    """Whether the zone's country is the calendar's, or belongs to it."""
    place, country = country_of_zone(zone), calendar.partition("-")[0]
    return place is not None and country in (place, _BELONGS_TO.get(place))
