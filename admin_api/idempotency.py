"""`Idempotency-Key`: the same key and body give the same answer, without doing it twice."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from admin_api.context import Context
from admin_api.problems import ApiError
from admin_api.streamed import Streamed
from engine.store import StoredAnswer, Token

Answer = TypeVar("Answer", bound=BaseModel)
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes a repeated request safe: the first answer is given again.",
    ),
]


async def once(
    ctx: Context,
    key: str | None,
    token: Token,
    request: Request,
    make: Callable[[], Awaitable[Answer]],
    *,
    status: int = 201,
    body: bytes | Streamed | None = None,
    keep: Callable[[Answer], Answer] = lambda answer: answer,
) -> Response:
    """Do `make` once for a key. `keep` says what of the answer may be stored. `body`: what
    counts as the body where the route reads it itself; one that comes in pieces is known only
    after `make` has read it.

    Raises ApiError `idempotency_key_reused` when the key came with another request before, and
    Conflict while the first one is still being answered.
    """
    if key is None:
        return _answer(status, (await make()).model_dump_json())
    scoped, fingerprint = f"{token.id}:{key}", await _fingerprint(request, body)
    stored = await ctx.store.idempotency.begin(scoped, fingerprint, ctx.now())
    if stored is not None:
        return _replay(stored, fingerprint, await _whole(fingerprint, body))
    try:
        answer = await make()
    except BaseException:
        await ctx.store.idempotency.forget(scoped)
        raise
    kept, whole = keep(answer).model_dump_json(), await _whole(fingerprint, body)
    await ctx.store.idempotency.finish(scoped, status, kept, whole)
    return _answer(status, answer.model_dump_json())


async def _fingerprint(request: Request, body: bytes | Streamed | None) -> str:
    if body is None:
        body = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + (b"" if isinstance(body, Streamed) else body)).hexdigest()


async def _whole(fingerprint: str, body: bytes | Streamed | None) -> str:
    """With the digest of what came in pieces."""
    return f"{fingerprint}+{await body.digest()}" if isinstance(body, Streamed) else fingerprint


def _replay(stored: StoredAnswer, *fingerprints: str) -> Response:
    if stored.fingerprint not in fingerprints:
        raise ApiError(
            422, "idempotency_key_reused", "This Idempotency-Key came with another request before."
        )
    return _answer(stored.status, stored.body, {"Idempotency-Replayed": "true"})


def _answer(status: int, body: str, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, JSONResponse.media_type)
