"""When a person may be called: local time at the place of the person called.

16 CFR 310.4(c) and 47 CFR 64.1200(c)(1): no call before 8 a.m. or after 9 p.m. there. A number
that may be in several zones is called only while all of them are open. Contacts wait by *hours
class*: the zones that decide, joined by commas, then after a semicolon the states whose own rules
may hold (`America/New_York;US-FL`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.core.area_codes import state_of
from engine.core.holiday_days import is_kept_in, is_public_holiday
from engine.core.number_zones import AREA_CHARS, zones_of_area
from engine.core.phone import facts_of, is_geographical, zones_of
from engine.core.postal import Area, area_of_code, area_of_state
from engine.core.quick_phone import NumberFacts
from engine.core.settings import DAYS, HoursSettings, Window

#: How far ahead a next opening is looked for: a year.
HORIZON_WEEKS = 53
WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
#: The end of an open window is looked for in such steps, and so far ahead.
STEP, SHIFT = timedelta(minutes=15), timedelta(hours=12)
_MINUTE = timedelta(minutes=1)

Offsets = tuple[timedelta | None, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A clock and the rules that it is read by."""

    zone: ZoneInfo
    windows: tuple[Window, ...]
    holidays: tuple[date, ...]
    #: Calendars whose public holidays are kept here.
    calendars: tuple[str, ...]

    def is_holiday(self, day: date) -> bool:
        return day in self.holidays or any(is_public_holiday(code, day) for code in self.calendars)


def hours_class(
    phone: str,
    timezone: str | None,
    region: str | None = None,
    others: Sequence[str] = (),
    postal_code: str | None = None,
) -> str:
    """The class of a contact with these phones; empty where nothing is known.

    Its own zone wins over its postal code, that over its region, and that over what the numbers
    say; with several phones the hours must hold at all of them. Rules of states are not chosen
    between: those of the numbers, of the postal code and of the region all hold, since each may be
    where the person is called.
    """
    phones = (phone, *others)
    coded = area_of_code(postal_code, _country(region, phones)) if postal_code else None
    area = coded or (area_of_state(region) if region else None)
    if timezone:
        zones = timezone
    elif area:
        zones = ",".join(area.zones)
    else:
        zones = ",".join(sorted({zone for each in phones for zone in zones_of(each)}))
    return _with_states(zones, {*map(state_of, phones), region, *(coded.regions if coded else ())})


def _country(region: str | None, phones: Sequence[str]) -> str:
    """What a postal code belongs to: the region's country, else the one that all numbers have."""
    if region:
        return region.partition("-")[0]
    countries = {facts_of(each).country for each in phones}
    return countries.pop() if len(countries) == 1 else ""


def _with_states(zones: str, states: Iterable[str | None]) -> str:
    known = sorted(filter(None, states))
    return f"{zones};{','.join(known)}" if known else zones


def hours_class_of_number(
    e164: str, facts: NumberFacts, region: str | None = None, postal_code: str | None = None
) -> str:
    """As `hours_class` of this phone alone, quickly: neighbours of a number share its class."""
    country = region.partition("-")[0] if region else facts.country
    coded = area_of_code(postal_code, country) if postal_code else None
    area = coded or (area_of_state(region) if region else None)
    if area:
        return _class_of_area(area, state_of(e164), region)
    if region or not is_geographical(facts):
        return hours_class(e164, None, region)
    return _class_of_beginning(e164[:AREA_CHARS], len(e164))


@functools.lru_cache(maxsize=65_536)
def _class_of_area(area: Area, state: str | None, region: str | None) -> str:
    return _with_states(",".join(area.zones), {state, region, *area.regions})


@functools.lru_cache(maxsize=65_536)
def _class_of_beginning(beginning: str, length: int) -> str:
    """Zones and state depend on nothing but a number's beginning and its length."""
    return _with_states(
        ",".join(zones_of_area(beginning)), {state_of(beginning.ljust(length, "0"))}
    )


def zones_in(hours_class: str) -> tuple[str, ...]:
    """The zones of a class."""
    return tuple(filter(None, hours_class.partition(";")[0].split(",")))


def regions_in(hours_class: str) -> tuple[str, ...]:
    """The states of a class."""
    return tuple(filter(None, hours_class.partition(";")[2].split(",")))


def deciding_zones(hours: HoursSettings, hours_class: str) -> tuple[str, ...]:
    """The zones in which the windows must be open; the campaign's own where none is known."""
    known = zones_in(hours_class) if hours.respect_contact_timezone else ()
    return known or (hours.timezone,)


def is_held(hours: HoursSettings, hours_class: str) -> bool:
    """True when nobody knows the contact's zone and the campaign does not guess it."""
    return hours.unknown_zone == "hold" and not zones_in(hours_class)


def _places(hours: HoursSettings, hours_class: str) -> list[Place]:
    """Every clock that must be inside every window: the campaign's rules and those of states."""
    windows = [hours.windows]
    windows += [hours.regions[r].windows for r in regions_in(hours_class) if r in hours.regions]
    zones = deciding_zones(hours, hours_class)
    return [_place(hours, zone, each) for zone in zones for each in windows]


def _place(hours: HoursSettings, zone: str, windows: tuple[Window, ...]) -> Place:
    kept = tuple(code for code in hours.public_holidays if is_kept_in(code, zone))
    return Place(ZoneInfo(zone), windows, hours.holidays, kept)


def is_open(hours: HoursSettings, hours_class: str, now: datetime) -> bool:
    """True when a contact of this class may be called at `now`."""
    if is_held(hours, hours_class):
        return False
    return all(_is_open_at(place, now) for place in _places(hours, hours_class))


def open_until(hours: HoursSettings, classes: Iterable[str], now: datetime) -> datetime:
    """The last instant at which some class that is open now is known to be open still.

    Looked at in steps, and no further than a shift may last; `now` where none is open.
    """
    last = now
    for each in classes:
        if not is_held(hours, each):
            last = max(last, _open_until(_places(hours, each), now))
    return last


def _open_until(places: list[Place], now: datetime) -> datetime:
    last = until = now
    while until - now <= SHIFT and all(_is_open_at(place, until) for place in places):
        last, until = until, until + STEP
    return last


def next_open_at(hours: HoursSettings, hours_class: str, now: datetime) -> datetime | None:
    """The first instant from `now` on at which the class is open; None within a year: never.

    Zones that are never open together are common (a toll-free number may be anywhere), so a week
    that only repeats one already searched is passed over.
    """
    if is_held(hours, hours_class):
        return None
    places = _places(hours, hours_class)
    searched: set[Offsets] = set()
    for n_weeks in range(HORIZON_WEEKS):
        since = now + n_weeks * WEEK
        offsets = _steady_offsets(places, since)
        if offsets in searched:
            continue
        opening = _first_open(places, since, since + WEEK)
        if opening is not None:
            return opening
        if offsets is not None:
            searched.add(offsets)
    return None


def _steady_offsets(places: list[Place], since: datetime) -> Offsets | None:
    """Each zone's offset from UTC; None for a week with a change of a clock or a holiday.

    Two weeks with the same offsets open and close alike.
    """
    offsets = tuple(since.astimezone(place.zone).utcoffset() for place in places)
    later = tuple((since + WEEK).astimezone(place.zone).utcoffset() for place in places)
    first = (since - _DAY).date()
    days = [first + n * _DAY for n in range(10)]
    has_holiday = any(place.is_holiday(day) for place in places for day in days)
    return None if has_holiday or offsets != later else offsets


def _first_open(places: list[Place], since: datetime, until: datetime) -> datetime | None:
    """The first instant in [since, until) at which every place is open.

    While one is closed nothing before its next opening can be open in all, so the search jumps
    from opening to opening until none objects.
    """
    at: datetime | None = since
    while at is not None and at < until:
        closed = next((place for place in places if not _is_open_at(place, at)), None)
        if closed is None:
            return at
        at = _next_opening_at(closed, at, until)
    return None


def _is_open_at(place: Place, now: datetime) -> bool:
    local = now.astimezone(place.zone)
    clock, day = f"{local.hour:02}:{local.minute:02}", DAYS[local.weekday()]
    inside = any(
        day in window.days and window.start <= clock < window.end for window in place.windows
    )
    return inside and not place.is_holiday(local.date())


def _next_opening_at(place: Place, at: datetime, until: datetime) -> datetime | None:
    """The first opening after `at`, where it is closed; None when none is before `until`.

    Day by day of the calendar there: 24 hours later may be the day after tomorrow.
    """
    day, last = at.astimezone(place.zone).date(), until.astimezone(place.zone).date()
    while day <= last:
        for opening in sorted(_may_open(place, day)):
            if opening > at and _is_open_at(place, opening):
                return opening
        day += _DAY
    return None


def _may_open(place: Place, day: date) -> set[datetime]:
    """Instants of the local day at which the place can change from closed to open.

    A start within an hour that comes twice is two of them; a change of the clock is one, since it
    can jump into a window from before its start or from behind its end.
    """
    windows = [window for window in place.windows if DAYS[day.weekday()] in window.days]
    if not windows or place.is_holiday(day):
        return set()
    starts = (time.fromisoformat(window.start) for window in windows)
    local = {datetime.combine(day, start, place.zone) for start in starts}
    instants = {at.replace(fold=fold).astimezone(UTC) for at in local for fold in (0, 1)}
    return instants | _clock_change(place.zone, day)


def _clock_change(zone: ZoneInfo, day: date) -> set[datetime]:
    """The instant of this local day at which its offset from UTC changes; mostly none."""
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    before, after = midnight - timedelta(hours=3), midnight + timedelta(hours=27)
    offset = before.astimezone(zone).utcoffset()
    if after.astimezone(zone).utcoffset() == offset:
        return set()
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return {after} if after.astimezone(zone).date() == day else set()
