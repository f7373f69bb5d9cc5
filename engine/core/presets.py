"""Rules of some places as data: a preset fills a campaign's settings, which stay editable.

A figure is marked unverified where its source could not be read. Nothing here is legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

HOUR_S, DAY_S = 3600, 86_400
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS, WEEKEND = EVERY_DAY[:5], EVERY_DAY[5:]


@dataclass(frozen=True, slots=True)
class Figure:
    """One rule: what it says, who says so, and whether we could read it there."""

    what: str
    source: str
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Preset:
    """`settings` is a merge patch over a campaign's settings."""

    name: str
    title: str
    settings: Mapping[str, Any]
    figures: tuple[Figure, ...]
    #: `law`, or `house rule`: good manners that no law asks for.
    kind: str = "law"


def _window(days: list[str], start: str, end: str) -> dict[str, Any]:
    return {"days": days, "start": start, "end": end}


_EIGHT_TO_NINE = [_window(EVERY_DAY, "08:00", "21:00")]
_EIGHT_TO_EIGHT = {"windows": [_window(EVERY_DAY, "08:00", "20:00")]}
_US_FIGURES: Final = (
    Figure(
        "no call before 8 a.m. or after 9 p.m. local time",
        "16 CFR 310.4(c); 47 CFR 64.1200(c)(1)",
    ),
    Figure(
        "at most 3 % of the calls answered by a person abandoned, over 30 days",
        "16 CFR 310.4(b)(4)(i); 47 CFR 64.1200(a)(7)",
    ),
    Figure("a representative within 2 s of the completed greeting", "16 CFR 310.4(b)(1)(iv)"),
    Figure("ring at least 15 s or 4 rings before disconnecting", "16 CFR 310.4(b)(4)(ii)"),
    Figure("the same ring time for the FCC", "47 CFR 64.1200(a)(6)", verified=False),
)
_US: Final[Mapping[str, Any]] = {
    "hours": {"windows": _EIGHT_TO_NINE, "respect_contact_timezone": True},
    "pacing": {"max_abandon_rate": 0.03},
    "dialing": {"connect_deadline_s": 2, "min_ring_s": 15},
}
#: States with hours of their own, and their calls in 24 hours where they have a limit. It is one
#: for a person, on whichever phone; for a number as well, since not everybody has a person's key.
_STATES: Final = {"US-FL": 3, "US-OK": 3, "US-MD": 3, "US-WA": None}


def _us_tsr() -> Preset:
    return Preset("us_tsr", "United States: Telemarketing Sales Rule", _US, _US_FIGURES)


def _us_fl() -> Preset:
    """Federal rules everywhere, and in four states their own, by number or given state."""
    limits = {
        state: {"max_per_24h": most, "person_max_per_24h": most}
        for state, most in _STATES.items()
        if most
    }
    hours = {**_US["hours"], "regions": dict.fromkeys(_STATES, _EIGHT_TO_EIGHT)}
    figures = (
        *_US_FIGURES,
        Figure(
            "Florida: 8 a.m. to 8 p.m.; 3 calls in 24 hours to a person on one subject",
            "Fla. Stat. 501.616(6)",
        ),
        Figure("an area code of Florida presumes a resident", "Fla. Stat. 501.059(8)(d)"),
        Figure(
            "Oklahoma: 8 a.m. to 8 p.m.; 3 calls in 24 hours",
            "Oklahoma Telephone Solicitation Act, 1 November 2022",
        ),
        Figure(
            "Washington: 8 a.m. to 8 p.m.; after a refusal no call for 12 months (do-not-call)",
            "RCW 19.158",
        ),
        Figure(
            "Maryland: 8 a.m. to 8 p.m.; 3 calls in 24 hours",
            "Stop the Spam Calls Act",
            verified=False,
        ),
    )
    title = "United States with Florida, Maryland, Oklahoma and Washington"
    settings = {**_US, "hours": hours, "limits": {"regions": limits}}
    return Preset("us_fl", title, settings, figures)


def _us_reg_f() -> Preset:
    figures = (
        *_US_FIGURES,
        Figure(
            "more than 7 calls in 7 days per person and debt are presumed to harass",
            "12 CFR 1006.14(b)(2)(i)(A)",
        ),
        Figure("no call within 7 days after a conversation", "12 CFR 1006.14(b)(2)(i)(B)"),
        Figure(
            "the day of the conversation is the first of the 7: here 7 times 24 hours, the longer",
            "12 CFR 1006.14(b)(2)",
            verified=False,
        ),
    )
    limits = {"person_max_per_7d": 7, "after_conversation_s": 7 * DAY_S}
    title = "United States: debt collection (Regulation F)"
    return Preset("us_reg_f", title, {**_US, "limits": limits}, figures)


def _uk() -> Preset:
    """Policy from before March 2017, kept as a house rule: no law names these figures now."""
    windows = [_window(WEEKDAYS, "08:00", "21:00"), _window(WEEKEND, "09:00", "20:00")]
    settings = {
        "hours": {"windows": windows},
        "pacing": {"max_abandon_rate": 0.03},
        "dialing": {"connect_deadline_s": 2, "min_ring_s": 15},
        "limits": {"after_abandon_s": 72 * HOUR_S, "after_machine_s": 24 * HOUR_S},
    }
    policy = "Ofcom, statements of 2008 and 2010; without the 3 % since 1 March 2017"
    figures = (
        Figure("at most 3 % of live calls abandoned, over 24 hours", policy),
        Figure("no call for 72 hours to a number that got an abandoned one", policy),
        Figure("no call for 24 hours to a number on which a machine was detected", policy),
        Figure("ring at least 15 s; a message within 2 s", policy),
        Figure("hours: no law names them", "house rule", verified=False),
    )
    title = "United Kingdom: a house rule, after Ofcom's policy until March 2017"
    return Preset("uk", title, settings, figures, kind="house rule")


def _ca() -> Preset:
    windows = [_window(WEEKDAYS, "09:00", "21:30"), _window(WEEKEND, "10:00", "18:00")]
    settings = {
        "hours": {"windows": windows},
        "pacing": {"max_abandon_rate": 0.05},
        "dialing": {"connect_deadline_s": 2},
    }
    rules = "CRTC Unsolicited Telecommunications Rules"
    figures = (
        Figure("a representative within 2 s", rules),
        Figure("at most 5 % abandoned in a month", "CRTC decision 2007-48", verified=False),
        Figure("9:00 to 21:30, at weekends 10:00 to 18:00", rules, verified=False),
    )
    return Preset("ca", "Canada: Unsolicited Telecommunications Rules", settings, figures)


def _eu_default() -> Preset:
    windows = [_window(WEEKDAYS, "09:00", "20:00"), _window(["sat"], "10:00", "16:00")]
    settings = {
        "hours": {"windows": windows},
        "pacing": {"max_abandon_rate": 0.03},
        "dialing": {"connect_deadline_s": 2, "min_ring_s": 15},
        "limits": {
            "max_per_24h": 2,
            "max_per_7d": 6,
            "after_abandon_s": 72 * HOUR_S,
            "after_machine_s": 24 * HOUR_S,
        },
    }
    figures = (Figure("all: cautious practice; member states differ", "house rule", False),)
    title = "European Union: a house rule, not law"
    return Preset("eu_default", title, settings, figures, kind="house rule")


_ALL: Final = (_us_tsr(), _us_fl(), _us_reg_f(), _uk(), _ca(), _eu_default())
PRESETS: Final[Mapping[str, Preset]] = {preset.name: preset for preset in _ALL}
