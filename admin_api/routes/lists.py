"""A campaign's calling lists and their weights."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from admin_api.auth import Supervisor, actor
from admin_api.context import MAX_ID, CampaignId, Ctx
from admin_api.problems import responses
from admin_api.schemas.basics import Listing
from admin_api.schemas.lists import ListOut, ListPatch

router = APIRouter(prefix="/campaigns/{campaign_id}/lists", tags=["contacts"])
ListId = Annotated[int, Path(ge=0, le=MAX_ID)]


@router.get("", responses=responses(404))
async def list_lists(campaign_id: CampaignId, ctx: Ctx, _token: Supervisor) -> Listing[ListOut]:
    """Each import and connector is a list; 0 is for contacts that came one by one."""
    await ctx.store.campaigns.get(campaign_id)
    found = await ctx.store.lists.all(campaign_id)
    return Listing(items=[ListOut(**asdict(each)) for each in found], next_cursor=None)


@router.patch("/{list_id}", responses=responses(404, 413))
async def edit_list(
    campaign_id: CampaignId, list_id: ListId, body: ListPatch, ctx: Ctx, token: Supervisor
) -> ListOut:
    """A list of weight 2 gets two contacts called for each of a list of weight 1, at equal
    priority. Acts on the next call."""
    await ctx.store.campaigns.get(campaign_id)
    found = await ctx.store.lists.edit(
        campaign_id, list_id, name=body.name, weight=body.weight, actor=actor(token), now=ctx.now()
    )
    return ListOut(**asdict(found))
