"""Who we are to a REST API: fixed tokens, and those that must be fetched and end."""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from crm.http import Answer, Http, error_of
from crm.mapping import look
from crm.port import AuthError, Transient
from crm.rest_spec import BasicAuth, LoginSession, NoAuth, OAuth2, TokenAuth

Keep = Callable[[Mapping[str, str]], Awaitable[None]]
#: A token is renewed so long before its end.
MARGIN_S: Final = 60.0
DEFAULT_LIFETIME_S: Final = 600.0


async def keep_nothing(_new: Mapping[str, str]) -> None:
    """Where new secrets are of no use after this run."""


@dataclass(slots=True)
class Token:
    """An access token, and until when (monotonic) it serves."""

    text: str = ""
    ends_at: float = 0.0


class Credentials:
    """What a request carries; `renew` after a 401."""

    def __init__(
        self,
        auth: NoAuth | BasicAuth | TokenAuth | OAuth2 | LoginSession,
        secrets: Mapping[str, str],
        http: Http,
        keep: Keep,
        token: Token,
    ) -> None:
        self._auth, self._secrets, self._http, self._keep = auth, dict(secrets), http, keep
        self._token = token

    @property
    def can_renew(self) -> bool:
        return isinstance(self._auth, OAuth2 | LoginSession)

    def forget(self) -> None:
        self._token.text = ""

    async def headers(self) -> dict[str, str]:
        """Raises AuthError, Transient."""
        match self._auth:
            case BasicAuth(username=name, password=secret):
                pair = base64.b64encode(f"{name}:{self._secrets[secret]}".encode()).decode()
                return {"Authorization": f"Basic {pair}"}
            case TokenAuth(kind="bearer", token=secret):
                return {"Authorization": f"Bearer {self._secrets[secret]}"}
            case TokenAuth(kind="header", name=name, prefix=prefix, token=secret):
                return {name: f"{prefix}{self._secrets[secret]}"}
            case OAuth2():
                return {"Authorization": f"{self._auth.prefix}{await self._current(self._oauth)}"}
            case LoginSession(header=name, prefix=prefix):
                return {name: f"{prefix}{await self._current(self._login)}"}
        return {}

    def params(self) -> dict[str, str]:
        if isinstance(self._auth, TokenAuth) and self._auth.kind == "query":
            return {self._auth.name: self._secrets[self._auth.token]}
        return {}

    async def _current(self, fetch: Callable[[], Awaitable[None]]) -> str:
        if not self._token.text or time.monotonic() >= self._token.ends_at:
            await fetch()
        return self._token.text

    async def _oauth(self) -> None:
        assert isinstance(self._auth, OAuth2)
        auth = self._auth
        form = {"client_id": auth.client_id, "client_secret": self._secrets[auth.client_secret]}
        if auth.kind == "oauth2_client":
            form |= {"grant_type": "client_credentials"} | (
                {"scope": auth.scope} if auth.scope else {}
            )
        else:
            refresh = self._secrets[auth.refresh_token]
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
        told = _granted(await self._http.send("POST", httpx2.URL(auth.token_url), data=form))
        self._take(str(told["access_token"]), float(told.get("expires_in") or DEFAULT_LIFETIME_S))
        new = told.get("refresh_token")
        if auth.kind == "oauth2_refresh" and new and new != self._secrets[auth.refresh_token]:
            self._secrets[auth.refresh_token] = str(new)
            await self._keep({auth.refresh_token: str(new)})

    async def _login(self) -> None:
        assert isinstance(self._auth, LoginSession)
        auth = self._auth
        body = {key: self._secrets[auth.password] if value == "{password}" else value
                for key, value in auth.body.items()}  # fmt: skip
        answer = await self._http.send("POST", self._http.url_of(auth.path), json=body)
        token = look(auth.token, _granted(answer, "session"))
        if not token:
            raise AuthError("The CRM gave no session.")
        self._take(str(token), DEFAULT_LIFETIME_S)

    def _take(self, token: str, lifetime_s: float) -> None:
        self._token.text = token
        self._token.ends_at = time.monotonic() + max(1.0, lifetime_s - MARGIN_S)


def _granted(answer: Answer, what: str = "access_token") -> Mapping[str, Any]:
    """A 400 of a token address says that the credentials have ended."""
    problem = error_of(answer)
    if isinstance(problem, Transient):
        raise problem
    if problem is not None:
        raise AuthError(f"The CRM refuses the credentials ({answer.status}).")
    told = answer.json()
    if not isinstance(told, dict) or (what == "access_token" and "access_token" not in told):
        raise AuthError("The CRM gave no token.")
    return told
