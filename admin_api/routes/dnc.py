"""The do-not-call list: numbers that no campaign may call. Changes act at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse

from admin_api import csv_out
from admin_api.auth import Supervisor, actor
from admin_api.context import MAX_ID, Context, Ctx, Cursor, Limit
from admin_api.idempotency import Key, once
from admin_api.problems import ApiError, responses
from admin_api.schemas.basics import Listing
from admin_api.schemas.contacts import Reason, Rejected
from admin_api.schemas.dnc import DncAdded, DncIn, DncOut
from admin_api.streamed import Streamed
from admin_api.views import dnc_out
from crm.contact_in import field_errors
from crm.dnc_file import DncFile
from engine.core.errors import FieldError, Invalid, NotFound
from engine.core.phone import as_e164

router = APIRouter(prefix="/dnc", tags=["dnc"])


def _scope(
    campaign_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    connector_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = None,
) -> str:
    """The list of one campaign or of one connector's campaigns; without either, the one for all."""
    if campaign_id is not None and connector_id is not None:
        raise Invalid(errors=[FieldError("connector_id", "cannot be given with campaign_id")])
    if campaign_id is not None:
        return f"c{campaign_id}"
    return f"k{connector_id}" if connector_id is not None else ""


ScopeOf = Annotated[str, Depends(_scope)]
#: Of one request.
MAX_PHONES = 1000
Country = Annotated[str, Query(pattern=r"^[A-Z]{2}$")]
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/DncIn"}},
        "text/csv": {"schema": {"type": "string"}},
    },
}


@router.get(
    "",
    response_model=None,
    responses={
        **responses(),
        200: {
            "model": Listing[DncOut],
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "description": "JSON page, or with Accept: text/csv the whole list",
        },
    },
)
async def list_dnc(
    request: Request,
    ctx: Ctx,
    _token: Supervisor,
    limit: Limit = 100,
    cursor: Cursor = None,
    scope: ScopeOf = "",
) -> Response | Listing[DncOut]:
    if request.headers.get("accept", "").startswith(csv_out.MEDIA_TYPE):
        headers = {"Content-Disposition": 'attachment; filename="dnc.csv"'}
        return StreamingResponse(csv_text(ctx, scope), 200, headers, csv_out.MEDIA_TYPE)
    page = await ctx.store.dnc.list(limit=limit, cursor=cursor, scope=scope)
    return Listing(items=[dnc_out(entry) for entry in page.items], next_cursor=page.next_cursor)


async def csv_text(ctx: Context, scope: str = "") -> AsyncIterator[str]:
    """The whole list."""
    yield csv_out.csv_lines([("phone", "source", "added_at")])
    cursor = None
    while True:
        page = await ctx.store.dnc.list(limit=1000, cursor=cursor, scope=scope)
        yield csv_out.csv_lines((e.phone, e.source, e.added_at) for e in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


@router.post(
    "",
    response_model=DncAdded,
    responses=responses(413, 415),
    openapi_extra={"requestBody": _BODY},
)
async def add_dnc(
    request: Request,
    ctx: Ctx,
    token: Supervisor,
    scope: ScopeOf,
    default_country: Country = "US",
    source: Annotated[str, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = "csv",
    key: Key = None,
) -> Response:
    """JSON with `phones` and `prefixes`, or `text/csv` of any size with one number in the first
    cell of each line, such as a registry's file. Sending a file again adds nothing twice."""
    by = actor(token)
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json":
            body = await request.body()
            wanted = _from_json(body)
            return await once(
                ctx, key, token, request, lambda: add_all(ctx, wanted, by, scope), status=200,
                body=body,
            )  # fmt: skip
        case "text/csv":
            file = DncFile(ctx.store.dnc, default_country, source, by, scope)
            sent = Streamed(request)
            return await once(
                ctx, key, token, request, lambda: _from_csv(ctx, sent, file), status=200, body=sent
            )
    raise ApiError(415, "unsupported_media_type", "Send application/json or text/csv.")


async def _from_csv(ctx: Context, sent: Streamed, file: DncFile) -> DncAdded:
    """Any header is refused as a row like others; the answer names the first refused rows."""
    async for chunk in sent.pieces():
        await file.feed(chunk, ctx.now())
    await file.feed(b"", ctx.now(), is_last=True)
    return DncAdded(
        added=file.n_added,
        present=file.n_read - file.n_added,
        n_rejected=file.n_rejected,
        rejected=[
            Rejected(index=index, phone=shown, errors=[Reason(field="phone", message=why)])
            for index, shown, why in file.rejected
        ],
    )


def _from_json(body: bytes) -> DncIn:
    try:
        wanted = DncIn.model_validate_json(body)
    except ValidationError as error:
        raise Invalid("The request is not valid.", field_errors(error.errors())) from None
    if not wanted.phones and not wanted.prefixes:
        error_ = FieldError("phones", "must have a number, where no prefixes are given")
        raise Invalid("The request is not valid.", [error_])
    return wanted


async def add_all(ctx: Context, wanted: DncIn, by: str, scope: str = "") -> DncAdded:
    """What is no number is told, and keeps nothing else out."""
    good: list[str] = []
    rejected: list[Rejected] = []
    for index, text in enumerate(wanted.phones):
        try:
            good.append(as_e164(text, wanted.default_country))
        except ValueError as error:
            shown = text if text.isprintable() else None
            reason = Reason(field="phone", message=str(error))
            rejected.append(Rejected(index=index, phone=shown, errors=[reason]))
    dnc, told = ctx.store.dnc, {"source": wanted.source, "actor": by, "scope": scope}
    numbers = [dnc.add(phone, now=ctx.now(), **told) for phone in good]
    prefixes = [dnc.add_prefix(prefix, now=ctx.now(), **told) for prefix in wanted.prefixes]
    added = sum(await ctx.each([*numbers, *prefixes]))
    present = len(good) + len(wanted.prefixes) - added
    return DncAdded(added=added, present=present, n_rejected=len(rejected), rejected=rejected)


@router.get("/prefixes", responses=responses())
async def list_prefixes(ctx: Ctx, _token: Supervisor, scope: ScopeOf) -> Listing[DncOut]:
    """Beginnings of numbers that must not be called."""
    return Listing(items=[dnc_out(entry) for entry in await ctx.store.dnc.prefixes(scope)])


@router.delete("/prefixes/{prefix}", status_code=204, responses=responses(404))
async def remove_prefix(
    ctx: Ctx,
    token: Supervisor,
    scope: ScopeOf,
    prefix: Annotated[str, Path(pattern=r"^\+?[0-9]{1,15}$")],
) -> None:
    if not await ctx.store.dnc.remove_prefix(prefix, actor(token), ctx.now(), scope=scope):
        raise NotFound("This prefix is not on the list.")


@router.delete("", status_code=204, responses=responses(404))
async def remove_dnc(
    ctx: Ctx, token: Supervisor, phone: Annotated[str, Query(max_length=64)], scope: ScopeOf = ""
) -> None:
    """The number as `?phone=%2B12025550100`; a plain + arrives as a space, which is understood."""
    await _remove(ctx, f"+{phone.strip()}" if phone.startswith(" ") else phone, actor(token), scope)


@router.delete("/{phone}", status_code=204, responses=responses(404))
async def remove_dnc_number(
    ctx: Ctx, token: Supervisor, phone: Annotated[str, Path(max_length=64)], scope: ScopeOf = ""
) -> None:
    await _remove(ctx, phone, actor(token), scope)


async def _remove(ctx: Context, text: str, by: str, scope: str = "") -> None:
    try:
        phone = as_e164(text)
    except ValueError as error:
        raise Invalid(errors=[FieldError("phone", str(error))]) from None
    if not await ctx.store.dnc.remove(phone, by, ctx.now(), scope=scope):
        raise NotFound("This number is not on the list.")
