"""What the columns of a calling list mean, where somebody says so instead of having it guessed.

A choice names one word a column: a field of a contact, `phones` (another phone of the contact),
`variables.<name>`, or `-` for a column that is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crm.imports import FIELDS, IGNORED, PHONES, BadFile, Layout, layout_of
from engine.core.errors import FieldError, Invalid

MAX_COLUMNS = 100
ANOTHER_PHONE = "phones"
_VARIABLE_WORD = re.compile(r"variables\.[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Words, one a column; whether the first row only names the columns."""

    words: tuple[str, ...]
    has_header: bool = True


def choice_of(text: str, *, has_header: bool) -> Choice | None:
    """`phone,name,-`; None for an empty text. Raises Invalid for what is no word of ours."""
    if not text:
        return None
    words = tuple(word.strip() for word in text.split(","))
    unknown = [word[:80] for word in words if not _is_word(word)]
    if unknown or len(words) > MAX_COLUMNS:
        allowed = ", ".join((*FIELDS, ANOTHER_PHONE, "variables.<name>", IGNORED))
        what = f"{unknown[0]!r} is" if unknown else f"more than {MAX_COLUMNS} columns are"
        raise _invalid(f"{what} not known here; each column is one of {allowed}")
    return Choice(words, has_header)


def problem_of(choice: Choice) -> str:
    """Why no contact can be read with this choice; empty where one can."""
    if not {"phone", ANOTHER_PHONE} & set(choice.words):
        return "Choose the column that has the phone numbers."
    often = Counter(word for word in choice.words if word not in (IGNORED, ANOTHER_PHONE))
    twice = [word for word, n in often.items() if n > 1]
    return f"Two columns are {twice[0]}; choose one." if twice else ""


def checked(choice: Choice | None) -> Choice | None:
    """Raises Invalid where no contact can be read with this choice."""
    problem = problem_of(choice) if choice else ""
    if problem:
        raise _invalid(problem)
    return choice


def layout_for(
    first: Sequence[str],
    delimiter: str,
    choice: Choice | None,
    default_country: str | None = None,
) -> Layout:
    """As chosen; without a choice as the first row shows. Raises BadFile."""
    if choice is None:
        return layout_of(first, delimiter, default_country)
    if len(first) > len(choice.words):
        raise BadFile(
            f"The first row has {len(first)} cells, but {len(choice.words)} columns were chosen."
        )
    return Layout(delimiter, tuple(_columns(choice)), choice.has_header)


def words_of(layout: Layout) -> tuple[str, ...]:
    """The choice that a layout stands for."""
    return tuple(
        ANOTHER_PHONE if column.startswith(PHONES) else column for column in layout.columns
    )


def _columns(choice: Choice) -> list[str]:
    """Each further phone has a name of its own."""
    return [
        f"{PHONES}{index}" if word == ANOTHER_PHONE else word
        for index, word in enumerate(choice.words, start=1)
    ]


def _is_word(word: str) -> bool:
    return word in (*FIELDS, ANOTHER_PHONE, IGNORED) or bool(_VARIABLE_WORD.fullmatch(word))


def _invalid(message: str) -> Invalid:
    return Invalid(message, [FieldError("columns", message)])
