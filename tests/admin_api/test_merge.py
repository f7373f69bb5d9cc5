from __future__ import annotations

import pytest

from admin_api.merge import merge

DEFAULTS = {"a": 1, "g": {"x": 1, "y": 2}, "list": [1]}


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": 5}, {}, {"a": 5}),
        ({"a": 5}, {"a": 6}, {"a": 6}),
        ({"a": 5}, {"a": None}, {"a": 1}),
        ({"g": {"x": 5, "y": 6}}, {"g": {"x": 7}}, {"g": {"x": 7, "y": 6}}),
        ({"g": {"x": 5, "y": 6}}, {"g": {"x": None}}, {"g": {"x": 1, "y": 6}}),
        ({"g": {"x": 5}}, {"g": None}, {"g": {"x": 1, "y": 2}}),
        ({"list": [1, 2]}, {"list": [3]}, {"list": [3]}),
        ({"list": [1, 2]}, {"list": None}, {"list": [1]}),
        ({"z": 1}, {"z": None}, {}),
        ({"z": 1}, {"z": {"k": None, "v": 2}}, {"z": {"v": 2}}),
    ],
)
def test_merge(target, patch, expected):
    assert merge(target, patch, DEFAULTS) == expected


def test_what_is_merged_stays_as_it_was():
    target = {"g": {"x": 5}}
    merge(target, {"g": {"x": 7}}, DEFAULTS)
    assert target == {"g": {"x": 5}}
    assert DEFAULTS["g"] == {"x": 1, "y": 2}
