"""Descriptions of known CRMs for the REST connector; `base_url` is given over them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from crm.rest_spec import read_yaml
from engine.core.errors import FieldError, Invalid

_FOLDER = files(__package__)


@cache
def preset_names() -> tuple[str, ...]:
    """Sorted."""
    names = (entry.name for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))
    return tuple(sorted(name.removesuffix(".yaml") for name in names))


def preset(name: str) -> Mapping[str, Any]:
    """Raises Invalid."""
    if name not in preset_names():
        errors = [FieldError("preset", f"is not one of: {', '.join(preset_names())}")]
        raise Invalid("The connector is not valid.", errors)
    return read_yaml(_FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
