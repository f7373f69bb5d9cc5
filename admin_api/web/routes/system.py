"""What holds for all campaigns: own numbers and open destinations; administrators change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.context import Context, Ctx
from admin_api.routes import system as api
from admin_api.sessions import token_of
from admin_api.web import forms
from admin_api.web.fields import groups_of_system
from admin_api.web.guard import AdminSession, PageRoute, SupervisorSession, sent_fields
from admin_api.web.render import render
from engine.core.errors import FieldError, Invalid
from engine.store import Session

#: The newest that are shown; the page Audit has all.
N_CHANGES = 20
#: Of one field; who pastes a column of something else need not read ten thousand.
N_ERRORS = 10
router = APIRouter(prefix="/system", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def system_page(
    request: Request, ctx: Ctx, session: SupervisorSession, saved: bool = False
) -> Response:
    settings = await ctx.store.system.get()
    return await _page(request, ctx, session, settings.model_dump(mode="json"), saved=saved)


@router.post("")
async def save(request: Request, ctx: Ctx, session: AdminSession) -> Response:
    current = (await ctx.store.system.get()).model_dump(mode="json")
    fields = [field for group in groups_of_system() for field in group.fields]
    patch = forms.settings_of(await sent_fields(request), fields, current)
    try:
        await api.edit_system(patch, ctx, token_of(session))
    except Invalid as error:
        return await _page(request, ctx, session, patch, errors=_by_field(error.errors, patch))
    return RedirectResponse("/system?saved=1", 303)


async def _page(
    request: Request,
    ctx: Context,
    session: Session,
    settings: Mapping[str, Any],
    *,
    errors: Mapping[str, str] | None = None,
    saved: bool = False,
) -> Response:
    groups = groups_of_system()
    return render(
        request, "system.html", session=session, status=422 if errors else 200,
        values={"settings": settings}, defaults={"settings": api.DEFAULTS}, groups=groups,
        labels={field.path: field.label for group in groups for field in group.fields},
        errors=errors or {}, saved=saved, cursor=None, next_cursor=None,
        entries=await ctx.store.audit.about("system", N_CHANGES),
    )  # fmt: skip


def _by_field(errors: Sequence[FieldError], sent: Mapping[str, Any]) -> Mapping[str, str]:
    """The words beside each field; of a field with many lines they name the line and its text."""
    found: dict[str, list[str]] = {}
    for error in errors:
        path, _, last = error.field.rpartition(".")
        if last.isdecimal():
            line = forms.at(sent, path.split("."))[int(last)]
            text = f"Line {int(last) + 1} ({line[:64]}): {error.message}"
            found.setdefault(f"settings.{path}", []).append(text)
        else:
            found.setdefault(f"settings.{error.field}", []).append(error.message)
    return {path: "; ".join(texts[:N_ERRORS]) for path, texts in found.items()}
