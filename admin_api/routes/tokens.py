"""API tokens: only administrators see or make them; a secret is shown once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from admin_api.auth import Admin
from admin_api.context import Context, Ctx
from admin_api.idempotency import Key, once
from admin_api.problems import responses
from admin_api.schemas.basics import Listing
from admin_api.schemas.tokens import TokenCreated, TokenIn, TokenOut
from admin_api.views import token_out
from engine.core.errors import FieldError, Invalid, NotFound

router = APIRouter(prefix="/tokens", tags=["tokens"])


@router.get("", responses=responses())
async def list_tokens(ctx: Ctx, _token: Admin) -> Listing[TokenOut]:
    return Listing(items=[token_out(token) for token in await ctx.store.tokens.list()])


@router.post("", status_code=201, response_model=TokenCreated, responses=responses(413))
async def create_token(
    body: TokenIn, request: Request, ctx: Ctx, token: Admin, key: Key = None
) -> Response:
    """`token` is the secret; it is stored hashed and cannot be shown again."""

    async def make() -> TokenCreated:
        await check_agent(ctx, body)
        made, secret = await ctx.store.tokens.create(
            role=body.role, name=body.name, agent_id=body.agent_id, now=ctx.now()
        )
        return TokenCreated(**token_out(made).model_dump(), token=secret)

    def without_secret(answer: TokenCreated) -> TokenCreated:
        return answer.model_copy(update={"token": None})

    return await once(ctx, key, token, request, make, keep=without_secret)


async def check_agent(ctx: Context, body: TokenIn) -> None:
    """A token for agents is one agent's."""
    if (body.role == "agent") != (body.agent_id is not None):
        message = "is needed for the role agent, and for no other"
        raise Invalid("The request is not valid.", [FieldError("agent_id", message)])
    if body.agent_id is None:
        return
    try:
        await ctx.store.agents.get(body.agent_id)
    except NotFound:
        message = f"There is no agent {body.agent_id}."
        raise Invalid("The request is not valid.", [FieldError("agent_id", message)]) from None


@router.delete("/{token_id}", status_code=204, responses=responses(404))
async def revoke_token(
    ctx: Ctx, _token: Admin, token_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
) -> None:
    """From the next request on it is refused."""
    if not await ctx.store.tokens.revoke(token_id):
        raise NotFound("There is no such token.")
