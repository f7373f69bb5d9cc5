"""A calling list on the edit page: its first rows before it is sent, and how far its import is."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from admin_api.context import CampaignId, Ctx
from admin_api.routes.contacts import Columns, preview_contacts
from admin_api.routes.imports import ImportId
from admin_api.sessions import token_of
from admin_api.views import import_out
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render
from admin_api.web.words import COLUMN
from crm.imports import BadFile

router = APIRouter(
    prefix="/campaigns/{campaign_id}", route_class=PageRoute, include_in_schema=False
)


@router.post("/preview")
async def preview(
    request: Request,
    campaign_id: CampaignId,
    ctx: Ctx,
    session: SupervisorSession,
    columns: Columns = "",
    header: bool = True,
) -> Response:
    """A table with a choice for each column, or what is wrong with the file."""
    found, error = None, ""
    try:
        found = await preview_contacts(
            campaign_id, request, ctx, token_of(session), columns, header
        )
    except BadFile as problem:
        error = problem.message
    return render(
        request, "preview.html", session=session, preview=found, error=error, choices=COLUMN
    )


@router.get("/imports/{import_id}")
async def import_state(
    request: Request,
    campaign_id: CampaignId,
    import_id: ImportId,
    ctx: Ctx,
    session: SupervisorSession,
) -> Response:
    """How far an upload is; asks again by itself until it has ended."""
    state = import_out(await ctx.store.imports.get(campaign_id, import_id))
    return render(request, "import.html", session=session, state=state)
