"""Outgoing webhooks: who is told of calls and campaigns, the log of deliveries, and replays.

Only administrators change them: a receiver sees every number that is called.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from admin_api.auth import Admin, Supervisor, actor
from admin_api.context import MAX_ID, Context, Ctx, Limit
from admin_api.idempotency import Key, once
from admin_api.problems import responses
from admin_api.schemas.basics import Id, In, Listing, Name
from crm.connections import Connections
from crm.crm_jobs import HOOK_SECRET
from crm.hook_events import EVENTS, PING, body_of
from crm.settings import CrmSettings
from crm.signature import new_secret
from engine.core.errors import Conflict, FieldError, Invalid, NotFound, VersionConflict
from engine.store import Delivery, DeliveryStatus, Message, Webhook

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
Event = Literal[
    "attempt.settled", "attempt.revised", "campaign.created", "campaign.edited", "campaign.status"
]
assert get_args(Event) == EVENTS
MAX_WEBHOOKS = 100
MAX_REPLAYED = 1000
WebhookId = Annotated[str, Path(pattern=r"^[1-9][0-9]{0,15}$")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]
Secret = Annotated[
    SecretStr,
    Field(min_length=16, max_length=200, description="whsec_ and base64, or any long text"),
]


class WebhookIn(In):
    """Told of what happens from now on. Without a secret one is made, and shown this once."""

    name: Name
    url: Url
    events: list[Event] = Field(default_factory=list, description="empty: all")
    campaign_ids: list[Id] = Field(default_factory=list, max_length=1000, description="empty: all")
    secret: Secret | None = None


class WebhookPatch(In):
    name: Name | None = None
    url: Url | None = None
    events: list[Event] | None = None
    campaign_ids: Annotated[list[Id], Field(max_length=1000)] | None = None
    enabled: bool | None = Field(None, description="what happens while it is false is told later")
    secret: Secret | None = None
    version: int | None = Field(None, ge=1, le=MAX_ID)


class WebhookOut(BaseModel):
    id: str
    name: str
    url: str
    events: list[Event]
    campaign_ids: list[int]
    enabled: bool
    note: str = Field(description="why it was disabled by itself")
    created_at: datetime
    updated_at: datetime
    version: int
    n_waiting: int
    n_delivered: int
    n_failed: int
    rests_until: datetime | None = Field(description="it did not answer, and is tried again then")


class WebhookCreated(WebhookOut):
    secret: str | None = Field(description="shown this once, and not when a request is repeated")


class DeliveryOut(BaseModel):
    id: int
    message_id: str = Field(description="webhook-id: the same in every try and replay of an event")
    event: str
    status: DeliveryStatus
    tries: int
    answer: int | None = Field(description="HTTP status; null: no answer")
    error: str
    created_at: datetime
    last_at: datetime | None
    next_at: datetime | None
    body: str


class Replay(In):
    """Without `since`: what failed. With it: everything since then, also what was delivered."""

    since: datetime | None = None


class Replayed(BaseModel):
    deliveries: int | None = Field(description="null: as many as there were events")


@router.get("", responses=responses())
async def list_webhooks(ctx: Ctx, _token: Supervisor) -> Listing[WebhookOut]:
    """Oldest first."""
    rows = await ctx.store.webhooks.list()
    return Listing(items=await ctx.each(_out(ctx, row) for row in rows))


@router.post("", status_code=201, response_model=WebhookCreated, responses=responses(409, 413))
async def create_webhook(
    body: WebhookIn, request: Request, ctx: Ctx, token: Admin, key: Key = None
) -> Response:
    """Nothing is sent yet: try it with /test."""

    def without_secret(answer: WebhookCreated) -> WebhookCreated:
        return answer.model_copy(update={"secret": None})

    return await once(
        ctx, key, token, request, lambda: make_webhook(ctx, body, actor(token)), keep=without_secret
    )


async def make_webhook(ctx: Context, body: WebhookIn, by: str) -> WebhookCreated:
    if len(await ctx.store.webhooks.list()) >= MAX_WEBHOOKS:
        raise Conflict(f"There are {MAX_WEBHOOKS} webhooks, which is all that there may be.")
    secret = body.secret.get_secret_value() if body.secret else new_secret()
    row = await ctx.store.webhooks.create(
        name=body.name, url=body.url, events=body.events, campaign_ids=body.campaign_ids,
        sealed=_sealed(ctx, secret), actor=by, now=ctx.now(),
    )  # fmt: skip
    return WebhookCreated(**(await _out(ctx, row)).model_dump(), secret=secret)


@router.get("/{webhook_id}", responses=responses(404))
async def get_webhook(webhook_id: WebhookId, ctx: Ctx, _token: Supervisor) -> WebhookOut:
    return await _out(ctx, await ctx.store.webhooks.get(webhook_id))


@router.patch("/{webhook_id}", responses=responses(404, 409, 413))
async def edit_webhook(
    webhook_id: WebhookId, body: WebhookPatch, ctx: Ctx, token: Admin
) -> WebhookOut:
    row = await ctx.store.webhooks.get(webhook_id)
    if body.version not in (None, row.version):
        raise VersionConflict
    saved = await ctx.store.webhooks.save(_edited(ctx, row, body), actor(token), ctx.now())
    return await _out(ctx, saved)


@router.delete("/{webhook_id}", status_code=204, responses=responses(404, 409))
async def delete_webhook(webhook_id: WebhookId, ctx: Ctx, token: Admin) -> None:
    """With its log; what waits is not sent."""
    row = await ctx.store.webhooks.get(webhook_id)
    await ctx.store.webhooks.delete(row, actor(token), ctx.now())


@router.post("/{webhook_id}/test", status_code=202, responses=responses(404, 409))
async def test_webhook(webhook_id: WebhookId, ctx: Ctx, _token: Supervisor) -> DeliveryOut:
    """Queues a message of type `ping`; what becomes of it is in the log."""
    row, now = await ctx.store.webhooks.get(webhook_id), ctx.now()
    if not row.enabled:
        raise Conflict("The webhook is disabled.")
    message_id = f"msg_ping_{int(now.timestamp() * 1000)}"
    message = Message(message_id, PING, body_of(PING, now, {"webhook_id": row.id}))
    delivery = await ctx.store.webhooks.add(row.id, message, now)
    return _delivery_out(delivery)


@router.get("/{webhook_id}/deliveries", responses=responses(404))
async def list_deliveries(
    webhook_id: WebhookId,
    ctx: Ctx,
    _token: Admin,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,15}$")] = None,
) -> Listing[DeliveryOut]:
    """Newest first: all that wait, and the last 1,000 that ended."""
    await ctx.store.webhooks.get(webhook_id)
    found = await ctx.store.webhooks.deliveries(
        webhook_id, limit, before=int(cursor) if cursor else None
    )
    next_cursor = str(found[-1].id) if len(found) == limit else None
    return Listing(items=[_delivery_out(one) for one in found], next_cursor=next_cursor)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", responses=responses(404))
async def replay_delivery(
    webhook_id: WebhookId,
    delivery_id: Annotated[int, Path(ge=1, le=MAX_ID)],
    ctx: Ctx,
    _token: Admin,
) -> Replayed:
    """Send one again, whatever became of it."""
    await ctx.store.webhooks.get(webhook_id)
    if not await ctx.store.webhooks.again(webhook_id, [delivery_id], ctx.now()):
        raise NotFound("There is no such delivery in the log.")
    return Replayed(deliveries=1)


@router.post("/{webhook_id}/replay", responses=responses(404))
async def replay_webhook(webhook_id: WebhookId, body: Replay, ctx: Ctx, _token: Admin) -> Replayed:
    """Receivers know an event that they have by its `webhook-id`."""
    row = await ctx.store.webhooks.get(webhook_id)
    if body.since is None:
        found = await ctx.store.webhooks.deliveries(webhook_id, 2 * MAX_REPLAYED)
        failed = [one.id for one in found if one.status is DeliveryStatus.FAILED]
        n = await ctx.store.webhooks.again(webhook_id, failed, ctx.now())
        return Replayed(deliveries=n)
    if body.since.tzinfo is None or body.since > ctx.now() or body.since.year < 1970:
        error = FieldError("since", "is an instant in the past, with its zone")
        raise Invalid("The request is not valid.", [error])
    await ctx.store.webhooks.start_again(row.id, body.since)
    return Replayed(deliveries=None)


def _edited(ctx: Context, row: Webhook, body: WebhookPatch) -> Webhook:
    given = body.model_dump(exclude_unset=True, exclude={"secret", "version"})
    empty = [name for name in ("name", "url", "enabled") if name in given and given[name] is None]
    if empty:
        raise Invalid("The request is not valid.", [FieldError(empty[0], "cannot be empty")])
    more: dict[str, Any] = {n: tuple(v or ()) if n in _LISTS else v for n, v in given.items()}
    if body.secret is not None:
        more["sealed"] = _sealed(ctx, body.secret.get_secret_value())
    if body.enabled:
        more["note"] = ""
    return replace(row, **more)


_LISTS = frozenset({"events", "campaign_ids"})


def _sealed(ctx: Context, secret: str) -> str:
    return Connections(ctx.store, CrmSettings()).vault.seal({HOOK_SECRET: secret})


async def _out(ctx: Context, row: Webhook) -> WebhookOut:
    tally = await ctx.store.webhooks.tally(row.id)
    return WebhookOut(
        id=row.id, name=row.name, url=row.url, events=list(row.events),
        campaign_ids=list(row.campaign_ids), enabled=row.enabled, note=row.note,
        created_at=row.created_at, updated_at=row.updated_at, version=row.version,
        n_waiting=tally.n_waiting, n_delivered=tally.n_delivered, n_failed=tally.n_failed,
        rests_until=tally.rests_until,
    )  # fmt: skip


def _delivery_out(one: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=one.id, message_id=one.message_id, event=one.event, status=one.status, tries=one.tries,
        answer=one.answer, error=one.error, created_at=one.created_at, last_at=one.last_at,
        next_at=one.next_at, body=one.body,
    )  # fmt: skip
