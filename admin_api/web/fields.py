"""The fields of the edit page, read from the models that check them: a setting that is added to
the models has its place here at once, and its limits are written in one place only."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from admin_api.web.field_texts import GROUPS, TEXTS
from engine.core.settings import CampaignSettings, SystemSettings

#: `lines`: one text a line. `checks`: some of the choices. `rows`: a list of objects, `map`:
#: objects by a key, both as a table. `lists`: by a key an object with one list of objects, a line
#: for each of all of them. `json`: what no table can show.
Kind = Literal[
    "number", "text", "long", "choice", "bool", "lines", "checks", "rows", "map", "lists", "json"
]
Schema = Mapping[str, Any]
#: Top-level settings that belong to no group.
LOOSE = "conversations"
LOOSE_OF_SYSTEM = "own_numbers"
_LONG_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """`path` is dotted, as in the API's errors; that of a column is its name only."""

    path: str
    kind: Kind
    label: str
    unit: str = ""
    help: str = ""
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    is_whole: bool = False
    choices: Sequence[str] = ()
    columns: Sequence[Field] = ()
    #: Of `lists`: the name of the list in each object.
    inner: str = ""
    #: Of a `map` whose keys are known; empty: any key.
    keys: Sequence[str] = ()

    @property
    def empty_line(self) -> Mapping[str, Any]:
        """Cells of a line that says nothing."""
        return {column.path: [] if column.kind == "checks" else None for column in self.columns}

    @property
    def is_wide(self) -> bool:
        return self.kind in ("rows", "map", "lists", "json", "long")


@dataclass(frozen=True, slots=True)
class Group:
    """`path` is empty for the loose ones."""

    path: str
    title: str
    help: str
    fields: Sequence[Field]


@functools.cache
def groups() -> Sequence[Group]:
    """In the order of the models; loose settings last."""
    return _groups(CampaignSettings, LOOSE)


@functools.cache
def groups_of_system() -> Sequence[Group]:
    """Of what holds for all campaigns, in the same order."""
    return _groups(SystemSettings, LOOSE_OF_SYSTEM)


def _groups(model: type[BaseModel], loose_name: str) -> Sequence[Group]:
    document = model.model_json_schema()
    defaults = model().model_dump(mode="json")
    found, loose = [], []
    for name, raw in document["properties"].items():
        schema = _resolved(raw, document)
        if "properties" in schema:
            fields = _fields(f"settings.{name}", schema, document, defaults[name])
            found.append(_group(name, f"settings.{name}", fields))
        else:
            loose.append(_field(f"settings.{name}", name, schema, document, defaults[name]))
    return [*found, _group(loose_name, "", loose)]


def all_fields() -> Sequence[Field]:
    return [field for group in groups() for field in group.fields]


def _group(name: str, path: str, fields: Sequence[Field]) -> Group:
    title, help = GROUPS.get(name, (_humanised(name), ""))
    return Group(path, title, help, fields)


def _fields(
    path: str, schema: Schema, document: Schema, defaults: Mapping[str, Any]
) -> Sequence[Field]:
    return [
        _field(f"{path}.{name}", name, _resolved(raw, document), document, defaults.get(name))
        for name, raw in schema["properties"].items()
    ]


def _field(path: str, name: str, schema: Schema, document: Schema, default: Any) -> Field:
    label, unit, help = _texts(path, name, schema)
    kind, details = _kind(path, schema, document)
    return Field(path, kind, label, unit, help, default, **details)


def _texts(path: str, name: str, schema: Schema) -> tuple[str, str, str]:
    """Ours; else the name of the setting and the model's own words. Units are in the names."""
    key = path.removeprefix("settings.")
    unit = "seconds" if name.endswith("_s") else ""
    label, own_unit, help = TEXTS.get(key, (_humanised(name), unit, schema.get("description", "")))
    return label, own_unit or unit, help


def _humanised(name: str) -> str:
    return name.removesuffix("_s").replace("_", " ").capitalize()


def _kind(path: str, schema: Schema, document: Schema) -> tuple[Kind, dict[str, Any]]:
    match schema:
        case {"enum": choices}:
            return "choice", {"choices": choices}
        case {"type": "boolean"}:
            return "bool", {}
        case {"type": "integer" | "number"}:
            return "number", _bounds(schema)
        case {"type": "string"}:
            return ("long" if schema.get("maxLength", 0) > _LONG_TEXT else "text"), {}
        case {"type": "array"}:
            return _kind_of_list(path, _resolved(schema["items"], document), document)
        case {"type": "object"}:
            return _kind_of_map(path, schema, document)
    return "json", {}


def _bounds(schema: Schema) -> dict[str, Any]:
    return {
        "minimum": schema.get("minimum"),
        "maximum": schema.get("maximum"),
        "is_whole": schema["type"] == "integer",
    }


def _kind_of_list(path: str, item: Schema, document: Schema) -> tuple[Kind, dict[str, Any]]:
    if "enum" in item:
        return "checks", {"choices": item["enum"]}
    if item.get("type") == "string":
        return "lines", {}
    columns = _columns(path, item, document)
    return ("rows", {"columns": columns}) if columns else ("json", {})


def _kind_of_map(path: str, schema: Schema, document: Schema) -> tuple[Kind, dict[str, Any]]:
    by_pattern: Schema = schema.get("patternProperties", {})
    values: Schema = schema.get("additionalProperties") or next(iter(by_pattern.values()), {})
    keys = _resolved(schema.get("propertyNames", {}), document).get("enum", ())
    if not values:
        return "json", {}
    value = _resolved(values, document)
    columns = _columns(path, value, document)
    if columns:
        return "map", {"columns": columns, "keys": keys}
    return _kind_of_lists(path, value, document)


def _kind_of_lists(path: str, value: Schema, document: Schema) -> tuple[Kind, dict[str, Any]]:
    """Of objects that have one list each and nothing else."""
    of_fields: Schema = value.get("properties", {})
    for name, raw in of_fields.items() if len(of_fields) == 1 else ():
        kind, details = _kind(f"{path}.{name}", _resolved(raw, document), document)
        if kind == "rows":
            return "lists", {**details, "inner": name}
    return "json", {}


def _columns(path: str, item: Schema, document: Schema) -> Sequence[Field]:
    """Empty where an object does not fit into one line of a table."""
    columns = [
        _column(path, name, _resolved(raw, document), document)
        for name, raw in item.get("properties", {}).items()
    ]
    fits = all(c.kind in ("number", "text", "choice", "bool", "checks") for c in columns)
    return columns if fits else ()


def _column(path: str, name: str, schema: Schema, document: Schema) -> Field:
    label, unit, help = _texts(f"{path}.{name}", name, schema)
    kind, details = _kind(f"{path}.{name}", schema, document)
    return Field(name, kind, label, unit, help, schema.get("default"), **details)


def _resolved(schema: Schema, document: Schema) -> Schema:
    """Behind a reference, and behind "or null", which a form says by leaving the field empty."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {**document["$defs"][name], **{k: v for k, v in schema.items() if k != "$ref"}}
    if "anyOf" in schema:
        real = [one for one in schema["anyOf"] if one.get("type") != "null"]
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        return {**_resolved(real[0], document), **rest}
    return schema
