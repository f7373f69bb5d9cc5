"""CRM connections: what became of polls and write-back, tests, and polls now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.auth import actor
from admin_api.context import Context, Ctx
from admin_api.routes import connectors as api
from admin_api.routes import jobs
from admin_api.sessions import token_of
from admin_api.web.forms import Sent
from admin_api.web.guard import AdminSession, PageRoute, SupervisorSession, sent_fields
from admin_api.web.render import render
from crm.contact_in import field_errors
from crm.presets import preset_names
from engine.core.errors import DialerError, FieldError, Invalid
from engine.store import Session

#: The newest that are shown; the page Audit has all.
N_CHANGES = 20
router = APIRouter(prefix="/connectors", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def connectors_page(request: Request, ctx: Ctx, session: SupervisorSession) -> Response:
    return await _page(request, ctx, session)


async def _page(
    request: Request,
    ctx: Context,
    session: Session,
    *,
    error: DialerError | None = None,
    typed: Sent = (),
    tested: tuple[str, api.TestOut] | None = None,
    edited: api.ConnectorOut | None = None,
) -> Response:
    listing = await api.list_connectors(ctx, token_of(session))
    about = f"connector:{edited.id if edited else ''}"
    return render(
        request, "connectors.html", session=session, status=422 if error else 200,
        connectors=listing.items, error=error, typed=dict(typed), tested=tested, edited=edited,
        presets=preset_names(), entries=await ctx.store.audit.about(about, N_CHANGES),
        cursor=None, next_cursor=None, failed_jobs=await _failed_jobs(ctx, session),
    )  # fmt: skip


async def _failed_jobs(ctx: Context, session: Session) -> Sequence[jobs.FailedJobOut]:
    """For administrators, who alone may try them again."""
    if session.user.role != "admin":
        return ()
    return (await jobs.list_failed_jobs(ctx, token_of(session))).items


@router.post("/jobs/retry")
async def retry_jobs(ctx: Ctx, session: AdminSession) -> Response:
    await jobs.retry_failed_jobs(ctx, token_of(session))
    return RedirectResponse("/connectors", 303)


@router.post("")
async def create(request: Request, ctx: Ctx, session: AdminSession) -> Response:
    sent = await sent_fields(request)
    try:
        body = _checked(api.ConnectorIn, _body(sent, ("name", "kind", "preset")))
        await api.make_connector(ctx, body, actor(token_of(session)))
    except Invalid as error:
        return await _page(request, ctx, session, error=error, typed=sent)
    return RedirectResponse("/connectors", 303)


@router.get("/{connector_id}")
async def edit_page(
    request: Request, connector_id: api.ConnectorId, ctx: Ctx, session: AdminSession
) -> Response:
    edited = await api.get_connector(connector_id, ctx, token_of(session))
    return await _page(request, ctx, session, edited=edited)


@router.post("/{connector_id}")
async def save(
    request: Request, connector_id: api.ConnectorId, ctx: Ctx, session: AdminSession
) -> Response:
    sent = await sent_fields(request)
    try:
        body = _checked(api.ConnectorPatch, _body(sent, ("name", "version")))
        await api.edit_connector(connector_id, body, ctx, token_of(session))
    except DialerError as error:
        edited = await api.get_connector(connector_id, ctx, token_of(session))
        return await _page(request, ctx, session, error=error, typed=sent, edited=edited)
    return RedirectResponse("/connectors", 303)


@router.post("/{connector_id}/test")
async def test(
    request: Request, connector_id: api.ConnectorId, ctx: Ctx, session: SupervisorSession
) -> Response:
    tested = await api.test_connector(connector_id, ctx, token_of(session))
    return await _page(request, ctx, session, tested=(connector_id, tested))


@router.post("/{connector_id}/poll")
async def poll(connector_id: api.ConnectorId, ctx: Ctx, session: SupervisorSession) -> Response:
    await api.poll_connector(connector_id, ctx, token_of(session))
    return RedirectResponse("/connectors", 303)


@router.post("/{connector_id}/delete")
async def delete(connector_id: api.ConnectorId, ctx: Ctx, session: AdminSession) -> Response:
    await api.delete_connector(connector_id, ctx, token_of(session))
    return RedirectResponse("/connectors", 303)


def _body(sent: Sent, names: Sequence[str]) -> dict[str, Any]:
    """Empty fields are left out. Raises Invalid for a secret without a name."""
    values = dict(sent)
    body: dict[str, Any] = {name: values[name].strip() for name in names if values.get(name)}
    if values.get("yaml", "").strip():
        body["yaml"] = values["yaml"]
    body["secrets"] = _secrets(values.get("secrets", ""))
    return body


def _secrets(text: str) -> dict[str, str]:
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals:
            raise Invalid("Not saved.", [FieldError("secrets", "Write each as name = value.")])
        found[name.strip()] = value.strip()
    return found


def _checked(model: type[BaseModel], body: dict[str, Any]) -> Any:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Invalid("Not saved.", field_errors(error.errors())) from None
