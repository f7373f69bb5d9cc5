"""The do-not-call list: numbers that no campaign may call. Changes act at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse

from admin_api import csv_out
from admin_api.auth import Supervisor, actor
from admin_api.context import Context, Ctx, Cursor, Limit
from admin_api.idempotency import Key, once
from admin_api.problems import ApiError, responses
from admin_api.schemas import DncAdded, DncIn, DncOut, Listing, Reason, Rejected
from admin_api.views import dnc_out
from crm.contact_in import field_errors
from engine.core.errors import FieldError, Invalid, NotFound
from engine.core.phone import as_e164

router = APIRouter(prefix="/dnc", tags=["dnc"])
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
    request: Request, ctx: Ctx, _token: Supervisor, limit: Limit = 100, cursor: Cursor = None
) -> Response | Listing[DncOut]:
    if request.headers.get("accept", "").startswith(csv_out.MEDIA_TYPE):
        headers = {"Content-Disposition": 'attachment; filename="dnc.csv"'}
        return StreamingResponse(csv_text(ctx), 200, headers, csv_out.MEDIA_TYPE)
    page = await ctx.store.dnc.list(limit=limit, cursor=cursor)
    return Listing(items=[dnc_out(entry) for entry in page.items], next_cursor=page.next_cursor)


async def csv_text(ctx: Context) -> AsyncIterator[str]:
    """The whole list."""
    yield csv_out.csv_lines([("phone", "source", "added_at")])
    cursor = None
    while True:
        page = await ctx.store.dnc.list(limit=1000, cursor=cursor)
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
    default_country: Country = "US",
    key: Key = None,
) -> Response:
    """JSON with `phones`, or `text/csv` with one number in the first cell of each line."""
    body = await request.body()
    wanted = _sent(request, body, default_country)
    return await once(
        ctx, key, token, request, lambda: add_all(ctx, wanted, actor(token)), status=200, body=body
    )


def _sent(request: Request, body: bytes, default_country: str) -> DncIn:
    match request.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json":
            return _from_json(body)
        case "text/csv":
            return _from_csv(body, default_country)
    raise ApiError(415, "unsupported_media_type", "Send application/json or text/csv.")


def _from_json(body: bytes) -> DncIn:
    try:
        return DncIn.model_validate_json(body)
    except ValidationError as error:
        raise Invalid("The request is not valid.", field_errors(error.errors())) from None


def _from_csv(body: bytes, default_country: str) -> DncIn:
    """Any header is refused as a row like others; the answer names it."""
    lines = body.decode("utf-8-sig", "replace").splitlines()
    cells = [line.replace(";", ",").replace("\t", ",").split(",")[0].strip(' "') for line in lines]
    phones = [cell[:64] for cell in cells if cell]
    return DncIn.model_construct(phones=phones, default_country=default_country, source="csv")


async def add_all(ctx: Context, wanted: DncIn, by: str) -> DncAdded:
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
    added = await _store(ctx, good, wanted.source, by)
    return DncAdded(added=added, present=len(good) - added, rejected=rejected)


async def _store(ctx: Context, phones: Sequence[str], source: str, by: str) -> int:
    added = await ctx.each(
        ctx.store.dnc.add(phone, source=source, actor=by, now=ctx.now()) for phone in phones
    )
    return sum(added)


@router.delete("", status_code=204, responses=responses(404))
async def remove_dnc(
    ctx: Ctx, token: Supervisor, phone: Annotated[str, Query(max_length=64)]
) -> None:
    """The number as `?phone=%2B12025550100`; a plain + arrives as a space, which is understood."""
    await _remove(ctx, f"+{phone.strip()}" if phone.startswith(" ") else phone, actor(token))


@router.delete("/{phone}", status_code=204, responses=responses(404))
async def remove_dnc_number(
    ctx: Ctx, token: Supervisor, phone: Annotated[str, Path(max_length=64)]
) -> None:
    await _remove(ctx, phone, actor(token))


async def _remove(ctx: Context, text: str, by: str) -> None:
    try:
        phone = as_e164(text)
    except ValueError as error:
        raise Invalid(errors=[FieldError("phone", str(error))]) from None
    if not await ctx.store.dnc.remove(phone, by, ctx.now()):
        raise NotFound("This number is not on the list.")
