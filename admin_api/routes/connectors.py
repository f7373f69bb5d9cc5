"""CRM connections: made, tested, polled now, and what became of polls and write-back.

Only administrators change them: whoever may change an address could send the secrets elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from admin_api.auth import Admin, Supervisor, actor
from admin_api.context import MAX_ID, Context, Ctx
from admin_api.idempotency import Key, once
from admin_api.merge import merge
from admin_api.problems import responses
from admin_api.schemas.basics import In, Listing, Name
from crm.connections import Connections, config_of
from crm.port import CrmError, Health
from crm.presets import preset
from crm.rest_spec import MAX_YAML_CHARS, read_yaml
from crm.settings import CrmSettings
from engine.core.campaign import Campaign
from engine.core.errors import Conflict, FieldError, Invalid, NotFound, VersionConflict
from engine.store import ConnectorRow, DeadLetter

router = APIRouter(prefix="/connectors", tags=["connectors"])
MAX_DEAD = 1000
ConnectorId = Annotated[str, Path(pattern=r"^[1-9][0-9]{0,15}$")]
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class ConnectorIn(In):
    """`config` by kind, or the same as `yaml`, merged over the `preset` where one is named.

    Secrets are kept encrypted and never given back.
    """

    name: Name
    kind: Literal["odoo", "rest", "sql", "csv", "webhook"]
    preset: str | None = Field(None, max_length=40, description="a known CRM, for the kind rest")
    config: dict[str, Any] = Field(default_factory=dict)
    yaml: str | None = Field(None, max_length=MAX_YAML_CHARS)
    secrets: dict[SecretName, SecretStr] = Field(default_factory=dict)


class ConnectorPatch(In):
    """RFC 7396 on `config` and `secrets`; null removes a secret."""

    name: Name | None = None
    config: dict[str, Any] | None = None
    yaml: str | None = Field(None, max_length=MAX_YAML_CHARS)
    secrets: dict[SecretName, SecretStr | None] = Field(default_factory=dict)
    version: int | None = Field(None, ge=1, le=MAX_ID)


class SourceOut(BaseModel):
    """A campaign that reads from the connection."""

    campaign_id: int
    last_at: datetime | None
    last_ok_at: datetime | None
    next_at: datetime | None
    n_failures: int = Field(description="in a row")
    error_code: str
    error: str
    is_read: bool = Field(description="was read to its end at least once")
    counts: dict[str, int] = Field(description="leads read, added, changed, withdrawn, …")
    n_waiting: int = Field(description="attempts that the CRM is still to be told of")
    n_pushed: int
    n_dead: int
    push_error: str


class ConnectorOut(BaseModel):
    id: str
    name: str
    kind: str
    config: dict[str, Any]
    secrets_set: list[str] = Field(description="names only")
    secrets_missing: list[str]
    created_at: datetime
    updated_at: datetime
    version: int
    status: Literal["unused", "ok", "failing"]
    sources: list[SourceOut]


class LeadOut(BaseModel):
    external_id: str
    contact: dict[str, Any]
    withdrawn: bool
    do_not_call: bool


class TestOut(BaseModel):
    ok: bool
    code: str = Field(description="empty, auth, rate_limited, transient, rejected or blocked")
    detail: str
    sample: list[LeadOut] = Field(description="some leads as they would become contacts")


class Polled(BaseModel):
    campaigns: int = Field(description="campaigns that are polled now")


class DeadLetterOut(BaseModel):
    campaign_id: int
    attempt_id: str
    reason: str
    at: datetime


class Redone(BaseModel):
    attempts: int


@router.get("", responses=responses())
async def list_connectors(ctx: Ctx, _token: Supervisor) -> Listing[ConnectorOut]:
    """Oldest first."""
    rows = await ctx.store.connectors.list()
    campaigns = await _campaigns(ctx)
    return Listing(items=[await _out(ctx, row, campaigns) for row in rows])


@router.post("", status_code=201, response_model=ConnectorOut, responses=responses(409, 413))
async def create_connector(
    body: ConnectorIn, request: Request, ctx: Ctx, token: Admin, key: Key = None
) -> Response:
    """Test it afterwards: nothing is asked of the CRM here."""

    return await once(ctx, key, token, request, lambda: make_connector(ctx, body, actor(token)))


async def make_connector(ctx: Context, body: ConnectorIn, by: str) -> ConnectorOut:
    checked = config_of(body.kind, _given_config(body))
    secrets = {name: secret.get_secret_value() for name, secret in body.secrets.items()}
    row = await ctx.store.connectors.create(
        name=body.name, kind=body.kind, config=checked.model_dump(mode="json"),
        sealed=_connections(ctx).vault.seal(secrets), secret_names=sorted(secrets),
        actor=by, now=ctx.now(),
    )  # fmt: skip
    return await _out(ctx, row, ())


@router.get("/{connector_id}", responses=responses(404))
async def get_connector(connector_id: ConnectorId, ctx: Ctx, _token: Supervisor) -> ConnectorOut:
    row = await ctx.store.connectors.get(connector_id)
    return await _out(ctx, row, await _campaigns(ctx))


@router.patch("/{connector_id}", responses=responses(404, 409, 413))
async def edit_connector(
    connector_id: ConnectorId, body: ConnectorPatch, ctx: Ctx, token: Admin
) -> ConnectorOut:
    row = await ctx.store.connectors.get(connector_id)
    if body.version not in (None, row.version):
        raise VersionConflict
    if "name" in body.model_fields_set and body.name is None:
        raise Invalid("The request is not valid.", [FieldError("name", "cannot be empty")])
    edited = replace(_with_secrets(ctx, row, body), name=body.name or row.name)
    edited = replace(edited, config=_edited_config(row, body))
    changed = _changed(row, edited, body)
    saved = await ctx.store.connectors.save(edited, actor(token), ctx.now(), changed=changed)
    return await _out(ctx, saved, await _campaigns(ctx))


def _changed(row: ConnectorRow, edited: ConnectorRow, body: ConnectorPatch) -> list[str]:
    """Names of what an edit changes, for the audit log: never what a secret is."""
    names = row.config.keys() | edited.config.keys()
    config = [f"config.{n}" for n in sorted(names) if row.config.get(n) != edited.config.get(n)]
    name = ["name"] if row.name != edited.name else []
    return [*name, *config, *(f"secrets.{n}" for n in sorted(body.secrets))]


@router.delete("/{connector_id}", status_code=204, responses=responses(404, 409))
async def delete_connector(connector_id: ConnectorId, ctx: Ctx, token: Admin) -> None:
    """409 while a campaign that is not final uses it."""
    row = await ctx.store.connectors.get(connector_id)
    if _users(row, await _campaigns(ctx)):
        raise Conflict("A campaign uses this connector.")
    await ctx.store.connectors.delete(row, actor(token), ctx.now())


@router.post("/{connector_id}/test", responses=responses(404, 409))
async def test_connector(connector_id: ConnectorId, ctx: Ctx, _token: Supervisor) -> TestOut:
    """Signs in and reads some leads. What the CRM refuses is an answer, not an error."""
    connector = _connections(ctx).open(await ctx.store.connectors.get(connector_id))
    try:
        return _test_out(await connector.check())
    except CrmError as error:
        return TestOut(ok=False, code=error.code, detail=error.message, sample=[])
    finally:
        await connector.close()


@router.post("/{connector_id}/poll", responses=responses(404))
async def poll_connector(connector_id: ConnectorId, ctx: Ctx, _token: Supervisor) -> Polled:
    """Poll now for every campaign that is polled at all; also after an error."""
    row = await ctx.store.connectors.get(connector_id)
    users = [campaign.id for campaign in _users(row, await _campaigns(ctx))]
    return Polled(campaigns=await ctx.store.polls.now(users, ctx.now()))


@router.get("/{connector_id}/dead-letters", responses=responses(404))
async def list_dead_letters(
    connector_id: ConnectorId, ctx: Ctx, _token: Supervisor
) -> Listing[DeadLetterOut]:
    """Attempts that the CRM refused for good, with its reason; the oldest 1,000."""
    row = await ctx.store.connectors.get(connector_id)
    found: list[DeadLetter] = []
    for campaign in _users(row, await _campaigns(ctx), also_final=True):
        found += await ctx.store.outbox.dead(campaign.id, MAX_DEAD)
    letters = sorted(found, key=lambda letter: letter.at)[:MAX_DEAD]
    return Listing(items=[
        DeadLetterOut(
            campaign_id=one.campaign_id, attempt_id=one.attempt_id, reason=one.reason, at=one.at
        )
        for one in letters
    ])  # fmt: skip


@router.post("/{connector_id}/retry", responses=responses(404))
async def retry_dead_letters(connector_id: ConnectorId, ctx: Ctx, _token: Supervisor) -> Redone:
    """Write the dead letters back again."""
    row, n = await ctx.store.connectors.get(connector_id), 0
    for campaign in _users(row, await _campaigns(ctx), also_final=True):
        n += await ctx.store.outbox.redo(campaign.id)
        await ctx.store.outbox.follow([campaign.id])
    return Redone(attempts=n)


def _connections(ctx: Context) -> Connections:
    return Connections(ctx.store, CrmSettings())


async def _campaigns(ctx: Context) -> Sequence[Campaign]:
    """All that read from a connection."""
    found, cursor = list[Campaign](), None
    while True:
        page = await ctx.store.campaigns.list(limit=1000, cursor=cursor)
        found += [one for one in page.items if one.settings.list.connector_id]
        cursor = page.next_cursor
        if cursor is None:
            return found


def _users(
    row: ConnectorRow, campaigns: Sequence[Campaign], *, also_final: bool = False
) -> list[Campaign]:
    return [
        one for one in campaigns
        if one.settings.list.connector_id == row.id and (also_final or not one.is_final)
    ]  # fmt: skip


def _given_config(body: ConnectorIn) -> Mapping[str, Any]:
    given = read_yaml(body.yaml) if body.yaml is not None else body.config
    return merge(preset(body.preset), given, {}) if body.preset else given


def _edited_config(row: ConnectorRow, body: ConnectorPatch) -> dict[str, Any]:
    """A description in YAML takes the place of the old one; `config` is merged over it."""
    config = read_yaml(body.yaml) if body.yaml is not None else row.config
    merged = merge(config, body.config or {}, {})
    return config_of(row.kind, merged).model_dump(mode="json")


def _with_secrets(ctx: Context, row: ConnectorRow, body: ConnectorPatch) -> ConnectorRow:
    if not body.secrets:
        return row
    vault = _connections(ctx).vault
    given = {n: s.get_secret_value() if s else None for n, s in body.secrets.items()}
    # Where all are given anew the old ones need not be readable.
    old = {} if given.keys() >= set(row.secret_names) else vault.open(row.sealed)
    secrets = {name: text for name, text in {**old, **given}.items() if text is not None}
    return replace(row, sealed=vault.seal(secrets), secret_names=tuple(sorted(secrets)))


async def _out(ctx: Context, row: ConnectorRow, campaigns: Sequence[Campaign]) -> ConnectorOut:
    users = _users(row, campaigns)
    sources = await ctx.each(_source(ctx, campaign) for campaign in users)
    is_failing = any(source.n_failures or source.push_error for source in sources)
    status: Literal["unused", "ok", "failing"] = "ok" if sources else "unused"
    return ConnectorOut(
        id=row.id, name=row.name, kind=row.kind, config=dict(row.config),
        secrets_set=list(row.secret_names), secrets_missing=_missing(row),
        created_at=row.created_at, updated_at=row.updated_at, version=row.version,
        status="failing" if is_failing else status, sources=sources,
    )  # fmt: skip


def _missing(row: ConnectorRow) -> list[str]:
    try:
        return sorted(config_of(row.kind, row.config).secrets - set(row.secret_names))
    except (Invalid, NotFound):
        return []


async def _source(ctx: Context, campaign: Campaign) -> SourceOut:
    pull = await ctx.store.polls.status(campaign.id)
    push = await ctx.store.outbox.status(campaign.id)
    return SourceOut(
        campaign_id=campaign.id,
        last_at=pull and pull.last_at, last_ok_at=pull and pull.last_ok_at,
        next_at=pull and pull.next_at, n_failures=pull.n_failures if pull else 0,
        error_code=pull.error_code if pull else "", error=pull.error if pull else "",
        is_read=bool(pull and pull.done), counts=dict(pull.counts) if pull else {},
        n_waiting=push.n_waiting, n_pushed=push.n_pushed, n_dead=push.n_dead,
        push_error=push.error,
    )  # fmt: skip


def _test_out(health: Health) -> TestOut:
    sample = [
        LeadOut(
            external_id=lead.external_id, contact=dict(lead.contact), withdrawn=lead.withdrawn,
            do_not_call=lead.do_not_call,
        )
        for lead in health.sample
    ]  # fmt: skip
    return TestOut(ok=health.ok, code="", detail=health.detail, sample=sample)
