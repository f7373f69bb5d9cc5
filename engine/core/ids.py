"""Attempt ids: minted before anything is sent, and the name of the call everywhere after.

An id is the campaign's number, the letter `a`, and 20 characters of base 32 (instant and random),
so it sorts by time within a campaign, tells its campaign, and is safe as a channel id, an AstDB
key and a dialplan extension.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_OURS = re.compile(rf"(0|[1-9][0-9]{{0,18}})a[{_ALPHABET}]{{20}}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def attempt_id(campaign_id: int, now: datetime, entropy: int) -> str:
    """`entropy` is 50 random bits; two ids of one millisecond differ by it."""
    instant = (now - _EPOCH) // _MS  # exact, where a float would let neighbours collide
    return f"{campaign_id}a{_base32(instant)}{_base32(entropy % (1 << 50))}"


def campaign_of(attempt_id: str) -> int | None:
    """The campaign that an attempt id names; None when the text is not one of our ids."""
    ours = _OURS.fullmatch(attempt_id)
    return int(ours[1]) if ours else None


def minted_at(attempt_id: str) -> datetime:
    """The instant that an id of ours was made at, to the millisecond."""
    return _EPOCH + _MS * minted_ms(attempt_id)


def minted_ms(attempt_id: str) -> int:
    """The same in ms since 1970, of any text that looks like an id of ours."""
    ms = 0
    for letter in attempt_id.partition("a")[2][:10]:
        ms = ms * 32 + _ALPHABET.index(letter)
    return ms


def _base32(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(45, -1, -5))
