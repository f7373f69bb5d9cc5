"""Descriptions of known CRMs for the REST connector; `base_url` is given over them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from crm.rest_spec import read_yaml
from engine.core.errors import FieldError, Invalid

_FOLDER = files(__package__)
#: Their names, sorted.
PRESETS: Final = tuple(
    sorted(
        entry.name.removesuffix(".yaml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".yaml")
    )
)


def preset(name: str) -> Mapping[str, Any]:
    """Raises Invalid."""
    if name not in PRESETS:
        errors = [FieldError("preset", f"is not one of: {', '.join(PRESETS)}")]
        raise Invalid("The connector is not valid.", errors)
    return read_yaml(_FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
