"""Texts with `{name|filter}` in them, and the JSON or parameters made of such texts.

A text that is one placeholder gives the value itself, so that numbers stay numbers; where that is
None the field is left out. Unknown names and filters are errors when the template is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

_HOLE = re.compile(r"\{([a-z_][a-z0-9_.]*)(?:\|([a-z_]+)(?::([A-Za-z0-9_]+))?)?\}")
#: `{since|iso_or_zero}`: 1970 where there is no `since`, for APIs that want a value.
_OR_ZERO: Final = "_or_zero"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Values = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Any]]


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _minutes_seconds(seconds: float) -> str:
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


def _quoted(text: str) -> str:
    """For a query's list of texts; ids that could end the text are not put into one."""
    return "'" + re.sub(r"[^A-Za-z0-9_-]", "", text) + "'"


FILTERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "iso": lambda at: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "iso_offset": lambda at: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    "uuid": lambda text: str(uuid5(NAMESPACE_URL, f"dialer:{text}")),
    "sql": lambda at: at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    "epoch": lambda at: int(at.timestamp()),
    "epoch_ms": _ms,
    "epoch_ms_text": lambda at: str(_ms(at)),
    "date": lambda at: at.astimezone(UTC).strftime("%Y-%m-%d"),
    "time": lambda at: at.astimezone(UTC).strftime("%H:%M"),
    "ms": lambda seconds: int(seconds * 1000),
    "ms_text": lambda seconds: str(int(seconds * 1000)),
    "int": int,
    "minutes": lambda seconds: max(1, round(seconds / 60)) if seconds else 0,
    "mmss": _minutes_seconds,
    "text": str,
    "lower": lambda text: str(text).lower(),
    "csv": lambda ids: ",".join(ids),
    "quoted": lambda ids: ",".join(_quoted(one) for one in ids),
    "inputs": lambda ids: [{"id": one} for one in ids],
}


def problems(template: object, names: frozenset[str], tables: Tables) -> Iterator[str]:
    """What is wrong with a template, in words."""
    for text in _texts(template):
        for name, filter_, table in _HOLE.findall(text):
            if name not in names:
                yield f"{{{name}}} is not known here; known are: {', '.join(sorted(names))}"
            if filter_ == "map" and table not in tables:
                yield f"there is no table {table!r} under `tables`"
            elif filter_ and filter_ != "map" and filter_.removesuffix(_OR_ZERO) not in FILTERS:
                yield f"there is no filter {filter_!r}; there are: map, {', '.join(FILTERS)}"


def fill(template: object, values: Values, tables: Tables) -> Any:
    """The template with its holes filled; fields that come to nothing are left out."""
    if isinstance(template, str):
        return _fill_text(template, values, tables)
    if isinstance(template, Mapping):
        pairs = ((key, fill(each, values, tables)) for key, each in template.items())
        return {key: value for key, value in pairs if value is not None}
    if isinstance(template, list):
        items = (fill(each, values, tables) for each in template)
        return [item for item in items if item is not None and item != {}]
    return template


def _fill_text(text: str, values: Values, tables: Tables) -> Any:
    whole = _HOLE.fullmatch(text)
    if whole:
        return _value(whole, values, tables)

    def part(match: re.Match[str]) -> str:
        value = _value(match, values, tables)
        return "" if value is None else str(value)

    return _HOLE.sub(part, text)


def _value(match: re.Match[str], values: Values, tables: Tables) -> Any:
    name, filter_, table = match.groups()
    value = values.get(name)
    if filter_ == "map":
        return tables[table].get(str(value), tables[table].get("*"))
    if filter_ is None:
        return value
    if filter_.endswith(_OR_ZERO):
        value, filter_ = value or _EPOCH, filter_.removesuffix(_OR_ZERO)
    return None if value is None else FILTERS[filter_](value)


def _texts(template: object) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, Mapping):
        for each in template.values():
            yield from _texts(each)
    elif isinstance(template, list):
        for each in template:
            yield from _texts(each)
