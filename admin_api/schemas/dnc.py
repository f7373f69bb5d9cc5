"""The do-not-call list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from admin_api.schemas.basics import In, one_line
from admin_api.schemas.contacts import Rejected


class DncIn(In):
    """Numbers that must not be called, by any campaign."""

    phones: list[Annotated[str, Field(max_length=64)]] = Field(default=[], max_length=1000)
    prefixes: list[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")]] = Field(
        default=[], max_length=1000, description="beginnings of numbers, such as +1900"
    )
    default_country: str = Field("US", pattern=r"^[A-Z]{2}$")
    source: Annotated[str, Field(max_length=100), AfterValidator(one_line)] = "api"


class DncAdded(BaseModel):
    added: int
    present: int = Field(description="were on the list already")
    n_rejected: int
    rejected: list[Rejected] = Field(description="of a file the first 1,000")


class DncOut(BaseModel):
    phone: str
    source: str
    added_at: datetime
