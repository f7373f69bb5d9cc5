"""A sent form as the nested settings that the API would get; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from admin_api.web.fields import Field

#: What was sent, in order; a name may come several times.
Sent = Sequence[tuple[str, str]]
Json = dict[str, Any]
#: The cell with the key in a row of a table by key.
KEY = "key"


def settings_of(sent: Sent, fields: Iterable[Field], current: Mapping[str, Any]) -> Json:
    """A merge patch. An empty field puts the default back; `current` tells what was removed."""
    patch: Json = {}
    for field in fields:
        *parents, name = field.path.split(".")[1:]
        target = patch
        for parent in parents:
            target = target.setdefault(parent, {})
        target[name] = _value(field, field.path, sent, at(current, [*parents, name]))
    return patch


def _value(field: Field, name: str, sent: Sent, current: Any) -> Any:
    match field.kind:
        case "bool":
            return _first(sent, name) is not None
        case "lines":
            return [line.strip() for line in (_first(sent, name) or "").split("\n") if line.strip()]
        case "checks":
            return [value for key, value in sent if key == name]
        case "rows":
            return [_cells(field, f"{name}.{number}", sent) for number in _numbers(name, sent)]
        case "map":
            return _map(field, name, sent, current)
        case "lists":
            return _lists(field, name, sent, current)
        case "json":
            return _replaced(_parsed(_first(sent, name) or ""), current)
        case "long":
            return (_first(sent, name) or "").replace("\r\n", "\n").strip() or None
    return (_first(sent, name) or "").strip() or None


def _map(field: Field, name: str, sent: Sent, current: Any) -> Json:
    """Keys that are gone are null, which takes them away in a merge."""
    found: Json = dict.fromkeys(current or {})
    if field.keys:
        given = {key: _cells(field, f"{name}.{key}", sent) for key in field.keys}
        return found | {key: cells for key, cells in given.items() if _is_filled(field, cells)}
    for number in _numbers(name, sent):
        key = (_first(sent, f"{name}.{number}.{KEY}") or "").strip()
        if key:
            found[key] = _cells(field, f"{name}.{number}", sent)
    return found


def _lists(field: Field, name: str, sent: Sent, current: Any) -> Json:
    """Lines with the same key belong together; a line with nothing but a key stands for no line."""
    found: Json = dict.fromkeys(current or {})
    for number in _numbers(name, sent):
        key = (_first(sent, f"{name}.{number}.{KEY}") or "").strip()
        if not key:
            continue
        one = found[key] = found.get(key) or {field.inner: []}
        cells = _cells(field, f"{name}.{number}", sent)
        if any(cells.values()):
            one[field.inner].append(cells)
    return found


def _is_filled(field: Field, cells: Json) -> bool:
    """Choices and ticks have a value always; a line counts when something was typed into it."""
    return any(c.path in cells for c in field.columns if c.kind in ("number", "text"))


def _cells(field: Field, name: str, sent: Sent) -> Json:
    cells = {c.path: _value(c, f"{name}.{c.path}", sent, None) for c in field.columns}
    # An empty cell is the default, which is what an absent one is.
    return {path: value for path, value in cells.items() if value is not None}


def _numbers(name: str, sent: Sent) -> list[int]:
    """Of the rows that the form has, in their order; rows that were taken away leave gaps."""
    pattern = re.compile(re.escape(name) + r"\.(\d{1,4})\.")
    found = (pattern.match(key) for key, _ in sent)
    return sorted({int(match[1]) for match in found if match})


def _parsed(text: str) -> Any:
    """What cannot be read stays a text, which the models refuse."""
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _replaced(wanted: Any, current: Any) -> Any:
    """In a merge objects grow together; keys that are gone have to be null."""
    if isinstance(wanted, Mapping) and isinstance(current, Mapping):
        return dict.fromkeys(current) | dict(wanted)
    return wanted


def _first(sent: Sent, name: str) -> str | None:
    return next((value for key, value in sent if key == name), None)


def at(values: Any, path: Sequence[str]) -> Any:
    for part in path:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def differences(
    mine: Mapping[str, Any], theirs: Mapping[str, Any], path: str = ""
) -> list[tuple[str, Any, Any]]:
    """(path, mine, theirs) of every setting that differs."""
    found: list[tuple[str, Any, Any]] = []
    for name in sorted(mine.keys() | theirs.keys()):
        here = f"{path}.{name}" if path else name
        one, other = mine.get(name), theirs.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differences(one, other, here)
        elif one != other:
            found.append((here, one, other))
    return found


def changed(new: Mapping[str, Any], old: Mapping[str, Any]) -> Json:
    """The part of `new` that is not as in `old`."""
    found: Json = {}
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := changed(value, before):
                found[name] = inner
        elif value != before:
            found[name] = value
    return found
