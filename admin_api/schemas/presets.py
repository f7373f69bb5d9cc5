"""Settings that follow a law or a house rule."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class FigureOut(BaseModel):
    what: str
    source: str
    verified: bool = Field(description="false: the source could not be read")


class PresetOut(BaseModel):
    """`settings` is a merge patch; sent as `settings.preset` it is applied below other changes."""

    name: str
    title: str
    kind: str = Field(description="law, or house rule")
    settings: dict[str, Any]
    figures: list[FigureOut]
