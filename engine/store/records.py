"""Call detail records: as JSON in changes, and packed in the stream that keeps them.

Packed is what the stream's entry does not tell itself, as a JSON array in the order below: what
most records have comes first, and what is missing at the end is left out. It takes a quarter of
the JSON with names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, Final, NamedTuple

from engine.core import ids
from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome
from engine.store import codec

_NAMES: Final = tuple(field.name for field in fields(AttemptRecord) if field.name != "rev")
_DEFAULTS: Final = {
    field.name: field.default for field in fields(AttemptRecord) if field.default is not MISSING
}
_INSTANTS: Final = frozenset(name for name in _NAMES if name.endswith("_at"))

#: The order in the array; a new field goes to the end. Null is the field's default, and that of the
#: person's key is the external id.
PACKED: Final = (
    "started_at", "number", "external_id", "phone", "caller_id", "trunk", "node", "ended_at",
    "ringing_at", "ring_s", "cause", "zones", "rules", "next_dial_at", "answered_at", "bridged_at",
    "talk_s", "answered_by", "greeting_end_at", "amd", "agent_id", "tech_cause", "disposition",
    "abandoned", "message_played", "recording", "person_key", "seller", "purpose",
    "call_kind", "consumer_or_business",
)  # fmt: skip
_PHONES: Final = ("phone", "caller_id")


class Entry(NamedTuple):
    """What the entry of a stream tells besides the packed record."""

    campaign_id: int
    attempt_id: str
    contact_id: int
    outcome: Outcome
    rev: int


def pack(record: AttemptRecord) -> str:
    """For `unpack`, together with the record's entry."""
    since = _since(record.attempt_id, codec.to_ms(record.started_at))
    values = [_packed(name, getattr(record, name), since) for name in PACKED]
    is_default = record.person_key == (record.external_id or "")
    values[PACKED.index("person_key")] = None if is_default else record.person_key
    while values[-1] is None:
        values.pop()
    return codec.to_json(values)


def unpack(text: str, entry: Entry) -> AttemptRecord:
    given = dict(zip(PACKED, codec.from_json(text), strict=False))
    made_ms = _made_ms(entry.attempt_id)
    since = _since(entry.attempt_id, made_ms + given["started_at"])
    values = {name: _unpacked(name, v, since) for name, v in given.items() if v is not None}
    values.setdefault("person_key", values.get("external_id") or "")
    return AttemptRecord(**entry._asdict(), **values)


def to_json(record: AttemptRecord) -> str:
    """For changes; without `rev`, and without defaults."""
    values: dict[str, object] = {}
    for name in _NAMES:
        value = getattr(record, name)
        if name not in _DEFAULTS or value != _DEFAULTS[name]:
            values[name] = codec.to_ms(value) if isinstance(value, datetime) else value
    return codec.to_json(values)


def with_rev(json: str, rev: int) -> str:
    """The JSON with its revision, as changes carry it."""
    return f'{json[:-1]},"rev":{rev}}}'


def of_payload(values: Mapping[str, Any]) -> AttemptRecord:
    """Of the payload of a change of kind `attempt`."""
    return AttemptRecord(**{name: _value(name, value) for name, value in values.items()})


def _value(name: str, value: Any) -> Any:
    if name in _INSTANTS and value is not None:
        return codec.from_ms(value)
    if name == "outcome":
        return Outcome(value)
    return tuple(value) if name == "zones" else value


def _since(attempt_id: str, started_ms: int) -> Mapping[str, int]:
    """What an instant is told from: the start from when the id was made, others from the start."""
    return {name: started_ms for name in _INSTANTS} | {"started_at": _made_ms(attempt_id)}


def _made_ms(attempt_id: str) -> int:
    is_ours = ids.campaign_of(attempt_id) is not None
    return ids.minted_ms(attempt_id) if is_ours else 0


def _packed(name: str, value: Any, since: Mapping[str, int]) -> Any:
    if name in _DEFAULTS and value == _DEFAULTS[name]:
        return None
    if isinstance(value, datetime):
        return codec.to_ms(value) - since[name]
    if name in _PHONES and value[:1] == "+" and value[1:].isdecimal() and value[1] != "0":
        return int(value[1:])
    return ",".join(value) if name == "zones" else value


def _unpacked(name: str, value: Any, since: Mapping[str, int]) -> Any:
    if name in since:
        return codec.from_ms(since[name] + value)
    if name in _PHONES and isinstance(value, int):
        return f"+{value}"
    return tuple(value.split(",")) if name == "zones" else value
