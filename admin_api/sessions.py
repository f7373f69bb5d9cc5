"""The session of somebody who signed in to the page: a cookie that only the server can read."""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection
from starlette.responses import Response

from admin_api.context import Context
from admin_api.problems import Forbidden
from engine.store import Session, Token

COOKIE = "dialer_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_SECRET_CHARS = 512


async def session_of(connection: HTTPConnection) -> Session | None:
    """None when nobody is signed in. Every look keeps the session alive."""
    secret = connection.cookies.get(COOKIE, "")
    if not 0 < len(secret) <= _MAX_SECRET_CHARS:
        return None
    ctx = connection.app.state.context
    assert isinstance(ctx, Context)
    return await ctx.store.sessions.find(secret, ctx.now(), ctx.settings.session_idle_s)


def check_csrf_header(connection: HTTPConnection, session: Session) -> None:
    """Raises Forbidden for a change that did not come from our own page."""
    if connection.scope["method"] in SAFE_METHODS:
        return
    check_csrf(connection.headers.get(CSRF_HEADER, ""), session)


def check_csrf(sent: str, session: Session) -> None:
    if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise Forbidden("The request did not come from the page; load it again.")


def token_of(session: Session) -> Token:
    """What the session may do, in the terms of the API."""
    user = session.user
    return Token(f"user:{user.name}", user.role, user.name, user.agent_id, session.began_at)


def set_cookie(response: Response, connection: HTTPConnection, secret: str) -> None:
    """For the browser's session; Secure wherever the page came over https."""
    response.set_cookie(
        COOKIE, secret, httponly=True, samesite="lax", secure=connection.url.scheme == "https"
    )


def clear_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
