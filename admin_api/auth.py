"""Who asks, and whether the role allows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from admin_api.context import AgentId, Context
from admin_api.problems import ApiError, Forbidden, problem_response, response_of
from admin_api.sessions import check_csrf_header, session_of, token_of
from engine.core.errors import DialerError
from engine.store import Token

BASE = "/api/v1"
_OPEN_PATHS = frozenset({f"{BASE}/openapi.json"})
_MAX_TOKEN_CHARS = 512
_scheme = HTTPBearer(auto_error=False, description="`dialer token create`, or DIALER_ADMIN_TOKEN")


class BearerAuth:
    """Asks for a valid token before anything of a request under /api/v1 is looked at."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_guarded(scope):
            return await self.app(scope, receive, send)
        try:
            token = await _find(scope)
            if token is not None:
                await _count(scope, token)
        except DialerError as error:
            return await response_of(error)(scope, receive, send)
        if token is None:
            return await _unauthorized()(scope, receive, send)
        scope.setdefault("state", {})["token"] = token
        return await self.app(scope, receive, send)


def _is_guarded(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    path: str = scope["path"]
    return (path == BASE or path.startswith(f"{BASE}/")) and path not in _OPEN_PATHS


async def _find(scope: Scope) -> Token | None:
    """The bearer token; without one, the session of the page in the same browser."""
    headers = Headers(scope=scope)
    if "authorization" not in headers:
        return await _of_session(scope)
    scheme, _, secret = headers["authorization"].partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not 0 < len(secret) <= _MAX_TOKEN_CHARS:
        return None
    found: Token | None = await scope["app"].state.context.store.tokens.find(secret)
    return found


async def _count(scope: Scope, token: Token) -> None:
    """Raises ApiError when the token sends more than it may."""
    ctx: Context = scope["app"].state.context
    limits = ctx.settings
    if not limits.token_rate_per_s:
        return
    wait_s = await ctx.store.tokens.wait_s(
        token.id, ctx.now(), limits.token_rate_per_s, limits.token_burst
    )
    if wait_s:
        detail = f"This token sends more than {limits.token_rate_per_s:g} requests a second."
        raise ApiError(429, "too_many_requests", detail, Retry_After=str(math.ceil(wait_s)))


async def _of_session(scope: Scope) -> Token | None:
    session = await session_of(HTTPConnection(scope))
    if session is None:
        return None
    check_csrf_header(HTTPConnection(scope), session)
    return token_of(session)


def _unauthorized() -> ASGIApp:
    detail = "Send a valid token: Authorization: Bearer <token>."
    return problem_response(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_scheme)]


def _token(request: Request, _declared: Credentials) -> Token:
    token = request.state.token
    assert isinstance(token, Token)
    return token


AnyToken = Annotated[Token, Depends(_token)]


def allow(*roles: str) -> Callable[[Token], Token]:
    """A dependency that lets only these roles pass."""

    def check(token: AnyToken) -> Token:
        if token.role not in roles:
            raise Forbidden(f"The role {token.role} does not allow this.")
        return token

    return check


def _own_agent(agent_id: AgentId, token: AnyToken) -> Token:
    if token.role == "agent" and token.agent_id != agent_id:
        raise Forbidden("An agent's token acts for its own agent only.")
    return token


Admin = Annotated[Token, Depends(allow("admin"))]
Supervisor = Annotated[Token, Depends(allow("admin", "supervisor"))]
#: Administrators, supervisors, and the agent that the path names.
OwnAgent = Annotated[Token, Depends(_own_agent)]


def actor(token: Token) -> str:
    """Who did it, for the audit log."""
    return token.name or f"{token.role} token {token.id}"
