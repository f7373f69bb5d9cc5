"""One HTTP client for all connectors: bounded in time and size, its errors are the port's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from crm.outbound import CONNECT_S, GuardedTransport, Outbound
from crm.port import AuthError, Blocked, CrmError, RateLimited, Rejected, Transient

#: From the first byte sent to the last one received: a slow answer is no answer.
TIMEOUT_S = 30.0
MAX_BYTES = 16 * 1024 * 1024
#: Where a CRM says "too many requests" and not for how long.
RETRY_AFTER_S = 30.0
LONGEST_RETRY_S = 3600.0
_AGENT = "asterisk-dialer"


@dataclass(frozen=True, slots=True)
class Answer:
    """`server_at`: the server's clock, not later than when it began to answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    server_at: datetime

    def json(self) -> Any:
        """None without a body. Raises Transient where it is not JSON."""
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            raise Transient(f"The answer ({self.status}) is not JSON.") from None


async def at_once() -> None:
    return None


class Http:
    """`gate` is awaited before each request: it keeps the pace of the account."""

    def __init__(
        self,
        base_url: str,
        rules: Outbound,
        *,
        gate: Callable[[], Awaitable[None]] = at_once,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.base_url = httpx2.URL(base_url)
        self._gate, self._timeout_s, self._max_bytes = gate, timeout_s, max_bytes
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(rules),
            timeout=httpx2.Timeout(timeout_s, connect=CONNECT_S),
            headers={"User-Agent": _AGENT, "Accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    def url_of(self, path: str) -> httpx2.URL:
        """A path below the base, or an address of the same origin. Raises Blocked for others."""
        url = httpx2.URL(path)
        if url.is_absolute_url:
            if (url.scheme, url.host, url.port) != _origin(self.base_url):
                raise Blocked(f"The CRM points to another server, {url.host}.")
            return url
        base = str(self.base_url).rstrip("/")
        return httpx2.URL(f"{base}/{path.lstrip('/')}") if path else self.base_url

    async def send(self, method: str, url: httpx2.URL | str, **options: Any) -> Answer:
        """Whatever the server answers. Raises RateLimited (the gate), Transient, Rejected."""
        await self._gate()
        began = datetime.now(UTC)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._read(method, url, began, options)
        except TimeoutError as error:
            raise Transient(f"No whole answer within {self._timeout_s:g} s.") from error
        except httpx2.HTTPError as error:
            raise Transient(f"{type(error).__name__}: {error}") from error

    async def _read(
        self, method: str, url: httpx2.URL | str, began: datetime, options: Mapping[str, Any]
    ) -> Answer:
        parts, size = [], 0
        async with self._client.stream(method, url, **options) as answer:
            server_at = _server_at(answer.headers.get("date"), began)
            async for part in answer.aiter_bytes():
                size += len(part)
                if size > self._max_bytes:
                    raise Rejected(f"The answer is larger than {self._max_bytes} bytes.")
                parts.append(part)
        return Answer(answer.status_code, answer.headers, b"".join(parts), server_at)


def error_of(answer: Answer, detail: str = "") -> CrmError | None:
    """What a status means where the CRM has no rule of its own; None: it went well."""
    status, text = answer.status, detail or _excerpt(answer)
    message = f"The CRM answered {status}{': ' if text else ''}{text}"
    match status:
        case _ if status < 300 or status == 304:
            return None
        case 401 | 403:
            return AuthError(message)
        case 429:
            return RateLimited(message, retry_after_s(answer))
        case 408 | 425 | _ if status >= 500 or status in (408, 425):
            return Transient(message)
    return Rejected(message)


def retry_after_s(answer: Answer, header: str = "retry-after") -> float:
    """Seconds, or an instant; a guess where it is neither."""
    text = answer.headers.get(header, "").strip()
    try:
        wait_s = float(text)
    except ValueError:
        wait_s = _until(text, answer.server_at)
    return min(max(wait_s, 1.0), LONGEST_RETRY_S)


def _until(text: str, server_at: datetime) -> float:
    try:
        return (parsedate_to_datetime(text) - server_at).total_seconds()
    except (ValueError, TypeError):
        return RETRY_AFTER_S


def _server_at(date: str | None, began: datetime) -> datetime:
    """The server looked after we began to ask: take off all the time that passed, and the second
    that its clock is cut to."""
    passed = datetime.now(UTC) - began
    try:
        told = parsedate_to_datetime(date) if date else None
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        return began
    return told - passed - timedelta(seconds=1)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _excerpt(answer: Answer) -> str:
    text = answer.body[:300].decode(errors="replace")
    return "".join(char if char.isprintable() else " " for char in text).strip()
