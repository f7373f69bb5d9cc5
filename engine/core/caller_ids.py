"""Which of the campaign's numbers a call shows: only those that it declares as its own.

Local presence: a number of the same area code, else of the same country, else any of the pool.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.phone import facts_of

#: Digits that name an area in the North American plan, with the plus and the country code.
_AREA_CHARS = 5


def pool_for(phone: str, callers: Sequence[str], local_presence: str) -> Sequence[str]:
    """The callers that fit the number best; never empty unless `callers` is."""
    if local_presence == "off":
        return callers
    country = facts_of(phone).country
    same_country = [caller for caller in callers if facts_of(caller).country == country]
    if local_presence == "area":
        area = phone[:_AREA_CHARS]
        same_area = [caller for caller in same_country if caller[:_AREA_CHARS] == area]
        return same_area or same_country or callers
    return same_country or callers
