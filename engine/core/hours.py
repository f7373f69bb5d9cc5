"""When a person may be called: local time at the place of the person called.

16 CFR 310.4(c) and 47 CFR 64.1200(c)(1): no call before 8 a.m. or after 9 p.m. there. A number
that may be in several zones is called only while all of them are open.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.core.phone import zones_of
from engine.core.settings import DAYS, HoursSettings

#: How far ahead a next opening is looked for: a year.
HORIZON_WEEKS = 53
WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

Offsets = tuple[timedelta | None, ...]


def hours_class(phone: str, timezone: str | None) -> str:
    """The zones that decide for a contact, joined by commas; empty where nothing is known.

    The contact's own zone wins over what the number says.
    """
    return timezone or ",".join(zones_of(phone))


def deciding_zones(hours: HoursSettings, hours_class: str) -> tuple[str, ...]:
    """The zones in which the windows must be open; the campaign's own where none is known."""
    if hours.respect_contact_timezone and hours_class:
        return tuple(hours_class.split(","))
    return (hours.timezone,)


def is_open(hours: HoursSettings, hours_class: str, now: datetime) -> bool:
    """True when a contact of this class may be called at `now`."""
    zones = deciding_zones(hours, hours_class)
    return all(_is_open_in(hours, ZoneInfo(zone), now) for zone in zones)


def next_open_at(hours: HoursSettings, hours_class: str, now: datetime) -> datetime | None:
    """The first instant from `now` on at which the class is open; None within a year: never.

    Zones that are never open together are common (a toll-free number may be anywhere), so a week
    that only repeats one already searched is passed over.
    """
    zones = [ZoneInfo(zone) for zone in deciding_zones(hours, hours_class)]
    searched: set[Offsets] = set()
    for n_weeks in range(HORIZON_WEEKS):
        since = now + n_weeks * WEEK
        offsets = _steady_offsets(hours, zones, since)
        if offsets in searched:
            continue
        opening = _first_open(hours, zones, since, since + WEEK)
        if opening is not None:
            return opening
        if offsets is not None:
            searched.add(offsets)
    return None


def _steady_offsets(hours: HoursSettings, zones: list[ZoneInfo], since: datetime) -> Offsets | None:
    """Each zone's offset from UTC; None for a week with a change of a clock or a holiday.

    Two weeks with the same offsets open and close alike.
    """
    offsets = tuple(since.astimezone(zone).utcoffset() for zone in zones)
    later = tuple((since + WEEK).astimezone(zone).utcoffset() for zone in zones)
    first, last = (since - _DAY).date(), (since + WEEK + _DAY).date()
    has_holiday = any(first <= holiday <= last for holiday in hours.holidays)
    return None if has_holiday or offsets != later else offsets


def _first_open(
    hours: HoursSettings, zones: list[ZoneInfo], since: datetime, until: datetime
) -> datetime | None:
    """The first instant in [since, until) at which every zone is open.

    While a zone is closed nothing before its next opening can be open in all, so the search jumps
    from opening to opening until no zone objects.
    """
    at: datetime | None = since
    while at is not None and at < until:
        closed = next((zone for zone in zones if not _is_open_in(hours, zone, at)), None)
        if closed is None:
            return at
        at = _next_opening_in(hours, closed, at, until)
    return None


def _is_open_in(hours: HoursSettings, zone: ZoneInfo, now: datetime) -> bool:
    local = now.astimezone(zone)
    if local.date() in hours.holidays:
        return False
    clock, day = local.strftime("%H:%M"), DAYS[local.weekday()]
    return any(
        day in window.days and window.start <= clock < window.end for window in hours.windows
    )


def _next_opening_in(
    hours: HoursSettings, zone: ZoneInfo, at: datetime, until: datetime
) -> datetime | None:
    """The zone's first opening after `at`, where it is closed; None when none is before `until`.

    Day by day of the calendar there: 24 hours later may be the day after tomorrow.
    """
    day, last = at.astimezone(zone).date(), until.astimezone(zone).date()
    while day <= last:
        for opening in sorted(_may_open(hours, zone, day)):
            if opening > at and _is_open_in(hours, zone, opening):
                return opening
        day += _DAY
    return None


def _may_open(hours: HoursSettings, zone: ZoneInfo, day: date) -> set[datetime]:
    """Instants of the local day at which the zone can change from closed to open.

    A start within an hour that comes twice is two of them; a change of the clock is one, since it
    can jump into a window from before its start or from behind its end.
    """
    windows = [window for window in hours.windows if DAYS[day.weekday()] in window.days]
    if not windows or day in hours.holidays:
        return set()
    local = {datetime.combine(day, time.fromisoformat(window.start), zone) for window in windows}
    starts = {at.replace(fold=fold).astimezone(UTC) for at in local for fold in (0, 1)}
    return starts | _clock_change(zone, day)


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
