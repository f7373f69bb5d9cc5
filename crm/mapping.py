"""From a CRM's record to a contact: JMESPath by field, checked when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from crm.port import Lead, Rejected


def _compiles(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"is not a JMESPath expression: {str(error).splitlines()[0]}") from None
    return text


Path = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_compiles)]


def look(path: str, value: object) -> Any:
    """What the expression finds. Raises Rejected where it does not fit the value's types."""
    try:
        return cast("Any", jmespath.search(path, value))
    except JMESPathError as error:
        raise Rejected(f"{path}: {str(error).splitlines()[0]}") from error


class LeadMapping(BaseModel):
    """Expressions over one record of the CRM. `withdrawn` and `do_not_call` ask for a truth."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    external_id: Path = "id"
    phone: Path = "phone"
    phones: Path | None = None
    name: Path | None = "name"
    timezone: Path | None = None
    #: A state as addresses have it, by its code or its name.
    region: Path | None = None
    postal_code: Path | None = None
    priority: Path | None = None
    url: Path | None = None
    variables: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")], Path] = {}
    withdrawn: Path | None = None
    do_not_call: Path | None = None


_FIELDS = ("phone", "phones", "name", "timezone", "region", "postal_code", "priority", "url")


def lead_of(record: Mapping[str, Any], mapping: LeadMapping) -> Lead:
    """Raises Rejected where the record has no id, or an expression does not fit."""
    external_id = look(mapping.external_id, record)
    if _is_empty(external_id):
        raise Rejected(f"A record has no id at {mapping.external_id}.")
    return Lead(
        external_id=str(external_id),
        contact=_contact(record, mapping),
        withdrawn=_is_so(mapping.withdrawn, record),
        do_not_call=_is_so(mapping.do_not_call, record),
    )


def _contact(record: Mapping[str, Any], mapping: LeadMapping) -> Mapping[str, Any]:
    """Empty values left out; several phones take the place of one."""
    paths = {name: getattr(mapping, name) for name in _FIELDS}
    found = {name: look(path, record) for name, path in paths.items() if path}
    values = {name: value for name, value in found.items() if not _is_empty(value)}
    if "phones" in values:
        values["phones"] = [each for each in values["phones"] if not _is_empty(each)]
        values.pop("phone", None)
    variables = {name: look(path, record) for name, path in mapping.variables.items()}
    kept = {name: value for name, value in variables.items() if not _is_empty(value)}
    return {**values, "variables": kept} if kept else values


#: Texts by which CRMs and files say no.
_NO = frozenset({"", "0", "0.0", "false", "no", "n", "off"})


def _is_so(path: str | None, record: Mapping[str, Any]) -> bool:
    found = look(path, record) if path else False
    return found.strip().lower() not in _NO if isinstance(found, str) else bool(found)


def _is_empty(value: object) -> bool:
    """Some CRMs say false where they mean nothing."""
    return value is None or value is False or value in ("", [])
