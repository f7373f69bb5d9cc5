"""RFC 7396 merge patches, with one addition: null puts the default back where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def merge(target: Mapping[str, Any], patch: Mapping[str, Any], defaults: Mapping[str, Any]) -> Json:
    """A new object: objects merge, all else replaces, null means the default (or absence)."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
            if key in defaults:
                result[key] = defaults[key]
        elif isinstance(value, Mapping):
            result[key] = merge(_object(result, key), value, _object(defaults, key))
        else:
            result[key] = value
    return result


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}
