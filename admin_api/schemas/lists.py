"""Calling lists: their files, imports and turns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from admin_api.schemas.basics import In, one_line


class PreviewRowOut(BaseModel):
    line: int
    cells: list[str]
    problem: str = Field(description="why the row would be rejected; empty for a good one")


class PreviewOut(BaseModel):
    """What an upload of this list would be taken for. `columns` may be changed and sent with the
    upload.
    """

    columns: list[str] = Field(
        description="for each column a field of a contact, phones (another phone), "
        "variables.<name>, or - where it is left out",
        examples=[["phone", "name", "variables.shoe_size", "-"]],
    )
    has_header: bool
    header: list[str] = Field(description="the first row, where it names the columns")
    variables: list[str] = Field(description="the word that makes each column a variable")
    rows: list[PreviewRowOut]
    problem: str = Field(description="why no row could be read in this way; else empty")


class ImportOut(BaseModel):
    import_id: str
    campaign_id: int
    filename: str
    status: Literal["queued", "running", "done", "failed"]
    created_at: datetime
    n_bytes: int
    bytes_done: int
    progress: float = Field(description="percent of the bytes that are read")
    created: int
    rejected: int
    duplicates: int
    error: str | None


class ListOut(BaseModel):
    """A calling list of a campaign: an import, a connector, or what came one by one (0)."""

    list_id: int
    kind: str = Field(description="single, import or connector")
    name: str
    source_id: str = Field(description="the import's or the connector's id")
    created_at: datetime | None
    weight: int = Field(description="turns against other lists, at equal priority")
    n_contacts: int


class ListPatch(In):
    """What is not given stays; an empty name is the list's own again."""

    name: Annotated[str, Field(max_length=200), AfterValidator(one_line)] | None = None
    weight: int | None = Field(None, ge=1, le=1000)

    @model_validator(mode="after")
    def _something(self) -> ListPatch:
        if self.name is None and self.weight is None:
            raise ValueError("give a name, a weight, or both")
        return self
