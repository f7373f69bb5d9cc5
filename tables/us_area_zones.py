"""Writes engine/core/us_area_zones.py from the package `zipcodes` (MIT), which tells of every ZIP
code its area codes and its zone.

Only ZIP codes of the area code's own state count: the package also names the area codes of the
other side of a border. Of zones with the same clock one stands for all, so that a number of Indiana
waits with those of New York. Run it anew when the package is renewed; a test compares.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import available_timezones

import zipcodes

from engine.core.area_codes import STATE_OF
from engine.core.number_zones import clock_of

TARGET = Path(__file__).resolve().parents[1] / "engine" / "core" / "us_area_zones.py"
#: The package has a place or two where a zone should stand.
KNOWN = available_timezones()
#: One for each clock that the states have.
CLOCKS = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix",
    "America/Los_Angeles", "America/Anchorage", "America/Adak", "Pacific/Honolulu",
)  # fmt: skip
#: Newer than the package: they have the place of an older one (NANPA, planning letters).
OVERLAYS = {
    "235": "573", "274": "920", "324": "904", "327": "870", "329": "845", "353": "608",
    "369": "707", "645": "305", "686": "804", "728": "561", "730": "618", "738": "213",
    "748": "970", "821": "864", "975": "816",
}  # fmt: skip


#: What the package lacks: West Wendover in Nevada (49 CFR 71.9).
MORE = {"775": "America/Denver"}


def places() -> Iterator[tuple[str, str]]:
    """Area code and zone of every ZIP code in the area code's own state."""
    for one in zipcodes.list_all():
        for area in one["area_codes"]:
            is_own = STATE_OF.get(area) == f"US-{one['state']}"
            if is_own and one["timezone"] in KNOWN:
                yield area, one["timezone"]


def zones() -> Mapping[str, frozenset[str]]:
    standing = {clock_of(zone): zone for zone in CLOCKS}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for area, zone in set(places()):
        found[area].add(standing[clock_of(zone)])
    for area, zone in MORE.items():
        found[area].add(zone)
    found |= {new: found[old] for new, old in OVERLAYS.items()}
    return {area: frozenset(found[area]) for area in sorted(found)}


def text() -> str:
    """The module as it is in the repository."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for area, found in zones().items():
        alike[" ".join(sorted(found))].append(area)
    lines = [
        '"""Where area codes of the US are. Written by tables/us_area_zones.py: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        "#: Zones, one for each clock, and the area codes that have all of them.",
        "US: Final = (",
    ]
    for names, areas in sorted(alike.items()):
        rows = [" ".join(areas[at : at + 20]) for at in range(0, len(areas), 20)]
        lines += [f'    ("{names}", "{rows[0]}"),'] if len(rows) == 1 else _long(names, rows)
    return "\n".join([*lines, ")", ""])


def _long(names: str, rows: list[str]) -> list[str]:
    """As the formatter leaves it."""
    pieces = [f'            "{row} "' for row in rows[:-1]] + [f'            "{rows[-1]}"']
    return ["    (", f'        "{names}",', "        (", *pieces, "        ),", "    ),"]


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.name}\n")
