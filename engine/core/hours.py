"""When a person may be called: local time at the place of the person called.

16 CFR 310.4(c) and 47 CFR 64.1200(c)(1): no call before 8 a.m. or after 9 p.m. there. A number
that may be in several zones is called only while all of them are open.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.core.phone import zones_of
from engine.core.settings import DAYS, HoursSettings, Window

#: How far ahead a next opening is looked for.
HORIZON_DAYS = 366


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
    return all(_is_open_in(hours, zone, now) for zone in deciding_zones(hours, hours_class))


def next_open_at(hours: HoursSettings, hours_class: str, now: datetime) -> datetime | None:
    """The first instant from `now` on at which the class is open; None within a year: never.

    Openings fall on the start of a window in some zone, so only those instants are tried.
    """
    if is_open(hours, hours_class, now):
        return now
    zones = [ZoneInfo(zone) for zone in deciding_zones(hours, hours_class)]
    for day in range(HORIZON_DAYS):
        starts = sorted(_starts(hours, zones, now + timedelta(days=day)))
        for at in starts:
            if at > now and is_open(hours, hours_class, at):
                return at
    return None


def _is_open_in(hours: HoursSettings, zone: str, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(zone))
    if local.date() in hours.holidays:
        return False
    clock, day = local.strftime("%H:%M"), DAYS[local.weekday()]
    return any(
        day in window.days and window.start <= clock < window.end for window in hours.windows
    )


def _starts(hours: HoursSettings, zones: list[ZoneInfo], at: datetime) -> set[datetime]:
    return {_start(window, zone, at) for window in hours.windows for zone in zones}


def _start(window: Window, zone: ZoneInfo, at: datetime) -> datetime:
    hour, minute = (int(part) for part in window.start.split(":"))
    local = at.astimezone(zone)
    return datetime(local.year, local.month, local.day, hour, minute, tzinfo=zone).astimezone(UTC)
