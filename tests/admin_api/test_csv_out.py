from __future__ import annotations

from datetime import UTC, datetime

import pytest

from admin_api.csv_out import csv_lines, safe_cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("+12025550100", "+12025550100"),
        (-2.5, "-2.5"),
        (None, ""),
        (True, "true"),
        (("a", "b"), "a b"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    ],
)
def test_cells_that_would_compute_are_made_text(value, text):
    assert safe_cell(value) == text


def test_rows_are_quoted_where_needed():
    assert csv_lines([["a", 'b"c', "d,e"]]) == 'a,"b""c","d,e"\r\n'
