"""Campaigns; their settings are the core's own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, GetJsonSchemaHandler

from admin_api.context import MAX_ID
from admin_api.schemas.basics import Ids, In, Name
from engine.core.campaign import CampaignStatus
from engine.core.settings import CampaignSettings


class PartialSettings:
    """Shows CampaignSettings in OpenAPI for a body that is merged before it is checked."""

    def __get_pydantic_json_schema__(
        self, _schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(CampaignSettings.__pydantic_core_schema__)


Settings = Annotated[dict[str, Any], PartialSettings()]


class CampaignIn(In):
    """`settings` may be partial: it is merged over the defaults."""

    name: Name
    settings: Settings = Field(default={})
    agent_ids: Ids = Field(default=[])


class CampaignPatch(In):
    """RFC 7396; null puts the default back. `version`: refuse if somebody else saved since."""

    name: Name | None = None
    settings: Settings | None = None
    agent_ids: Ids | None = None
    version: int | None = Field(None, ge=1, le=MAX_ID)


class CampaignClone(In):
    """What is to be other than in the source."""

    name: Name | None = None
    settings: Settings | None = None
    agent_ids: Ids | None = None


class CampaignOut(BaseModel):
    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="moved by edits only")
    status: CampaignStatus
    status_reason: str = Field(description="manual, no_agents, calling_hours, no_contacts or empty")
    live: bool
    contacts: int | None = Field(description="null for a Live campaign: shown as ∞")
    n_contacts: int
    agents: int
    agent_ids: list[int]
    progress: float = Field(ge=0, le=100)
    idle_reasons: list[str] = Field(description="why an active campaign dials nothing now")
    settings: CampaignSettings
