"""Campaigns: list, make, read, edit, delete, clone."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from admin_api.auth import Supervisor, actor
from admin_api.context import CampaignId, Context, Ctx, Cursor, Limit
from admin_api.edits import check_agents, check_connector, check_sounds, edited_settings
from admin_api.idempotency import Key, once
from admin_api.problems import responses
from admin_api.schemas.basics import Listing
from admin_api.schemas.campaigns import CampaignClone, CampaignIn, CampaignOut, CampaignPatch
from admin_api.views import campaign_out, campaigns_out
from engine.core.campaign import Campaign, CampaignStatus
from engine.core.errors import FieldError, Invalid, VersionConflict
from engine.core.settings import CampaignSettings

router = APIRouter(prefix="/campaigns", tags=["campaigns"])
Sort = Literal["created_at", "-created_at", "name", "-name", "status", "-status"]
#: Edits without a version are tried again on what somebody else saved meanwhile.
MAX_TRIES = 5


@router.get("", responses=responses())
async def list_campaigns(
    ctx: Ctx,
    _token: Supervisor,
    status: Annotated[list[CampaignStatus], Query(description="may be repeated")] = [],  # noqa: B006
    name: Annotated[str | None, Query(max_length=200, description="part of the name")] = None,
    live: bool | None = None,
    sort: Sort = "-created_at",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Listing[CampaignOut]:
    page = await ctx.store.campaigns.list(
        status=status, name=name, live=live, sort=sort, limit=limit, cursor=cursor
    )
    return Listing(items=await campaigns_out(ctx, page.items), next_cursor=page.next_cursor)


@router.post("", status_code=201, response_model=CampaignOut, responses=responses(409, 413))
async def create_campaign(
    body: CampaignIn, request: Request, ctx: Ctx, token: Supervisor, key: Key = None
) -> Response:
    """Only `name` is needed; the campaign is a draft until Play."""

    async def make() -> CampaignOut:
        settings = edited_settings(ctx, CampaignSettings(), body.settings)
        await check_sounds(ctx, settings)
        await check_connector(ctx, settings)
        await check_agents(ctx, body.agent_ids)
        campaign = await ctx.store.campaigns.create(
            body.name, settings, body.agent_ids, actor(token), ctx.now()
        )
        return await campaign_out(ctx, campaign)

    return await once(ctx, key, token, request, make)


@router.get("/{campaign_id}", responses=responses(404))
async def get_campaign(campaign_id: CampaignId, ctx: Ctx, _token: Supervisor) -> CampaignOut:
    return await campaign_out(ctx, await ctx.store.campaigns.get(campaign_id))


@router.patch("/{campaign_id}", responses=responses(404, 409, 413))
async def edit_campaign(
    campaign_id: CampaignId, body: CampaignPatch, ctx: Ctx, token: Supervisor
) -> CampaignOut:
    """RFC 7396: objects merge, arrays replace, null puts the default back."""
    given = body.model_fields_set
    if "name" in given and body.name is None:
        raise Invalid("The request is not valid.", [FieldError("name", "cannot be empty")])
    if "agent_ids" in given:
        await check_agents(ctx, body.agent_ids or [])
    for _ in range(MAX_TRIES - 1):
        try:
            return await _edit(ctx, campaign_id, body, actor(token))
        except VersionConflict:
            if body.version is not None:
                raise
    return await _edit(ctx, campaign_id, body, actor(token))


async def _edit(ctx: Context, campaign_id: int, body: CampaignPatch, by: str) -> CampaignOut:
    """One try, against the version that was read: two edits at once both take effect."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    given = body.model_fields_set & {"name", "settings", "agent_ids"}
    settings = None
    if "settings" in given:
        settings = edited_settings(ctx, campaign.settings, body.settings)
        await check_sounds(ctx, settings)
        await check_connector(ctx, settings, campaign.settings)
    edited = await ctx.store.campaigns.update(
        campaign_id,
        name=body.name,
        settings=settings,
        agent_ids=(body.agent_ids or []) if "agent_ids" in given else None,
        version=campaign.version if body.version is None else body.version,
        actor=by,
        now=ctx.now(),
    )
    return await campaign_out(ctx, edited)


@router.delete("/{campaign_id}", status_code=204, responses=responses(404, 409))
async def delete_campaign(campaign_id: CampaignId, ctx: Ctx, token: Supervisor) -> None:
    """A draft only."""
    await ctx.store.campaigns.delete(campaign_id, actor(token), ctx.now())


@router.post(
    "/{campaign_id}/clone",
    status_code=201,
    response_model=CampaignOut,
    responses=responses(404, 409, 413),
)
async def clone_campaign(
    campaign_id: CampaignId,
    request: Request,
    ctx: Ctx,
    token: Supervisor,
    body: CampaignClone | None = None,
    key: Key = None,
) -> Response:
    """A new draft with the source's settings and agents, and the overrides; no contacts."""

    async def make() -> CampaignOut:
        source = await ctx.store.campaigns.get(campaign_id)
        campaign = await _clone(ctx, source, body or CampaignClone(), actor(token))
        return await campaign_out(ctx, campaign)

    return await once(ctx, key, token, request, make)


async def _clone(ctx: Context, source: Campaign, wanted: CampaignClone, by: str) -> Campaign:
    given = wanted.model_fields_set
    patch = wanted.settings if "settings" in given else {}
    settings = edited_settings(ctx, source.settings, patch)
    await check_sounds(ctx, settings)
    await check_connector(ctx, settings, source.settings)
    agent_ids = (wanted.agent_ids or []) if "agent_ids" in given else source.agent_ids
    if "agent_ids" in given:
        await check_agents(ctx, agent_ids)
    name = wanted.name or f"{source.name[:190]} (copy)"
    return await ctx.store.campaigns.create(name, settings, agent_ids, by, ctx.now())
