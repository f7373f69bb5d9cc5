"""A page of a list and the opaque cursor that continues it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.core.errors import FieldError, Invalid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next_cursor` None: there is no more."""

    items: Sequence[T]
    next_cursor: str | None


def cursor_of(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def parts_of(cursor: str, n: int) -> list[Any]:
    """What `cursor_of` was given. Raises Invalid when it is not a cursor of `n` parts."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        parts = json.loads(text)
    except (binascii.Error, ValueError):
        raise bad_cursor() from None
    if not isinstance(parts, list) or len(parts) != n:
        raise bad_cursor()
    return parts


def bad_cursor() -> Invalid:
    error = FieldError("cursor", "is not a cursor that a list like this one gave")
    return Invalid(errors=[error])
