"""States as people write them into an address, and their ISO 3166-2 codes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from engine.core.postal import SYSTEM_OF

_WHOLE: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
#: As Odoo shows a state: its name, and the code of its country.
_SHOWN: Final = re.compile(r"(.+?) *\(([A-Z]{2})\)")
#: Countries with one numbering plan: people keep their number when they move to the other one. No
#: state of one is called as a state of the other.
_NEIGHBOURS: Final = {"US": ("US", "CA"), "CA": ("CA", "US")}
_NAMES: Final = {
    "AU": """
        ACT Australian Capital Territory, NSW New South Wales, NT Northern Territory,
        QLD Queensland, SA South Australia, TAS Tasmania, VIC Victoria, WA Western Australia""",
    "CA": """
        AB Alberta, BC British Columbia, MB Manitoba, NB New Brunswick,
        NL Newfoundland and Labrador, NS Nova Scotia, NT Northwest Territories, NU Nunavut,
        ON Ontario, PE Prince Edward Island, QC Quebec, SK Saskatchewan, YT Yukon""",
    "US": """
        AK Alaska, AL Alabama, AR Arkansas, AS American Samoa, AZ Arizona, CA California,
        CO Colorado, CT Connecticut, DC District of Columbia, DE Delaware, FL Florida, GA Georgia,
        GU Guam, HI Hawaii, IA Iowa, ID Idaho, IL Illinois, IN Indiana, KS Kansas, KY Kentucky,
        LA Louisiana, MA Massachusetts, MD Maryland, ME Maine, MI Michigan, MN Minnesota,
        MO Missouri, MP Northern Mariana Islands, MS Mississippi, MT Montana, NC North Carolina,
        ND North Dakota, NE Nebraska, NH New Hampshire, NJ New Jersey, NM New Mexico, NV Nevada,
        NY New York, OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, PR Puerto Rico,
        RI Rhode Island, SC South Carolina, SD South Dakota, TN Tennessee, TX Texas, UT Utah,
        VA Virginia, VI Virgin Islands, VT Vermont, WA Washington, WI Wisconsin, WV West Virginia,
        WY Wyoming""",
}


def region_named(text: str, country: str) -> str | None:
    """`US-FL` of FL, Florida, Florida (US) or US-FL, beside a number of an ISO 3166-1 country.

    None where it names no state of Australia, Canada or the US: those of others tell no zone, and
    the same letters mean another state elsewhere.
    """
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return text
    shown = _SHOWN.fullmatch(text)
    name, place = shown.groups() if shown else (text, SYSTEM_OF.get(country, country))
    places = (place,) if shown else _NEIGHBOURS.get(place, (place,))
    found = (_CODES.get((each, _plain(name))) for each in places)
    return next(filter(None, found), None)


def _plain(name: str) -> str:
    """Without accents, points and case: `Québec`, `N.Y.`"""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(c for c in letters if c != "." and not unicodedata.combining(c)).casefold()


def _codes() -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for country, names in _NAMES.items():
        for state in names.split(","):
            code, _, name = state.strip().partition(" ")
            for called in (code, " ".join(name.split())):
                found[country, _plain(called)] = f"{country}-{code}"
    return found


_CODES: Final = _codes()
