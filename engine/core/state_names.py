"""States as people write them into an address, and their ISO 3166-2 codes."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from engine.core.postal import SYSTEM_OF

_WHOLE: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_BARE: Final = re.compile(r"[A-Z]{2,3}")
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


#: As people shorten them, besides the codes.
_SHORT: Final = {
    "CA": """
        AB Alta, BC British Col, MB Man, NL Newfoundland, NL Labrador, NT NWT, ON Ont, PE PEI,
        QC Que, QC PQ, SK Sask, YT Yukon Territory""",
    "US": """
        AL Ala, AZ Ariz, AR Ark, CA Calif, CO Colo, CT Conn, DE Del, FL Fla, ID Ida, IL Ill, IN Ind,
        KS Kan, KS Kans, MA Mass, MI Mich, MN Minn, MS Miss, MT Mont, NE Neb, NE Nebr, NV Nev,
        NM N Mex, OK Okla, OR Ore, OR Oreg, PA Penn, PA Penna, TN Tenn, TX Tex,
        VI US Virgin Islands, WA Wash, WI Wis, WI Wisc, WV W Va, WY Wyo,
        DC Washington DC, DC Wash DC""",
}


@functools.lru_cache(maxsize=4096)
def region_written(text: str, country: str) -> str | None:
    """As `region_named`; where no state is known by its name a bare code means one all the same,
    so that its rules can hold: BY beside a German number is DE-BY."""
    found = region_named(text, country)
    is_code = len(country) == 2 and country not in _HAVE_NAMES and _BARE.fullmatch(text)
    return f"{country}-{text}" if is_code and not found else found


def region_named(text: str, country: str) -> str | None:
    """`US-FL` of FL, Florida, Fla., Florida (US) or us-fl, beside a number of a country.

    None where it names no state of Australia, Canada or the US: those of others tell no zone, and
    the same letters mean another state elsewhere.
    """
    text = text.strip()
    if _WHOLE.fullmatch(text.upper()) and (text.isupper() or text.islower()):
        return text.upper()
    shown = _SHOWN.fullmatch(text)
    name, place = shown.groups() if shown else (text, SYSTEM_OF.get(country, country))
    places = (place,) if shown else _NEIGHBOURS.get(place, (place,))
    found = (_CODES.get((each, _plain(name))) for each in places)
    return next(filter(None, found), None)


def _plain(name: str) -> str:
    """Without accents, points, commas and case: `Québec`, `N.Y.`, `Washington, D.C.`"""
    letters = unicodedata.normalize("NFKD", name)
    kept = "".join(c for c in letters if c not in ".," and not unicodedata.combining(c))
    return " ".join(kept.casefold().split())


def _codes() -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for country, names in (*_NAMES.items(), *_SHORT.items()):
        for state in names.split(","):
            code, _, name = state.strip().partition(" ")
            for called in (code, " ".join(name.split())):
                found[country, _plain(called)] = f"{country}-{code}"
    return found


_CODES: Final = _codes()
_HAVE_NAMES: Final = frozenset({*_NAMES, *(at for at, of in SYSTEM_OF.items() if of in _NAMES)})
