"""Contacts of a campaign: add as JSON, list, read with the reason for waiting, withdraw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from admin_api import limits
from admin_api.auth import Supervisor, actor
from admin_api.context import CampaignId, ContactId, Context, Ctx, Cursor, Limit
from admin_api.idempotency import Key, once
from admin_api.merge import merge
from admin_api.problems import ApiError, responses
from admin_api.schemas.basics import Listing
from admin_api.schemas.contacts import (
    ContactOut,
    ContactPatch,
    ContactsAdded,
    Duplicate,
    Reason,
    Rejected,
    VerdictOut,
    WhyOut,
)
from admin_api.schemas.lists import ImportOut, PreviewOut
from admin_api.streamed import Streamed
from admin_api.uploads import receive_upload
from admin_api.views import contacts_out, known_of
from admin_api.why_not_now import WAITING, next_dial_at, why_not_now
from crm import sheet
from crm.columns import checked, choice_of
from crm.contact_in import ON_DNC, checked_variables, parse_contact
from crm.preview import CSV_BYTES, preview_of
from crm.sifting import elsewhere, without_listed
from engine.core.campaign import Campaign
from engine.core.contact import DEFAULT_PRIORITY, ContactState, NewContact
from engine.core.errors import CampaignFinal, FieldError, Invalid
from engine.core.why_not import verdicts
from engine.store.page import cursor_of, parts_of

router = APIRouter(prefix="/campaigns/{campaign_id}/contacts", tags=["contacts"])
Columns = Annotated[
    str,
    Query(
        max_length=10_000,
        description="what each column of a file is, with commas: a field of a contact, phones, "
        "variables.<name>, or - to leave it out; not given: guessed",
        examples=["phone,name,variables.city,-"],
    ),
]
MAX_CONTACTS = 1000
Value = TypeVar("Value")
_FILES = {
    "text/csv": {"schema": {"type": "string"}},
    "application/vnd.ms-excel": {"schema": {"type": "string"}},
    limits.XLSX: {"schema": {"type": "string", "format": "binary"}},
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "maxItems": MAX_CONTACTS,
                "items": {"$ref": "#/components/schemas/ContactIn"},
            }
        },
        **_FILES,
    },
}
_PREVIEW_BODY = {"required": True, "content": _FILES}


@router.post(
    "",
    response_model=None,
    responses={
        **responses(404, 409, 413, 415),
        200: {"model": ContactsAdded, "description": "JSON: added"},
        202: {"model": ImportOut, "description": "CSV: will be read; ask for the import"},
    },
    openapi_extra={"requestBody": _BODY},
)
async def add_contacts(
    campaign_id: CampaignId,
    request: Request,
    ctx: Ctx,
    token: Supervisor,
    filename: str = "",
    columns: Columns = "",
    header: bool = True,
    key: Key = None,
) -> Response:
    """A JSON array of up to 1,000 contacts, `text/csv` of any size, or a spreadsheet."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    if campaign.is_final:
        raise CampaignFinal
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case kind if kind in limits.LISTS:
            file = Streamed(request, ctx.settings.max_upload_bytes)
            return await once(
                ctx, key, token, request,
                lambda: receive_upload(
                    file, ctx, campaign_id, filename[:200],
                    checked(choice_of(columns, has_header=header)),
                ),
                status=202, body=file,
            )  # fmt: skip
        case "application/json":
            sent = _array(await request.body())
            return await once(
                ctx, key, token, request, lambda: _add(ctx, campaign, sent), status=200
            )
    raise ApiError(
        415, "unsupported_media_type", "Send application/json, text/csv or a spreadsheet (XLSX)."
    )


@router.post(
    "/preview", responses=responses(404, 413, 415), openapi_extra={"requestBody": _PREVIEW_BODY}
)
async def preview_contacts(
    campaign_id: CampaignId,
    request: Request,
    ctx: Ctx,
    _token: Supervisor,
    columns: Columns = "",
    header: bool = True,
) -> PreviewOut:
    """What the first rows of a list would become: the beginning of a text (64 KiB are looked at),
    or a whole spreadsheet of up to 8 MiB. Nothing is kept."""
    settings = (await ctx.store.campaigns.get(campaign_id)).rules
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in limits.LISTS:
        raise ApiError(415, "unsupported_media_type", "Send text/csv or a spreadsheet (XLSX).")
    data, choice = await request.body(), choice_of(columns, has_header=header)
    data = data if data.startswith(sheet.MAGIC) else data[:CSV_BYTES]
    found = await asyncio.to_thread(preview_of, data, settings, choice)
    return PreviewOut.model_validate(asdict(found))


def _array(body: bytes) -> list[Any]:
    try:
        sent = json.loads(body)
    except ValueError:
        raise Invalid("The body is not valid JSON.") from None
    if not isinstance(sent, list):
        raise Invalid("The body must be an array of contacts.")
    if len(sent) > MAX_CONTACTS:
        detail = f"At most {MAX_CONTACTS} contacts at once; send more as text/csv."
        raise ApiError(413, "too_many_contacts", detail)
    return sent


async def _add(ctx: Context, campaign: Campaign, sent: Sequence[object]) -> ContactsAdded:
    good: list[tuple[int, NewContact]] = []
    rejected: list[Rejected] = []
    country, open_to = campaign.settings.list.default_country, campaign.rules.destinations
    for index, raw in enumerate(sent):
        try:
            good.append((index, parse_contact(raw, country, open_to)))
        except Invalid as error:
            rejected.append(_rejected(index, raw, error.errors))
    good, refused = await _without_dnc(ctx, campaign, good)
    rejected = sorted([*rejected, *refused], key=lambda one: one.index)
    good, held = await _not_elsewhere(ctx, campaign, good)
    contacts = [contact for _, contact in good]
    ids = await ctx.store.contacts.add(campaign.id, contacts, ctx.now()) if contacts else []
    here = [
        Duplicate(index=index, phone=contact.phone)
        for (index, contact), id_ in zip(good, ids, strict=True)
        if id_ is None
    ]
    duplicates = sorted([*here, *held], key=lambda one: one.index)
    return ContactsAdded(created=len(good) - len(here), rejected=rejected, duplicates=duplicates)


async def _not_elsewhere(
    ctx: Context, campaign: Campaign, good: list[tuple[int, NewContact]]
) -> tuple[list[tuple[int, NewContact]], list[Duplicate]]:
    """Where the campaign asks: without numbers that another active campaign has."""
    contacts = [contact for _, contact in good]
    holders = await elsewhere(ctx.store, campaign, contacts, ctx.now())
    both = list(zip(good, holders, strict=True))
    held = [
        Duplicate(index=index, phone=contact.phone, campaign_id=holder)
        for (index, contact), holder in both
        if holder is not None
    ]
    return [one for one, holder in both if holder is None], held


async def _without_dnc(
    ctx: Context, campaign: Campaign, good: Sequence[tuple[int, NewContact]]
) -> tuple[list[tuple[int, NewContact]], list[Rejected]]:
    contacts = [contact for _, contact in good]
    kept = await without_listed(ctx.store, campaign, contacts)
    reason = Reason(field="phone", message=ON_DNC)
    pairs = list(zip(good, kept, strict=True))
    refused = [
        Rejected(index=index, phone=contact.phone, errors=[reason])
        for (index, contact), left in pairs
        if left is None
    ]
    return [(index, left) for (index, _), left in pairs if left is not None], refused


def _rejected(index: int, raw: object, errors: Sequence[FieldError]) -> Rejected:
    phone = raw.get("phone") if isinstance(raw, dict) else None
    return Rejected(
        index=index,
        phone=phone if isinstance(phone, str) and phone.isprintable() else None,
        errors=[Reason(field=error.field, message=error.message) for error in errors],
    )


@router.get("", responses=responses(404))
async def list_contacts(
    campaign_id: CampaignId,
    ctx: Ctx,
    _token: Supervisor,
    state: ContactState | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Listing[ContactOut]:
    """By id; a filtered page may be short."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    contacts, next_after = await ctx.store.contacts.list(
        campaign_id, after=after_of(cursor), limit=limit, state=state
    )
    return Listing(
        items=await contacts_out(ctx, campaign, contacts),
        next_cursor=None if next_after is None else cursor_of(next_after),
    )


def after_of(cursor: str | None) -> int:
    """The contact that a cursor of this list goes on after. Raises Invalid."""
    if cursor is None:
        return 0
    (after,) = parts_of(cursor, 1)
    if not isinstance(after, int) or after < 0:
        raise Invalid(errors=[FieldError("cursor", "is not a cursor that this list gave")])
    return after


@router.get("/{contact_id}", responses=responses(404))
async def get_contact(
    campaign_id: CampaignId, contact_id: ContactId, ctx: Ctx, _token: Supervisor
) -> ContactOut:
    campaign = await ctx.store.campaigns.get(campaign_id)
    contact = await ctx.store.contacts.get(campaign_id, contact_id)
    return (await contacts_out(ctx, campaign, [contact]))[0]


@router.patch("/{contact_id}", responses=responses(404, 413))
async def edit_contact(
    campaign_id: CampaignId, contact_id: ContactId, body: ContactPatch, ctx: Ctx, token: Supervisor
) -> ContactOut:
    """Acts on the next claim; a call that is in flight goes on."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    await ctx.store.contacts.get(campaign_id, contact_id)
    contact = await ctx.store.contacts.edit(
        campaign_id,
        contact_id,
        actor=actor(token),
        now=ctx.now(),
        name=_given(body, "name", ""),
        priority=_given(body, "priority", DEFAULT_PRIORITY),
        active=_given(body, "active", True),
        variables=_variables_of(body) if "variables" in body.model_fields_set else None,
    )
    return (await contacts_out(ctx, campaign, [contact]))[0]


def _given(body: ContactPatch, field: str, default: Value) -> Value | None:
    """None for what was not sent; null is the default."""
    if field not in body.model_fields_set:
        return None
    value: Value | None = getattr(body, field)
    return default if value is None else value


def _variables_of(body: ContactPatch) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    """From those that there are. Raises Invalid where they become too many."""
    sent = body.variables
    return lambda before: {} if sent is None else checked_variables(merge(before, sent, {}))


@router.get("/{contact_id}/why", responses=responses(404))
async def why(
    campaign_id: CampaignId, contact_id: ContactId, ctx: Ctx, _token: Supervisor
) -> WhyOut:
    """Each rule, its verdict, and when the next dial may happen."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    contact = await ctx.store.contacts.get(campaign_id, contact_id)
    (about,) = await known_of(ctx, campaign, [contact])
    now, found = ctx.now(), list[VerdictOut]()
    if contact.state in WAITING:
        judged = verdicts(about.who, campaign.rules, about.refusals, now)
        found = [VerdictOut(**asdict(verdict)) for verdict in judged]
    return WhyOut(
        why_not_now=why_not_now(contact, campaign, about, now),
        verdicts=found,
        next_dial_at=next_dial_at(contact, campaign, about, now),
    )


@router.delete("/{contact_id}", responses=responses(404))
async def withdraw_contact(
    campaign_id: CampaignId, contact_id: ContactId, ctx: Ctx, token: Supervisor
) -> ContactOut:
    """Never dialled again; a call that is in flight goes on."""
    campaign = await ctx.store.campaigns.get(campaign_id)
    contact = await ctx.store.contacts.withdraw(campaign_id, contact_id, actor(token), ctx.now())
    return (await contacts_out(ctx, campaign, [contact]))[0]
