"""Who may come in: API tokens and users; administrators only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api import passwords
from admin_api.auth import actor
from admin_api.context import Context, Ctx
from admin_api.routes.tokens import check_agent, revoke_token
from admin_api.schemas.tokens import TokenIn
from admin_api.sessions import token_of
from admin_api.views import token_out
from admin_api.web.guard import AdminSession, PageRoute
from admin_api.web.render import render
from crm.contact_in import field_errors
from engine.core.errors import Conflict, Invalid
from engine.store import Session

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Text = Annotated[str, Form(max_length=300)]


@router.get("/tokens")
async def tokens_page(request: Request, ctx: Ctx, session: AdminSession) -> Response:
    return await _tokens(request, ctx, session)


async def _tokens(
    request: Request,
    ctx: Context,
    session: Session,
    *,
    secret: str | None = None,
    error: Invalid | None = None,
) -> Response:
    tokens = [token_out(token) for token in await ctx.store.tokens.list()]
    return render(
        request, "tokens.html", session=session, status=422 if error else 200,
        tokens=tokens, secret=secret, error=error, agents=await ctx.store.agents.all(),
    )  # fmt: skip


@router.post("/tokens")
async def create_token(
    request: Request,
    ctx: Ctx,
    session: AdminSession,
    role: Text,
    name: Text = "",
    agent_id: Text = "",
) -> Response:
    """Shows the secret on the page that answers, and never again."""
    try:
        body = _checked(role, name, agent_id)
        await check_agent(ctx, body)
    except Invalid as error:
        return await _tokens(request, ctx, session, error=error)
    _, secret = await ctx.store.tokens.create(
        role=body.role, name=body.name, agent_id=body.agent_id, now=ctx.now()
    )
    return await _tokens(request, ctx, session, secret=secret)


def _checked(role: str, name: str, agent_id: str) -> TokenIn:
    try:
        body = {"role": role, "name": name.strip(), "agent_id": agent_id or None}
        return TokenIn.model_validate(body)
    except ValidationError as error:
        raise Invalid("Not created.", field_errors(error.errors())) from None


@router.post("/tokens/{token_id}/revoke")
async def revoke(
    ctx: Ctx, session: AdminSession, token_id: Annotated[str, Path(max_length=64)]
) -> Response:
    await revoke_token(ctx, token_of(session), token_id)
    return RedirectResponse("/tokens", 303)


@router.get("/users")
async def users_page(request: Request, ctx: Ctx, session: AdminSession) -> Response:
    return await _users(request, ctx, session)


async def _users(
    request: Request, ctx: Context, session: Session, error: Invalid | Conflict | None = None
) -> Response:
    return render(
        request, "users.html", session=session, status=422 if error else 200, error=error,
        users=await ctx.store.users.list(), agents=await ctx.store.agents.all(),
    )  # fmt: skip


@router.post("/users")
async def create_user(
    request: Request,
    ctx: Ctx,
    session: AdminSession,
    name: Text,
    password: Annotated[str, Form(max_length=1000)],
    role: Text,
    agent_id: Text = "",
) -> Response:
    try:
        wanted = _checked(role, name, agent_id)
        await check_agent(ctx, wanted)
        await ctx.store.users.create(
            name.strip(), wanted.role, await passwords.hashed(password),
            agent_id=wanted.agent_id, actor=actor(token_of(session)), now=ctx.now(),
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        return await _users(request, ctx, session, error)
    return RedirectResponse("/users", 303)


@router.post("/users/delete")
async def delete_user(ctx: Ctx, session: AdminSession, name: Text) -> Response:
    """Not oneself, so that somebody is left who can let others in."""
    if name.casefold() == session.user.name.casefold():
        raise Conflict("You cannot delete yourself.")
    await ctx.store.users.delete(name, actor(token_of(session)), ctx.now())
    return RedirectResponse("/users", 303)


@router.post("/users/password")
async def set_password(
    request: Request,
    ctx: Ctx,
    session: AdminSession,
    name: Text,
    password: Annotated[str, Form(max_length=1000)],
) -> Response:
    try:
        hashed = await passwords.hashed(password)
    except Invalid as error:
        return await _users(request, ctx, session, error)
    await ctx.store.users.set_password(name, hashed, actor(token_of(session)), ctx.now())
    return RedirectResponse("/users", 303)
