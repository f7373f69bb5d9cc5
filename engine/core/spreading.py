"""Spreading over the day: who never answers in the morning is tried in the evening."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.core.hours import deciding_zones, next_open_at
from engine.core.redial import History, Next, RedialAt, moved_to
from engine.core.settings import HoursSettings, RedialSettings

_LOOK_AHEAD = timedelta(days=8)


def spread(
    following: Next,
    history: History,
    rules: RedialSettings,
    hours: HoursSettings,
    hours_class: str,
    tried_at: datetime,
) -> Next:
    """`following` put off to another part of the day than `tried_at`, where the rules ask for it.

    A callback stays where it is. Where no other part is ever open, nothing is put off.
    """
    if not isinstance(following, RedialAt) or following.is_callback:
        return following
    if not _spreads(history, rules):
        return following
    at = _in_another_part(following.at, rules, hours, hours_class, tried_at)
    return moved_to(following, at or following.at)


def kept_until(
    history: History,
    rules: RedialSettings,
    hours: HoursSettings,
    hours_class: str,
    now: datetime,
) -> datetime | None:
    """When the first other part of the day is open, while `now` is in that of the last dial.

    A limit or a lock-out can bring a contact back into the part that `spread` kept it from. None
    where nothing keeps it: also where no other part is ever open, so that nobody waits for ever.
    """
    tried_at = history.fruitless_at
    if tried_at is None or not _spreads(history, rules):
        return None
    zone = _zone(hours, hours_class)
    if _part(now, zone, rules.day_parts) != _part(tried_at, zone, rules.day_parts):
        return None
    return _in_another_part(now, rules, hours, hours_class, tried_at)


def _spreads(history: History, rules: RedialSettings) -> bool:
    return rules.spread_after is not None and history.n_dials >= rules.spread_after


def _in_another_part(
    since: datetime,
    rules: RedialSettings,
    hours: HoursSettings,
    hours_class: str,
    tried_at: datetime,
) -> datetime | None:
    """The first open instant from `since` on in a part of the day other than that of `tried_at`."""
    zone = _zone(hours, hours_class)
    tried = _part(tried_at, zone, rules.day_parts)
    at = next_open_at(hours, hours_class, since)
    while at is not None and at - since < _LOOK_AHEAD:
        if _part(at, zone, rules.day_parts) != tried:
            return at
        at = next_open_at(hours, hours_class, _end_of_part(at, zone, rules.day_parts))
    return None


def _zone(hours: HoursSettings, hours_class: str) -> ZoneInfo:
    return ZoneInfo(deciding_zones(hours, hours_class)[0])


def _part(at: datetime, zone: ZoneInfo, borders: tuple[str, ...]) -> int:
    return bisect_right(borders, at.astimezone(zone).strftime("%H:%M"))


def _end_of_part(at: datetime, zone: ZoneInfo, borders: tuple[str, ...]) -> datetime:
    """The border after `at`, or the midnight after it."""
    local = at.astimezone(zone)
    part = _part(at, zone, borders)
    if part < len(borders) and borders[part] != "24:00":
        border = datetime.combine(local.date(), time.fromisoformat(borders[part]), zone)
    else:
        border = datetime.combine(local.date() + timedelta(days=1), time(), zone)
    # A border inside the hour that a clock change skips lies before it.
    return max(border.astimezone(at.tzinfo), at + timedelta(minutes=1))
