"""Kinds of calls that people answer more or less often: by calling list, attempt and hour."""

from __future__ import annotations

from typing import NamedTuple

#: Third attempts and later ones are of one kind.
LAST_ATTEMPT = 3


class CallClass(NamedTuple):
    """Calls of one class are answered alike, as far as is known."""

    list_id: int
    #: 1, 2, or LAST_ATTEMPT.
    attempt: int
    #: Of the day, by the campaign's clock, when the call left.
    hour: int


def class_of(list_id: int, number: int, hour: int) -> CallClass:
    """`number`: 1 for the first dial of a contact."""
    return CallClass(list_id, min(LAST_ATTEMPT, max(1, number)), hour)


#: None: nothing is known of a call but that it is one.
Known = CallClass | None
