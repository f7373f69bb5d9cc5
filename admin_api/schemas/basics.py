"""What bodies and answers of all kinds are made of."""

from __future__ import annotations

import re
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from admin_api.context import MAX_ID

T = TypeVar("T")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(one_line),
]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Ids = Annotated[list[Id], Field(max_length=1000)]


class In(BaseModel):
    """A body: fields that do not exist are errors."""

    model_config = ConfigDict(extra="forbid")


class Listing(BaseModel, Generic[T]):
    """One page; ask again with `cursor` = `next_cursor` until it is null."""

    items: list[T]
    next_cursor: str | None = None
