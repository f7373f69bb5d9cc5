"""What a campaign has abandoned, against its limit, as the API shows it: all from the ledger."""

from __future__ import annotations

from datetime import datetime

from admin_api.context import Context
from admin_api.schemas.figures import Abandons, PeriodOut, SharedOut
from engine.core.campaign import Campaign
from engine.core.ledger import Counts, ofcom_rate
from engine.core.ledger_periods import Block, Ledger, together

#: A rate is shown with so many digits after the point.
DIGITS = 6


async def abandons_out(ctx: Context, campaign: Campaign) -> Abandons:
    now, pacing = ctx.now(), campaign.settings.pacing
    ledger = await ctx.store.ledgers.read(campaign.id, now)
    last_24_h = ledger.last_24_h(now)
    blocks = [_block(each) for each in ledger.all_blocks(now)]
    return Abandons(
        limit=pacing.max_abandon_rate,
        first_call_at=ledger.first_at,
        so_far=_period(ledger.so_far),
        last_24_h=_period(last_24_h),
        last_30_days=_period(ledger.last_30_days(now)),
        block=blocks[-1] if blocks else None,
        blocks=blocks,
        ofcom_rate_24_h=round(ofcom_rate(last_24_h, pacing.amd_error_rate), DIGITS),
        shared=await _shared(ctx, campaign, now),
    )


async def _shared(ctx: Context, campaign: Campaign, now: datetime) -> SharedOut | None:
    group = campaign.settings.pacing.drop_rate_group
    if group is None:
        return None
    members = await ctx.store.ledgers.members(group)
    ledger: Ledger = together(await ctx.each(ctx.store.ledgers.read(each, now) for each in members))
    block = ledger.block(now)
    return SharedOut(
        group=group,
        campaign_ids=list(members),
        so_far=_period(ledger.so_far),
        last_30_days=_period(ledger.last_30_days(now)),
        block=_block(block) if block else None,
    )


def _block(block: Block) -> PeriodOut:
    return _period(block.counts, block.starts_at, block.ends_at)


def _period(
    counts: Counts, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> PeriodOut:
    return PeriodOut(
        starts_at=starts_at,
        ends_at=ends_at,
        n_people=counts.n_people,
        n_abandoned=counts.n_abandoned,
        n_connected=counts.n_connected,
        n_machines=counts.n_machines,
        n_machines_met=counts.n_machines_met,
        rate=round(counts.abandon_rate, DIGITS),
    )
