from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.csv_records import (
    MAX_RECORD_CHARS,
    LineTooLong,
    RecordCutter,
    cells,
    guess_delimiter,
)


def cut(text: str, size: int, delimiter: str = ",") -> list[tuple[int, list[str], bool]]:
    """All records, the text fed in pieces of `size` by a new cutter for each piece."""
    out, rest, line = [], "", 1
    for start in range(0, len(text) + size, size):
        cutter = RecordCutter(delimiter, rest, line)
        for record in cutter.feed(text[start : start + size], is_last=start + size > len(text)):
            row = [] if record.broken else cells(record, delimiter)
            out.append((record.line, row, record.broken))
        rest, line = cutter.rest, cutter.line
    return out


def test_lines_are_numbered_and_blank_ones_left_out():
    assert cut("a,b\r\n\r\n1, 2\n3,4", 4) == [
        (1, ["a", "b"], False),
        (3, ["1", "2"], False),
        (4, ["3", "4"], False),
    ]


def test_a_quoted_cell_may_span_lines_and_hold_separators():
    text = 'x,"one\r\n two, three"\ny,"say ""hi"""\n'
    assert cut(text, 3) == [
        (1, ["x", "one two, three"], False),
        (3, ["y", 'say "hi"'], False),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_of_three_ways(size, end):
    text = end.join(["a,b", "", '1,"2', '3"', "4,5", ""])
    assert cut(text, size) == [
        (1, ["a", "b"], False), (3, ["1", "2 3"], False), (5, ["4", "5"], False),
    ]  # fmt: skip


def test_a_stray_line_end_costs_no_row_after_it():
    assert cut("a,b\n1,2\r3,4\n5,6\n", 4)[2:] == [(3, ["3", "4"], False), (4, ["5", "6"], False)]


def test_a_quote_inside_a_cell_is_an_ordinary_character():
    assert cut('5" pipe,a\nb,c\n', 2) == [(1, ['5" pipe', "a"], False), (2, ["b", "c"], False)]


def test_a_quote_that_is_never_closed_costs_one_line_only():
    text = 'a,"oops\n' + "b,c\n" * 300
    rows = cut(text, 50)
    assert rows[0] == (1, [], True)
    assert rows[1:] == [(n, ["b", "c"], False) for n in range(2, 302)]


def test_an_open_quote_at_the_end_is_a_broken_row():
    assert cut('a,b\nc,"d', 3) == [(1, ["a", "b"], False), (2, [], True)]


def test_a_file_without_line_ends_is_not_kept_in_memory():
    with pytest.raises(LineTooLong):
        list(RecordCutter(",").feed("x" * (MAX_RECORD_CHARS + 1)))


@given(
    st.lists(
        st.lists(st.text('ab",;\n é', max_size=6), min_size=1, max_size=4).filter(
            lambda row: any(cell.strip() for cell in row)
        ),
        max_size=8,
    ),
    st.integers(1, 9),
    st.sampled_from(",;\t"),
)
def test_what_the_csv_module_writes_is_read_back_however_it_is_cut(rows, size, delimiter):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    read = [row for _, row, broken in cut(out.getvalue(), size, delimiter) if not broken]

    def plain(cell: str) -> list[str]:
        return cell.split()

    assert [[plain(c) for c in row] for row in read] == [[plain(c) for c in row] for row in rows]


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("a,b;c,d", ","),
        ("a;b;c", ";"),
        ("a\tb", "\t"),
        ("phone", ","),
        ('"a,b,c";d', ";"),
        ('a;"b, ""c"",d";e', ";"),
        ('"a,b,c', ","),
        ('5" pipe;a, b;c', ";"),
    ],
)
def test_the_separator_is_the_one_used_most(line, delimiter):
    assert guess_delimiter(line) == delimiter


def test_padding_behind_the_end_is_no_row():
    assert cut("a,b\n1,2\x1a\x00\x00", 3)[1:] == [(2, ["1", "2"], False)]
    assert cut("a,b\n" + "\x00" * 200_000, 5000) == [(1, ["a", "b"], False)]
