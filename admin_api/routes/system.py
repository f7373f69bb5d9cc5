"""Settings that hold for all campaigns: where anybody may be called, and from which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError

from admin_api.auth import Admin, Supervisor, actor
from admin_api.context import Ctx
from admin_api.merge import merge
from admin_api.problems import responses
from crm.contact_in import field_errors
from engine.core.errors import Invalid
from engine.core.settings import SystemSettings

router = APIRouter(prefix="/system", tags=["system"])
DEFAULTS: Mapping[str, Any] = SystemSettings().model_dump(mode="json")


@router.get("", responses=responses())
async def get_system(ctx: Ctx, _token: Supervisor) -> SystemSettings:
    return await ctx.store.system.get()


@router.patch("", responses=responses(413))
async def edit_system(body: dict[str, Any], ctx: Ctx, token: Admin) -> SystemSettings:
    """RFC 7396, as for campaigns; acts on every campaign within a second."""
    current = (await ctx.store.system.get()).model_dump(mode="json")
    try:
        settings = SystemSettings.model_validate(merge(current, body, DEFAULTS))
    except ValidationError as error:
        raise Invalid("The settings are not valid.", field_errors(error.errors())) from None
    await ctx.store.system.save(settings, actor(token), ctx.now())
    return settings
