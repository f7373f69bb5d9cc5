"""Tokens and their roles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from admin_api.schemas.basics import Id, In, one_line


class TokenIn(In):
    role: Literal["admin", "supervisor", "agent"]
    name: Annotated[str, Field(max_length=200), AfterValidator(one_line)] = ""
    agent_id: Id | None = Field(None, description="needed for, and only for, the role agent")


class TokenOut(BaseModel):
    id: str
    role: Literal["admin", "supervisor", "agent"]
    name: str
    agent_id: int | None
    created_at: datetime


class TokenCreated(TokenOut):
    token: str | None = Field(description="shown once; null when the answer is a repeated one")
