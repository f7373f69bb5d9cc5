"""Where calls may go: countries, and ranges that cost the caller money by design.

Toll fraud lives on premium and satellite ranges, so those are closed unless somebody opens them.
Emergency and short numbers never become a phone number here: E.164 does not have them.
"""

from __future__ import annotations

from phonenumbers import PhoneNumberType

from engine.core.phone import facts_of
from engine.core.quick_phone import NumberFacts
from engine.core.settings import DestinationSettings

#: ITU-T E.164 list of assigned codes: 870 Inmarsat, 881 mobile satellite systems, 882 and 883
#: international networks, 878 universal personal numbers, 888 and 979 shared and premium service.
SATELLITE_CODES = frozenset({870, 881, 882, 883})
PREMIUM_CODES = frozenset({979})
SHARED_CODES = frozenset({808, 878})


def refusal(phone: str, settings: DestinationSettings) -> str | None:
    """Why it is closed: `country`, `premium`, `shared_cost` or `satellite`; None: open."""
    return refusal_of(facts_of(phone), settings)


def refusal_of(facts: NumberFacts, settings: DestinationSettings) -> str | None:
    if facts.country_code in SATELLITE_CODES and not settings.allow_satellite:
        return "satellite"
    if _is_premium(facts) and not settings.allow_premium:
        return "premium"
    if _is_shared_cost(facts) and not settings.allow_shared_cost:
        return "shared_cost"
    if settings.countries and facts.country not in settings.countries:
        return "country"
    return None


REASONS = {
    "country": "is in a country that this campaign may not call",
    "premium": "is a premium-rate number",
    "shared_cost": "is a shared-cost number",
    "satellite": "is a satellite number",
}


def _is_premium(facts: NumberFacts) -> bool:
    return facts.kind == PhoneNumberType.PREMIUM_RATE or facts.country_code in PREMIUM_CODES


def _is_shared_cost(facts: NumberFacts) -> bool:
    return facts.kind == PhoneNumberType.SHARED_COST or facts.country_code in SHARED_CODES
