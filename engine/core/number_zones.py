"""The zones that a geographical number may be in.

libphonenumber tells it. In North America it knows the zones of exchanges that it lists, and has one
default for all others of an area code: one zone where there are several, and for new area codes
sometimes a wrong one (689, Orlando: America/Chicago). 16 CFR 310.4(c) counts the local time at the
called person's location, so where the exchange is not listed every zone of the area code counts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from engine.core.us_area_zones import US

#: So much of a number, with its plus, decides.
AREA_CHARS: Final = 1 + TIMEZONE_LONGEST_PREFIX
UNKNOWN_ZONE: Final = "Etc/Unknown"
_NANP_AREA: Final = len("1202")
#: Area codes of Canada whose provinces have several zones, or one that the library does not name
#: (Canadian Numbering Administrator's plan; zones of zone.tab, one for each clock).
_CANADA: Final = (
    ("America/Edmonton America/Toronto America/Whitehorse America/Winnipeg", "867"),
    ("America/Atikokan America/Toronto America/Winnipeg", "807"),
    ("America/Goose_Bay America/St_Johns", "709 879"),
    ("America/Halifax", "428 506 782 902"),
    # The Magdalen Islands and the Lower North Shore.
    ("America/Blanc-Sablon America/Halifax America/Toronto", "367 418 581"),
    ("America/Toronto", "468 819 873"),
    # Lloydminster has Alberta's time, Creighton and Denare Beach have Manitoba's.
    ("America/Edmonton America/Regina America/Winnipeg", "306 474 639"),
    ("America/Edmonton", "368 403 587 780 825"),
    # The Peace River, Creston and the Columbia valley.
    ("America/Creston America/Edmonton America/Vancouver", "236 250 257 672 778"),
    ("America/Winnipeg", "204 431 584"),
)
#: Yukon left Vancouver's time in 2020, which the library's exchanges have still.
_OUTDATED: Final = frozenset({"1867"})
_NANP: Final[Mapping[str, frozenset[str]]] = {
    area: frozenset(zones.split()) for zones, areas in (*US, *_CANADA) for area in areas.split()
}
#: Two zones have the same clock when they agree in each of these weeks.
_WEEKS: Final = tuple(
    datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(weeks=week) for week in range(10 * 52)
)


@functools.lru_cache(maxsize=65_536)
def zones_of_area(beginning: str) -> tuple[str, ...]:
    """Sorted zones, of the first AREA_CHARS characters of a geographical number."""
    digits = beginning[1:]
    told = next((digits[:n] for n in range(len(digits), 0, -1) if digits[:n] in TIMEZONE_DATA), "")
    area = digits[:_NANP_AREA]
    if area[1:] in _NANP and area[0] == "1" and (len(told) <= _NANP_AREA or area in _OUTDATED):
        return _joined(_NANP[area[1:]], () if area in _OUTDATED else _beneath(area))
    more = _beneath(told) if area[0] == "1" and len(told) > _NANP_AREA else ()
    return _joined(TIMEZONE_DATA.get(told, ()), more)


@functools.cache
def clock_of(zone: str) -> tuple[timedelta | None, ...]:
    """The same for zones that only their names tell apart, for the years to come."""
    place = ZoneInfo(zone)
    return tuple(week.astimezone(place).utcoffset() for week in _WEEKS)


@functools.cache
def _beneath(prefix: str) -> frozenset[str]:
    """Zones of all parts of the area that are listed by themselves."""
    parts = (
        zones for each, zones in TIMEZONE_DATA.items() if each.startswith(prefix) and each != prefix
    )
    return frozenset(zone for zones in parts for zone in zones)


def _joined(own: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Of `more` only what has another clock than all of `own`."""
    kept = sorted(zone for zone in own if zone != UNKNOWN_ZONE)
    for zone in sorted(more):
        if zone != UNKNOWN_ZONE and clock_of(zone) not in map(clock_of, kept):
            kept.append(zone)
    return tuple(sorted(kept))
