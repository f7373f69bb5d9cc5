"""Campaigns as tables and headings show them: with reasons in words, and what may be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin_api.context import Context
from admin_api.schemas.campaigns import CampaignOut
from admin_api.views import campaigns_out
from admin_api.web import words
from engine.core.campaign import (
    Campaign,
    CampaignStatus,
    Command,
    decide_transition,
    missing_for_play,
)
from engine.core.errors import Conflict, FieldError


@dataclass(frozen=True, slots=True)
class Row:
    """`allowed`: what would not be refused now. `missing`: what Play still needs."""

    campaign: Campaign
    out: CampaignOut
    reason: str
    allowed: frozenset[Command]
    missing: Sequence[FieldError]


async def rows_of(ctx: Context, campaigns: Sequence[Campaign]) -> list[Row]:
    outs = await campaigns_out(ctx, campaigns)
    return [_row(*pair) for pair in zip(campaigns, outs, strict=True)]


async def row_of(ctx: Context, campaign: Campaign) -> Row:
    (row,) = await rows_of(ctx, [campaign])
    return row


def _row(campaign: Campaign, out: CampaignOut) -> Row:
    return Row(
        campaign=campaign,
        out=out,
        reason=words.status_reason(campaign, out.idle_reasons),
        allowed=frozenset(command for command in Command if _is_allowed(campaign, command)),
        missing=missing_for_play(campaign) if campaign.status is CampaignStatus.DRAFT else (),
    )


def _is_allowed(campaign: Campaign, command: Command) -> bool:
    try:
        decide_transition(campaign, command)
    except Conflict:
        return False
    return True
