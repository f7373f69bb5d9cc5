"""Outgoing webhooks: who is told of calls and campaigns, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api.auth import actor
from admin_api.context import MAX_ID, Context, Ctx
from admin_api.routes import webhooks as api
from admin_api.sessions import token_of
from admin_api.web.forms import Sent
from admin_api.web.guard import AdminSession, PageRoute, sent_fields
from admin_api.web.render import render
from crm.contact_in import field_errors
from crm.hook_events import EVENTS
from engine.core.errors import DialerError, Invalid
from engine.store import Session

router = APIRouter(prefix="/webhooks", route_class=PageRoute, include_in_schema=False)
N_SHOWN = 50


@router.get("")
async def webhooks_page(request: Request, ctx: Ctx, session: AdminSession) -> Response:
    return await _page(request, ctx, session)


async def _page(
    request: Request,
    ctx: Context,
    session: Session,
    *,
    error: DialerError | None = None,
    typed: Sent = (),
    secret: str | None = None,
) -> Response:
    listing = await api.list_webhooks(ctx, token_of(session))
    return render(
        request, "webhooks.html", session=session, status=422 if error else 200,
        webhooks=listing.items, error=error, typed=dict(typed), secret=secret, events=EVENTS,
    )  # fmt: skip


@router.post("")
async def create(request: Request, ctx: Ctx, session: AdminSession) -> Response:
    """Shows the secret on the page that answers, and never again."""
    sent = await sent_fields(request)
    try:
        made = await api.make_webhook(ctx, _body(sent), actor(token_of(session)))
    except DialerError as error:
        return await _page(request, ctx, session, error=error, typed=sent)
    return await _page(request, ctx, session, secret=made.secret)


@router.get("/{webhook_id}")
async def deliveries_page(
    request: Request, webhook_id: api.WebhookId, ctx: Ctx, session: AdminSession
) -> Response:
    token = token_of(session)
    one = await api.get_webhook(webhook_id, ctx, token)
    log = await api.list_deliveries(webhook_id, ctx, token, N_SHOWN)
    return render(request, "webhook.html", session=session, one=one, deliveries=log.items)


@router.post("/{webhook_id}/enable")
async def enable(webhook_id: api.WebhookId, ctx: Ctx, session: AdminSession) -> Response:
    await api.edit_webhook(
        webhook_id, api.WebhookPatch.model_validate({"enabled": True}), ctx, token_of(session)
    )
    return RedirectResponse("/webhooks", 303)


@router.post("/{webhook_id}/disable")
async def disable(webhook_id: api.WebhookId, ctx: Ctx, session: AdminSession) -> Response:
    await api.edit_webhook(
        webhook_id, api.WebhookPatch.model_validate({"enabled": False}), ctx, token_of(session)
    )
    return RedirectResponse("/webhooks", 303)


@router.post("/{webhook_id}/test")
async def test(webhook_id: api.WebhookId, ctx: Ctx, session: AdminSession) -> Response:
    await api.test_webhook(webhook_id, ctx, token_of(session))
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


@router.post("/{webhook_id}/replay")
async def replay_failed(webhook_id: api.WebhookId, ctx: Ctx, session: AdminSession) -> Response:
    await api.replay_webhook(webhook_id, api.Replay(), ctx, token_of(session))
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay")
async def replay(
    webhook_id: api.WebhookId,
    delivery_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    ctx: Ctx,
    session: AdminSession,
) -> Response:
    await api.replay_delivery(webhook_id, delivery_id, ctx, token_of(session))
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


@router.post("/{webhook_id}/delete")
async def delete(webhook_id: api.WebhookId, ctx: Ctx, session: AdminSession) -> Response:
    await api.delete_webhook(webhook_id, ctx, token_of(session))
    return RedirectResponse("/webhooks", 303)


def _body(sent: Sent) -> api.WebhookIn:
    """No event ticked: all. Raises Invalid."""
    values = dict(sent)
    events = [value for name, value in sent if name == "events"]
    body: dict[str, object] = {"name": values.get("name", ""), "url": values.get("url", "")}
    if values.get("secret", "").strip():
        body["secret"] = values["secret"].strip()
    try:
        return api.WebhookIn.model_validate({**body, "events": events})
    except ValidationError as error:
        raise Invalid("Not saved.", field_errors(error.errors())) from None
