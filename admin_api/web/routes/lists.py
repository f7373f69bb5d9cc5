"""The do-not-call list, and the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from admin_api import csv_out
from admin_api.auth import actor
from admin_api.context import Context, Ctx, Cursor
from admin_api.routes import dnc as api
from admin_api.schemas.dnc import DncAdded, DncIn
from admin_api.sessions import token_of
from admin_api.web.guard import PageRoute, SupervisorSession
from admin_api.web.render import render
from engine.core.errors import FieldError, Invalid
from engine.core.phone import as_e164
from engine.store import Session

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PAGE = 100
MAX_TEXT = 100_000


@router.get("/dnc")
async def dnc_page(
    request: Request,
    ctx: Ctx,
    session: SupervisorSession,
    cursor: Cursor = None,
    phone: str = "",
) -> Response:
    return await _dnc(request, ctx, session, cursor=cursor, phone=phone)


async def _dnc(
    request: Request,
    ctx: Context,
    session: Session,
    *,
    cursor: str | None = None,
    phone: str = "",
    added: DncAdded | None = None,
) -> Response:
    page = await ctx.store.dnc.list(limit=PAGE, cursor=cursor)
    return render(
        request, "dnc.html", session=session, entries=page.items, cursor=cursor,
        next_cursor=page.next_cursor, added=added, phone=phone,
        is_listed=await _is_listed(ctx, phone),
    )  # fmt: skip


async def _is_listed(ctx: Context, phone: str) -> bool | None:
    """None where nothing, or no number, was asked for."""
    try:
        return await ctx.store.dnc.contains(as_e164(phone, "US")) if phone else None
    except ValueError:
        return None


@router.post("/dnc")
async def add(
    request: Request,
    ctx: Ctx,
    session: SupervisorSession,
    phones: Annotated[str, Form(max_length=MAX_TEXT)] = "",
    country: Annotated[str, Form(max_length=10)] = "US",
) -> Response:
    lines = [line.strip()[:64] for line in phones.splitlines() if line.strip()]
    if not lines or len(lines) > api.MAX_PHONES or not (country.isalpha() and len(country) == 2):
        message = f"Give 1 to {api.MAX_PHONES} numbers, one a line, and a country of two letters."
        raise Invalid(message, [FieldError("phones", message)])
    wanted = DncIn(phones=lines, default_country=country.upper(), source="page")
    added = await api.add_all(ctx, wanted, actor(token_of(session)))
    return await _dnc(request, ctx, session, added=added)


@router.post("/dnc/remove")
async def remove(
    ctx: Ctx, session: SupervisorSession, phone: Annotated[str, Form(max_length=64)]
) -> Response:
    await api.remove_dnc_number(ctx, token_of(session), phone)
    return RedirectResponse("/dnc", 303)


@router.get("/dnc.csv")
async def dnc_csv(ctx: Ctx, _session: SupervisorSession) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="dnc.csv"'}
    return StreamingResponse(api.csv_text(ctx), 200, headers, csv_out.MEDIA_TYPE)


@router.get("/audit")
async def audit_page(
    request: Request, ctx: Ctx, session: SupervisorSession, cursor: Cursor = None
) -> Response:
    page = await ctx.store.audit.list(limit=PAGE, cursor=cursor)
    return render(
        request, "audit.html", session=session, entries=page.items, cursor=cursor,
        next_cursor=page.next_cursor,
    )  # fmt: skip
