"""A campaign's live figures, and its abandon ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from engine.core.campaign import CampaignStatus


class PeriodOut(BaseModel):
    """Answered calls of a period. The rate is `n_abandoned` / `n_people`."""

    starts_at: datetime | None = Field(description="of a block of 30 days; else null")
    ends_at: datetime | None
    n_people: int = Field(description="answered by a person, as far as anybody knows")
    n_abandoned: int = Field(description="no agent within 2 seconds of the completed greeting")
    n_connected: int
    n_machines: int = Field(description="ended by machine detection")
    n_machines_met: int = Field(description="an agent's disposition says that it was a machine")
    rate: float


class SharedOut(BaseModel):
    """Periods of a drop-rate group, which the limit is about."""

    group: str
    campaign_ids: list[int]
    so_far: PeriodOut
    last_30_days: PeriodOut
    block: PeriodOut | None


class Abandons(BaseModel):
    """The abandon ledger by period. The last 24 hours are the running minute and the 1,439 before
    it, the last 30 days the running hour and the 719 before it, blocks begin with the hour of the
    first call (16 CFR 310.4(b)(4))."""

    limit: float
    first_call_at: datetime | None
    so_far: PeriodOut
    last_24_h: PeriodOut
    last_30_days: PeriodOut
    block: PeriodOut | None = Field(description="the running one; null before the first call")
    blocks: list[PeriodOut]
    ofcom_rate_24_h: float = Field(description="Ofcom's adjusted rate over the last 24 hours")
    shared: SharedOut | None = Field(description="null outside of a drop-rate group")


class Stats(BaseModel):
    """Live figures. `agents` and `calls` by state, `outcomes` by name."""

    status: CampaignStatus
    status_reason: str
    n_contacts: int
    n_complete: int
    progress: float
    agents: dict[str, int]
    calls: dict[str, int]
    attempts: int
    outcomes: dict[str, int]
    abandon_rate: float = Field(description="abandoned / answered by a person, campaign so far")
    abandon_rate_24h: float = Field(description="over the last 24 hours")
    abandon_rate_30d: float = Field(description="over the last 30 days")
    abandons: Abandons
    idle_reasons: list[str]
    pacing: dict[str, Any]
    next_due_at: datetime | None
