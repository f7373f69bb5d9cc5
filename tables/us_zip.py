"""Writes engine/core/us_zip_areas.py from the package `zipcodes` (MIT), which knows every ZIP code.

A process of the dialer is not to carry 42,000 records, and a claim is not to tell a hundred places
of one state apart: of each three-digit prefix (a sectional centre of the postal service) the
table keeps all zones and states that its codes have. Run it anew when the package is renewed;
a test compares.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from zoneinfo import available_timezones

import zipcodes

TARGET = Path(__file__).resolve().parents[1] / "engine" / "core" / "us_zip_areas.py"
#: Military posts (AA, AE, AP) are anywhere; the freely associated states are not the US, and their
#: numbers have codes of their own.
NOWHERE = frozenset({"AA", "AE", "AP", "FM", "MH", "PW"})
#: 09 is military as a whole, whatever the record says; 888 is mail for nobody's home.
LEFT_OUT = ("09", "340", "888", "962", "963", "964", "965", "966")
#: Prefixes that Hawaii and islands hours away from it share: told apart by the whole code.
WHOLE = frozenset({"967", "969"})
#: What the records lack: towns that keep the time of the other side of a border (49 CFR part 71 for
#: North Dakota and West Wendover in Nevada; Lanett, Valley and Phenix City by their own custom).
MORE_ZONES = {"368": "America/New_York", "588": "America/Denver", "898": "America/Denver"}
MORE_BY_STATE = {"AL": "America/New_York", "NV": "America/Denver"}
WIDTH = 100

Found = Mapping[str, tuple[frozenset[str], frozenset[str]]]


def areas() -> Found:
    """States and zones by prefix, or by whole code."""
    states: defaultdict[str, set[str]] = defaultdict(set)
    zones: defaultdict[str, set[str]] = defaultdict(set)
    for code, state, zone in records():
        prefix = code if code[:3] in WHOLE else code[:3]
        states[prefix].add(f"US-{state}")
        zones[prefix].add(zone)
    for prefix, zone in MORE_ZONES.items():
        zones[prefix].add(zone)
    return {p: (frozenset(states[p]), frozenset(zones[p])) for p in sorted(zones)}


def by_state() -> Mapping[str, frozenset[str]]:
    zones: defaultdict[str, set[str]] = defaultdict(set)
    for _, state, zone in records():
        zones[f"US-{state}"].add(zone)
    for state, zone in MORE_BY_STATE.items():
        zones[f"US-{state}"].add(zone)
    return {state: frozenset(zones[state]) for state in sorted(zones)}


def records() -> Iterator[tuple[str, str, str]]:
    """Code, state and zone of every place that has all three."""
    known = available_timezones()
    for one in zipcodes.list_all():
        code, state, zone = one["zip_code"], one["state"], one["timezone"]
        if zone in known and state not in NOWHERE and not code.startswith(LEFT_OUT):
            yield code, state, zone


def ranges(prefixes: Iterable[str]) -> str:
    """`100-149 151` of neighbours."""
    runs: list[list[str]] = []
    for prefix in sorted(prefixes, key=lambda p: (len(p), p)):
        last = runs[-1][-1] if runs else ""
        if len(last) == len(prefix) and int(last) + 1 == int(prefix):
            runs[-1].append(prefix)
        else:
            runs.append([prefix])
    return " ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def text() -> str:
    """The module as it is in the repository."""
    alike: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for prefix, (states, zones) in areas().items():
        alike[" ".join(sorted(states)), " ".join(sorted(zones))].append(prefix)
    lines = [
        '"""Where the ZIP codes of the US are. Written by tables/us_zip.py: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        "#: States, zones, and prefixes of three digits or whole codes: all that may apply there.",
        "ZIPS: Final = (",
    ]
    for (states, zones), prefixes in sorted(alike.items()):
        lines += _row(states, zones, ranges(prefixes))
    lines += [")", "#: All zones of a state.", "STATES: Final = {"]
    for state, found in by_state().items():
        zones = " ".join(sorted(found))
        short = f'    "{state}": "{zones}",'
        long = [f'    "{state}": (', *_pieces(zones, 8), "    ),"]
        lines += [short] if len(short) <= WIDTH else long
    return "\n".join([*lines, "}", ""])


def _row(*cells: str) -> list[str]:
    """As the formatter leaves it."""
    short = "    (" + ", ".join(f'"{cell}"' for cell in cells) + "),"
    if len(short) <= WIDTH:
        return [short]
    return ["    (", *(line for cell in cells for line in _wrapped(cell)), "    ),"]


def _wrapped(words: str) -> list[str]:
    """An element of a row."""
    short = f'        "{words}",'
    return [short] if len(short) <= WIDTH else ["        (", *_pieces(words, 12), "        ),"]


def _pieces(words: str, indent: int) -> list[str]:
    """String literals that follow each other, each with its space."""
    lines, line = list[str](), ""
    for word in words.split():
        if line and indent + len(f'"{line} {word} "') > WIDTH:
            lines.append(f"{line} ")
            line = ""
        line = f"{line} {word}" if line else word
    return [f'{" " * indent}"{each}"' for each in [*lines, line]]


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.name}\n")
