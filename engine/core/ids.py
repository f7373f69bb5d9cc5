"""Attempt ids: minted before anything is sent, and the name of the call everywhere after.

An id is the campaign's number, the letter `a`, and 20 characters of base 32 (instant and random),
so it sorts by time within a campaign, tells its campaign, and is safe as a channel id, an AstDB
key and a dialplan extension.
"""

from __future__ import annotations

from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def attempt_id(campaign_id: int, now: datetime, entropy: int) -> str:
    """`entropy` is 50 random bits; two ids of one millisecond differ by it."""
    instant = int(now.timestamp() * 1000)
    return f"{campaign_id}a{_base32(instant)}{_base32(entropy % (1 << 50))}"


def campaign_of(attempt_id: str) -> int | None:
    """The campaign that an attempt id names; None when the text is not one of our ids."""
    head, _, tail = attempt_id.partition("a")
    ours = head.isdecimal() and len(tail) == 20 and all(c in _ALPHABET for c in tail)
    return int(head) if ours else None


def _base32(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(45, -1, -5))
