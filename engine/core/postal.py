"""Where a postal code or a state is: the zones that it may be in, and the states whose rules hold.

A code means something only together with its country; what is unknown tells nothing, so that the
contact's number decides as if there were no code.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.core import postal_areas, us_zip_areas

_Rows = Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Area:
    """Sorted IANA zones, all of which may apply, and ISO 3166-2 codes of states."""

    zones: tuple[str, ...]
    regions: tuple[str, ...] = ()


#: Territories that use another country's postal codes, but have a code of their own as countries.
SYSTEM_OF: Final = {
    **dict.fromkeys(("AS", "GU", "MP", "PR", "VI"), "US"),
    **dict.fromkeys(("BL", "GF", "GP", "MC", "MF", "MQ", "NC", "PF", "PM", "RE", "WF", "YT"), "FR"),
    **dict.fromkeys(("CC", "CX", "NF"), "AU"),
}
_ROWS: Final[Mapping[str, _Rows]] = {
    "AU": postal_areas.AU,
    "BR": postal_areas.BR,
    "CA": postal_areas.CA,
    "ES": postal_areas.ES,
    "FR": postal_areas.FR,
    "MX": postal_areas.MX,
    "PT": postal_areas.PT,
    "US": us_zip_areas.ZIPS,
}
_STATES: Final = us_zip_areas.STATES | postal_areas.STATES
_PUNCTUATION: Final = re.compile(r"[ .–-]")
#: Whole codes without punctuation; the lengths that spreadsheets leave of those that begin with 0.
_WRITTEN: Final = {
    "AU": (re.compile(r"\d{4}"), {3: 4}),
    "BR": (re.compile(r"\d{5}(\d{3})?"), {7: 8}),
    "CA": (re.compile(r"[A-CEGHJ-NPR-TVXY]\d[A-CEGHJ-NPR-TV-Z](\d[A-CEGHJ-NPR-TV-Z]\d)?"), {}),
    "ES": (re.compile(r"\d{5}"), {4: 5}),
    "FR": (re.compile(r"\d{5}"), {4: 5}),
    "MX": (re.compile(r"\d{5}"), {4: 5}),
    "PT": (re.compile(r"\d{4}(\d{3})?"), {}),
    "US": (re.compile(r"\d{5}(\d{4})?"), {3: 5, 4: 5, 7: 9, 8: 9}),
}


@functools.lru_cache(maxsize=65_536)
def area_of_code(code: str, country: str) -> Area | None:
    """Of a code as people write it, in an ISO 3166-1 country; None where it tells nothing."""
    system = SYSTEM_OF.get(country, country)
    if system not in _ROWS:
        return None
    written, short = _WRITTEN[system]
    code = code.strip().upper()
    if code.isdecimal():
        code = code.zfill(short.get(len(code), 0))
    plain = _PUNCTUATION.sub("", code)
    if not plain.isascii() or written.fullmatch(plain) is None:
        return None
    areas = _areas(system)
    prefixes = (plain[:length] for length in range(5, 0, -1))
    return next((areas[prefix] for prefix in prefixes if prefix in areas), None)


@functools.lru_cache(maxsize=1024)
def area_of_state(region: str) -> Area | None:
    """Of an ISO 3166-2 code; None for states whose zones are not known here."""
    zones = _STATES.get(region)
    return Area(tuple(sorted(zones.split())), (region,)) if zones else None


@functools.cache
def _areas(system: str) -> Mapping[str, Area]:
    """By prefix. A later row has the last word on a prefix that an earlier one covers."""
    found: dict[str, Area] = {}
    for regions, zones, codes in _ROWS[system]:
        area = Area(tuple(sorted(zones.split())), tuple(sorted(regions.split())))
        found |= dict.fromkeys(_prefixes(codes), area)
    return found


def _prefixes(codes: str) -> Iterator[str]:
    """Of `100-149 151`, as long as they are written."""
    for part in codes.split():
        first, _, last = part.partition("-")
        if not last:
            yield first
        else:
            for number in range(int(first), int(last) + 1):
                yield f"{number:0{len(first)}}"
