"""Instants, JSON and long texts as they are in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from json.encoder import encode_basestring
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
#: Made once: to make it takes longer than most values take to be encoded.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

#: A longer value would put the whole hash into the large encoding (3.5 times the memory).
MAX_VALUE_BYTES = 64


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (at - _EPOCH) // _MS


def to_ms_up(at: datetime) -> int:
    """Rounded up: what must not happen before `at` does not happen a part of a ms early."""
    return -((_EPOCH - at) // _MS)


def from_ms(ms: int | str) -> datetime:
    return _EPOCH + _MS * int(ms)


def maybe_from_ms(ms: int | str | None) -> datetime | None:
    return from_ms(ms) if ms not in (None, "") else None


def to_json(value: object) -> str:
    return _ENCODER.encode(value)


def texts_to_json(texts: Mapping[str, str]) -> str:
    """As `to_json`, in a third of its time: an import does this for each contact."""
    quoted = encode_basestring
    return f"{{{','.join([f'{quoted(name)}:{quoted(text)}' for name, text in texts.items()])}}}"


def from_json(text: str) -> Any:
    return json.loads(text)


def pairs(flat: Iterable[str]) -> dict[str, str]:
    """A dict from a flat list of fields and values."""
    items = iter(flat)
    return dict(zip(items, items, strict=True))


def split(field: str, text: str) -> dict[str, str]:
    """A text in fields `f`, `f1`, `f2`, … of at most 64 bytes, cut between characters."""
    parts: dict[str, str] = {}
    if text.isascii() and text:  # as nearly all are
        parts[field] = text[:MAX_VALUE_BYTES]
        for at in range(MAX_VALUE_BYTES, len(text), MAX_VALUE_BYTES):
            parts[f"{field}{at // MAX_VALUE_BYTES}"] = text[at : at + MAX_VALUE_BYTES]
        return parts
    left = text.encode()
    for i in count():
        end = min(MAX_VALUE_BYTES, len(left))
        while end < len(left) and left[end] & 0xC0 == 0x80:
            end -= 1
        parts[f"{field}{i or ''}"] = left[:end].decode()
        left = left[end:]
        if not left:
            return parts
    raise AssertionError


def join(field: str, values: Mapping[str, str]) -> str | None:
    """The text that `split` took apart; None when it is not there."""
    if field not in values:
        return None
    parts = [values[field]]
    for i in count(1):
        part = values.get(f"{field}{i}")
        if part is None:
            return "".join(parts)
        parts.append(part)
    raise AssertionError
