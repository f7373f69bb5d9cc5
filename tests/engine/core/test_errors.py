from __future__ import annotations

from engine.core.errors import DialerError, FieldError, Invalid, LinkDown, StoreUnavailable


def tree(root: type[DialerError]) -> list[type[DialerError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in tree(child))]


OURS = [error for error in tree(DialerError) if error.__module__ == "engine.core.errors"]


def test_every_error_has_a_code_of_its_own_and_a_message() -> None:
    codes = [error.code for error in OURS]
    assert len(set(codes)) == len(codes)
    assert all(str(error()).endswith((".", "again: clone it.", "happened.")) for error in OURS)


def test_a_given_message_and_its_fields_are_kept() -> None:
    error = Invalid("No.", [FieldError("settings.dialing.trunk", "Choose one.")])
    assert (str(error), error.message) == ("No.", "No.")
    assert error.errors == (FieldError("settings.dialing.trunk", "Choose one."),)


def test_only_what_was_surely_not_done_may_be_tried_again() -> None:
    assert {error for error in OURS if error.retriable} == {LinkDown, StoreUnavailable}
