"""Who did what, newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from admin_api.auth import Supervisor
from admin_api.context import MAX_ID, Ctx, Cursor, Limit
from admin_api.problems import responses
from admin_api.schemas.audit import AuditOut
from admin_api.schemas.basics import Listing
from admin_api.views import audit_out

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", responses=responses())
async def list_audit(
    ctx: Ctx,
    _token: Supervisor,
    campaign_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Listing[AuditOut]:
    page = await ctx.store.audit.list(limit=limit, cursor=cursor, campaign_id=campaign_id)
    return Listing(items=[audit_out(entry) for entry in page.items], next_cursor=page.next_cursor)
