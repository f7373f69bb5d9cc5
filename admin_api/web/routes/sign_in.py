"""Sign-in with name and password, and the way out."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from admin_api import passwords
from admin_api.context import Context, Ctx
from admin_api.sessions import COOKIE, clear_cookie, session_of, set_cookie
from admin_api.web.guard import DESK, HOME, SIGN_IN, PageRoute, SignedIn, require_same_origin
from admin_api.web.render import render
from engine.store import User

router = APIRouter(route_class=PageRoute, include_in_schema=False)
#: Wrong passwords that one name, and one address, may send in the window.
MAX_TRIES_OF_NAME = 10
MAX_TRIES_OF_ADDRESS = 50
WINDOW_S = 900
WRONG = "The name or the password is wrong."
TOO_MANY = "Too many tries. Wait a quarter of an hour, then try again."
log = structlog.get_logger(__name__)


@router.get("/")
async def root(session: SignedIn) -> Response:
    return RedirectResponse(_home_of(session.user), 303)


@router.get(SIGN_IN)
async def sign_in_page(request: Request, ctx: Ctx, next: str = "") -> Response:
    session = await session_of(request)
    if session is not None:
        return RedirectResponse(_after(next, session.user), 303)
    return await _form(request, ctx, next)


@router.post(SIGN_IN)
async def sign_in(
    request: Request,
    ctx: Ctx,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    require_same_origin(request)
    if not await _may_try(request, ctx, name):
        return await _form(request, ctx, next, name=name, error=TOO_MANY, status=429)
    user = await ctx.store.users.find(name.strip())
    if not await passwords.is_right(password, user.password_hash if user else None) or not user:
        log.warning("sign_in_refused")
        return await _form(request, ctx, next, name=name, error=WRONG, status=401)
    await ctx.store.sessions.forgive(f"name:{name.strip()}")
    _, secret = await ctx.store.sessions.begin(user, ctx.now(), ctx.settings.session_idle_s)
    answer = RedirectResponse(_after(next, user), 303)
    set_cookie(answer, request, secret)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, ctx: Ctx, _session: SignedIn) -> Response:
    await ctx.store.sessions.end(request.cookies[COOKIE])
    answer = RedirectResponse(SIGN_IN, 303)
    clear_cookie(answer)
    return answer


async def _may_try(request: Request, ctx: Context, name: str) -> bool:
    """Counted before the password is looked at, so that many tries at once are bounded too."""
    address = request.client.host if request.client else "unknown"
    of_name = await ctx.store.sessions.count_try(f"name:{name.strip()}", WINDOW_S)
    of_address = await ctx.store.sessions.count_try(f"address:{address}", WINDOW_S)
    return of_name <= MAX_TRIES_OF_NAME and of_address <= MAX_TRIES_OF_ADDRESS


async def _form(
    request: Request, ctx: Context, next: str, *, name: str = "", error: str = "", status: int = 200
) -> Response:
    no_users = not await ctx.store.users.exist()
    return render(
        request, "sign_in.html", status=status, session=None,
        next=next, name=name, error=error, no_users=no_users,
    )  # fmt: skip


def _home_of(user: User) -> str:
    return DESK if user.role == "agent" else HOME


def _after(next: str, user: User) -> str:
    """Back to where the way in was asked for, on this site only."""
    is_ours = next.startswith("/") and not next.startswith(("//", "/\\")) and next.isprintable()
    return next if is_ours and next != "/" and user.role != "agent" else _home_of(user)
