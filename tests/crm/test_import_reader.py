from __future__ import annotations

import pytest

from crm.import_reader import Reader
from crm.imports import BadFile

FILE = (
    "\ufeffPhone;Name;Note\r\n"
    '+12025550100;Zoë;"two\r\nlines; and more"\r\n'
    "\r\n"
    "12;Bad;x\r\n"
    "+12025550101;Ann;\r\n"
).encode()


def read(data: bytes, size: int) -> tuple[list[tuple[str, str, str]], list[tuple[int, str]]]:
    """All contacts and refused rows, by a new reader for each `size` bytes."""
    contacts, refused, carry, line = [], [], b"", 1
    for start in range(0, len(data) + size, size):
        reader = Reader("US", carry, line)
        reading = reader.read(data[start : start + size], is_last=start + size > len(data))
        contacts += [(c.phone, c.name, c.variables.get("note", "")) for c in reading.contacts]
        refused += [(row.line, row.reason) for row in reading.rejected]
        carry, line = reader.carry, reader.line
    return contacts, refused


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_a_file_is_read_the_same_however_it_is_cut(size):
    contacts, refused = read(FILE, size)
    assert contacts == [
        ("+12025550100", "Zoë", "two lines; and more"),
        ("+12025550101", "Ann", ""),
    ]
    assert [line for line, _ in refused] == [5]
    assert "phone is not a number in use" in refused[0][1]


def test_a_file_without_header_and_line_end():
    assert read(b"+12025550100,Ann", 5)[0] == [("+12025550100", "Ann", "")]


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
def test_a_file_as_an_old_mac_writes_it(size):
    data = b"phone;name\r+12025550100;Ann\r+12025550101;Bea\r"
    assert [contact[1] for contact in read(data, size)[0]] == ["Ann", "Bea"]


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
@pytest.mark.parametrize(
    "head",
    ["sep=;\r\n", '"sep=;"\n', "\ufeffsep=;\r", ";;;\r\n \r\n", ";;\nsep=;\n;;\n", "\n,;\n"],
)
def test_what_excel_puts_before_the_first_row_is_passed_over(head, size):
    text = f"{head}Phone;Name;a,b,c,d\n+12025550100;Ann;x\n12;Bad\n;;\n\x1a"
    contacts, refused = read(text.encode(), size)
    n_lines = len(head.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").splitlines())
    assert [contact[1] for contact in contacts] == ["Ann"]
    assert [line for line, _ in refused] == [n_lines + 3]


def test_any_separator_may_be_told():
    assert read(b"sep=|\nphone|name\n+12025550100|Lee, Ann\n", 9)[0][0][1] == "Lee, Ann"


@pytest.mark.parametrize("size", [1, 5, 64, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "Name, first and last;Phone\nAnn;+12025550100\n",
        "Ann, Lee, x;+12025550100\n",
        '"Ann, Lee, ""x""";+12025550100\n',
        '"An\nn, Lee, y";+12025550100\n',
        "a,b\tPhone\nx\t+12025550100\n",
    ],
)
def test_the_separator_is_the_one_that_shows_a_phone(text, size):
    contacts, refused = read(text.encode(), size)
    assert ([contact[0] for contact in contacts], refused) == (["+12025550100"], [])


def test_an_id_in_front_is_not_taken_for_the_phone():
    data = b"10000234,+12025550100,Ann\n10000235,+12025550101,Bea\n"
    assert [contact[0] for contact in read(data, 1000)[0]] == ["+12025550100", "+12025550101"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        ("phone,name\n+12025550100,Zoë\n".encode() + b"+12025550101,M\xfcller\n", "partly UTF-8"),
        (b"first,last\nAnn,Lee\n", "No column with phone numbers"),
        (b"x" * 70_000, "too long"),
        (b'"phone,name\n+12025550100,Ann', "never closed"),
    ],
)
@pytest.mark.parametrize("size", [4096, 100_000])
def test_what_is_no_calling_list_is_refused_as_a_whole(data, message, size):
    with pytest.raises(BadFile, match=message.replace("(", r"\(")):
        read(data, size)


@pytest.mark.parametrize("size", [1, 3, 5, 64, 1000])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lists_as_found_in_the_wild(size, encoding, delimiter):
    text = "phone,name,note\r\n+12025550100,Zoë Müller,a\r\n+12025550101,Ann,b\r\n"
    data = text.replace(",", delimiter).encode(encoding)
    wanted = [("+12025550100", "Zoë Müller", "a"), ("+12025550101", "Ann", "b")]
    assert read(data, size) == (wanted, [])


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["Москва и область", "東京都一二三丄", "Ωμέγα"])
def test_letters_of_any_language_without_a_mark_of_their_encoding(name, encoding, size):
    text = f"Телефон;Имя;note\r\n+12025550100;{name};{name}\r\n"
    assert read(text.encode(encoding), size)[0] == [("+12025550100", "", name)]


def test_bytes_that_windows_has_no_letter_for_stop_nothing():
    contacts, refused = read(b"phone,name\n+12025550100,A\x81\xfc\n", 7)
    assert (contacts, refused) == ([("+12025550100", "A\ufffdü", "")], [])
