"""A campaign's calling lists on its edit page: a new one's first rows before it is sent, how far
its import is, and the name and the turns of each.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.context import CampaignId, Ctx
from admin_api.routes import lists as api
from admin_api.routes.contacts import Columns, preview_contacts
from admin_api.routes.imports import ImportId
from admin_api.routes.lists import ListId
from admin_api.schemas.lists import ListPatch
from admin_api.sessions import token_of
from admin_api.views import import_out
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import is_htmx, render
from admin_api.web.words import COLUMN
from crm.contact_in import field_errors
from crm.imports import BadFile
from engine.core.errors import Invalid

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


@router.post("/lists/{list_id}")
async def save(
    request: Request,
    campaign_id: CampaignId,
    list_id: ListId,
    ctx: Ctx,
    session: SupervisorSession,
    name: Annotated[str, Form(max_length=1000)] = "",
    weight: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """The section with all lists; without a script the whole page again."""
    try:
        patch = ListPatch.model_validate({"name": name.strip(), "weight": weight})
    except ValidationError as error:
        errors = field_errors(error.errors())
        told = "; ".join(f"{one.field} {one.message}" for one in errors)
        raise Invalid(f"Not saved: {told}.", errors) from None
    saved = await api.edit_list(campaign_id, list_id, patch, ctx, token_of(session))
    if not is_htmx(request):
        return RedirectResponse(f"/campaigns/{campaign_id}/edit#lists", 303)
    return render(
        request, "calling_lists.html", session=session, saved=saved,
        campaign=await ctx.store.campaigns.get(campaign_id),
        lists=await ctx.store.lists.all(campaign_id),
    )  # fmt: skip
