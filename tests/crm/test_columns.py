"""Columns as somebody chose them, in the preview and in the import."""

from __future__ import annotations

import io

import openpyxl
import pytest

from crm.columns import checked, choice_of
from crm.import_reader import Reader, SheetReader
from crm.imports import BadFile
from crm.preview import CSV_BYTES, preview_of
from engine.core.errors import Invalid
from engine.core.settings import CampaignSettings

SETTINGS = CampaignSettings()
GERMAN = b"Anrede;Telefon;Vorname;Mobil;Ort\r\nFrau;+12025550100;Ann;+12025550101;Bonn\r\n"


def chosen(text: str, *, has_header: bool = True):
    return checked(choice_of(text, has_header=has_header))


def read(data: bytes, words: str, size: int = 1000, *, has_header: bool = True):
    contacts, carry, line = [], b"", 1
    for start in range(0, len(data), size):
        choice = chosen(words, has_header=has_header)
        reader = Reader("US", carry, line, choice=choice)
        reading = reader.read(data[start : start + size], is_last=start + size >= len(data))
        contacts += reading.contacts
        assert not reading.rejected
        carry, line = reader.carry, reader.line
    return contacts


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_a_list_is_read_as_was_chosen(size):
    (contact,) = read(GERMAN, "-,phone,name,phones,variables.city", size)
    assert (contact.phone, contact.phones) == ("+12025550100", ("+12025550101",))
    assert (contact.name, contact.variables) == ("Ann", {"city": "Bonn"})


def test_the_first_row_may_be_a_contact_already():
    assert [c.name for c in read(b"Phone,+12025550100\n", "name,phone", has_header=False)] == [
        "Phone"
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("phone,shoe", "'shoe' is not known"),
        ("phone,variables.a b", "not known"),
        ("name,-", "phone numbers"),
        ("phone,name,name", "Two columns are name"),
        ("phone," + "-," * 100 + "-", "more than 100"),
    ],
)
def test_a_choice_that_reads_nothing_is_refused(words, message):
    with pytest.raises(Invalid, match=message) as refused:
        chosen(words)
    assert refused.value.errors[0].field == "columns"


def test_a_row_that_is_wider_than_the_choice_is_another_file():
    with pytest.raises(BadFile, match="5 cells, but 2 columns"):
        read(GERMAN, "-,phone")


def test_a_preview_guesses_by_the_header():
    found = preview_of(b"Phone,Name,Shoe size\n+12025550100,Ann,38\n12,Bad,\n", SETTINGS, None)
    assert found.columns == ("phone", "name", "variables.shoe_size")
    assert (found.has_header, list(found.header)) == (True, ["Phone", "Name", "Shoe size"])
    assert [(row.line, row.cells[1], bool(row.problem)) for row in found.rows] == [
        (2, "Ann", False),
        (3, "Bad", True),
    ]


def test_a_preview_guesses_by_what_stands_below_an_unknown_header():
    found = preview_of(
        GERMAN.replace(b"Telefon", b"Anschluss").replace(b"Mobil", b"Zweiter"), SETTINGS, None
    )
    assert found.columns[:2] == ("variables.anrede", "phone")
    assert not found.problem and not found.rows[0].problem


def test_a_preview_with_two_phones_asks_which_one_it_is():
    found = preview_of(b"+12025550100,Ann,+12025550101\n", SETTINGS, None)
    assert not found.has_header and len(found.rows) == 1
    assert "phone numbers" in found.problem


def test_a_preview_knows_every_kind_of_line_end():
    found = preview_of(b"a;Phone\r;+12025550100\rx;12\r", SETTINGS, None)
    assert [row.line for row in found.rows] == [2, 3] and found.columns[1] == "phone"


def test_a_preview_passes_over_what_excel_puts_before_the_first_row():
    found = preview_of(b"sep=;\r\n;;\r\na,b;Phone\r\nx;+12025550100\r\n;\r\n", SETTINGS, None)
    assert [(row.line, row.problem) for row in found.rows] == [(4, "")]
    assert found.columns == ("variables.a_b", "phone")


def test_a_choice_of_columns_tells_the_separator():
    text = b"Who, where, what;Number\nLee, Ann;+12025550100\n"
    (contact,) = read(text, "name,phone")
    assert contact.name == "Lee, Ann"
    assert not preview_of(text, SETTINGS, chosen("name,phone")).rows[0].problem


@pytest.mark.parametrize(
    ("beginning", "message"),
    [(b"\x1f\x8b\x08", "gzip"), (b"\xd0\xcf\x11\xe0\xa1", "XLS"), (b"%PDF-1.7", "PDF")],
)
def test_a_file_of_another_kind_says_what_to_do(beginning, message):
    with pytest.raises(BadFile, match=message):
        preview_of(beginning + bytes(100), SETTINGS, None)


def test_a_preview_of_what_has_no_phone_asks_for_it():
    found = preview_of(b"first,last\nAnn,Lee\n", SETTINGS, None)
    assert "phone numbers" in found.problem and found.rows[0].problem == ""


def test_a_preview_shows_what_was_chosen():
    choice = choice_of("name,phone", has_header=False)
    found = preview_of(b"a,+12025550100\n", SETTINGS, choice)
    assert found.columns == ("name", "phone") and len(found.rows) == 1 and not found.header


def test_a_preview_of_the_beginning_leaves_a_cut_row_out():
    row = "+12025550100," + "x" * 20_000 + "\n"
    data = ("phone,note\n" + row * 5).encode()[:CSV_BYTES]
    assert len(preview_of(data, SETTINGS, None).rows) == 3


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a\xfc\xc3\xbc,\xff\n", b"x" * CSV_BYTES * 2])
def test_a_preview_of_anything_never_breaks(data):
    try:
        assert preview_of(data[:CSV_BYTES], SETTINGS, None).problem
    except BadFile as error:
        assert error.message


def test_a_spreadsheet_is_shown_and_read_as_was_chosen():
    book = openpyxl.Workbook()
    book.active.append(["Wer", "Nummer", "Alter"])
    book.active.append(["Ann", 12025550100, 38])
    out = io.BytesIO()
    book.save(out)
    book.close()
    found = preview_of(out.getvalue(), SETTINGS, None)
    assert found.columns[1] == "phone" and list(found.rows[0].cells) == ["Ann", "12025550100", "38"]
    reader = SheetReader(SETTINGS, chosen("name,phone,-"))
    rows = [(1, ["Wer", "Nummer", "Alter"]), (2, ["Ann", "+12025550100", "38"])]
    (contact,) = reader.read(rows, after=0).contacts
    assert (contact.name, contact.variables) == ("Ann", {})
