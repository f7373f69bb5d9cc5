"""Which of the campaign's numbers a call shows: only those that it declares as its own.

Local presence: a number of the same area code, else of the same country, else any of the pool. A
number that has shown as many calls as it may makes way for the next that fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.core.phone import facts_of
from engine.core.settings import DialingSettings

#: Digits that name an area in the North American plan, with the plus and the country code.
_AREA_CHARS = 5
#: Calls count for so many hours, and the hour that has begun: never less than a day.
USE_HOURS = 25


def pool_for(phone: str, callers: Sequence[str], local_presence: str) -> Sequence[str]:
    """The callers that fit the number best; never empty unless `callers` is."""
    return pools_for(phone, callers, local_presence)[0]


def pools_for(phone: str, callers: Sequence[str], local_presence: str) -> Sequence[Sequence[str]]:
    """All pools that fit, the best one first, the last one with all callers."""
    if local_presence == "off":
        return [callers]
    country = facts_of(phone).country
    same_country = [caller for caller in callers if facts_of(caller).country == country]
    if local_presence == "area":
        area = phone[:_AREA_CHARS]
        same_area = [caller for caller in same_country if caller[:_AREA_CHARS] == area]
        return [*filter(None, (same_area, same_country)), callers]
    return [*filter(None, (same_country,)), callers]


def pools_of(
    contact_id: int, phone: str, dialing: DialingSettings, shown: str | None = None
) -> Sequence[Sequence[str]]:
    """What a call to this contact may show; where redials are to show the same, the one that was
    `shown` before, as long as the campaign has it."""
    pools = pools_for(phone, dialing.caller_ids, dialing.local_presence)
    if not dialing.same_caller_id_on_redials or not dialing.caller_ids:
        return pools
    if shown in dialing.caller_ids:
        return [[shown]]
    return [[pools[0][contact_id % len(pools[0])]]]


def choose(pools: Sequence[Sequence[str]], turn: int, left: Mapping[str, int] | None) -> str | None:
    """In turns, the first caller of the best pool that may show one more call; None: none may.

    `left`: how many more calls each may show; None: as many as come.
    """
    for pool in pools:
        n = len(pool)
        for i in range(n):
            caller = pool[(turn + i) % n]
            if left is None or left.get(caller, 0) > 0:
                return caller
    return None


def calls_left(used: Mapping[int, int], limit: int, hour: int) -> int:
    """Of a caller that showed `used` calls by hour since 1970."""
    return max(0, limit - sum(n for at, n in used.items() if at > hour - USE_HOURS))


def free_at_hour(used: Mapping[int, int], limit: int, hour: int) -> int:
    """The hour since 1970 from which on the caller may show a call."""
    while not calls_left(used, limit, hour):
        hour = min(at for at in used if at > hour - USE_HOURS) + USE_HOURS
    return hour
