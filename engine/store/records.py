"""Call detail records as compact JSON, encoded once and passed through by the scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, Final

from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome
from engine.store import codec

_NAMES: Final = tuple(field.name for field in fields(AttemptRecord) if field.name != "rev")
_DEFAULTS: Final = {
    field.name: field.default for field in fields(AttemptRecord) if field.default is not MISSING
}
_INSTANTS: Final = frozenset(name for name in _NAMES if name.endswith("_at"))


def to_json(record: AttemptRecord) -> str:
    """Without `rev`, which the script that appends the record gives; without defaults."""
    values: dict[str, object] = {}
    for name in _NAMES:
        value = getattr(record, name)
        if name not in _DEFAULTS or value != _DEFAULTS[name]:
            values[name] = codec.to_ms(value) if isinstance(value, datetime) else value
    return codec.to_json(values)


def of_json(text: str, rev: int) -> AttemptRecord:
    return of_payload(codec.from_json(text), rev)


def with_rev(json: str, rev: int) -> str:
    """The JSON with its revision, as changes carry it."""
    return f'{json[:-1]},"rev":{rev}}}'


def of_payload(values: Mapping[str, Any], rev: int | None = None) -> AttemptRecord:
    """Also of the payload of a change of kind `attempt`."""
    given = {name: _value(name, value) for name, value in values.items()}
    if rev is not None:
        given["rev"] = rev
    return AttemptRecord(**given)


def _value(name: str, value: Any) -> Any:
    if name in _INSTANTS and value is not None:
        return codec.from_ms(value)
    if name == "outcome":
        return Outcome(value)
    return tuple(value) if name == "zones" else value
