"""A CRM for tests of faults: an HTTP server that answers as it is told to.

Leads are in `leads`; `GET /leads?since=&after=&limit=` lists them, `POST /calls` takes calls,
`POST /token` gives tokens. What lies in `faults` is used up first, one for each request but those
for tokens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

DRIP_S = 0.05
_PART = b" " * 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """`drips`: so many bytes, one by one; `swells`: a body of so many bytes."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drips: int = 0
    swells: int = 0


@dataclass(slots=True)
class FakeCrm:
    leads: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    faults: deque[Reply] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    #: Where it is set, requests need the newest token.
    needs_token: bool = False
    n_tokens: int = 0
    token_refused: bool = False
    port: int = 0
    #: Instead of the answer to a listing.
    listing: Callable[[Asked], Reply] | None = None
    _server: asyncio.Server | None = None
    _last_id: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, n: int = 1, **values: Any) -> list[int]:
        """New leads, changed now. Returns their ids."""
        ids = [self._last_id + i for i in range(1, n + 1)]
        for lead_id in ids:
            self.leads[lead_id] = {"id": lead_id, "phone": f"+1202{2_000_000 + lead_id}", **values}
            self.touch(lead_id)
        self._last_id += n
        return ids

    def touch(self, lead_id: int, **values: Any) -> None:
        self.leads[lead_id] |= {**values, "updated_at": int(datetime.now(UTC).timestamp())}

    def description(self, **more: Any) -> dict[str, Any]:
        """A REST connector's configuration for this server."""
        return {
            "base_url": self.url,
            "list": {
                "path": "/leads",
                "params": {"since": "{since|epoch}", "after": "{page}", "limit": "{limit}"},
                "items": "data",
                "paging": {"kind": "id_after", "first": 0},
            },
            "map": {"variables": {"stage": "stage"}, "withdrawn": "archived", "do_not_call": "dnc"},
            "push": {
                "path": "/calls",
                "body": {"lead": "{call.external_id|int}", "uniq": "{call.attempt_id}",
                         "result": "{call.outcome}", "seconds": "{call.talk_s|int}"},
                "id": "id",
                "exists": [409],
            },
            "rate_per_s": 1000,
            **more,
        }  # fmt: skip

    # -- serving

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                await _write(writer, self._answer(asked))
        self._writers.discard(writer)
        writer.close()

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            return self._token()
        if self.faults:
            return self.faults.popleft()
        if self.needs_token and asked.headers.get("authorization") != f"Bearer t{self.n_tokens}":
            return Reply(401, {"error": "token"})
        if asked.path == "/calls":
            return self._take_call(asked.json())
        return self.listing(asked) if self.listing else self._list(asked)

    def _token(self) -> Reply:
        if self.token_refused:
            return Reply(400, {"error": "invalid_grant"})
        self.n_tokens += 1
        told = {"access_token": f"t{self.n_tokens}", "expires_in": 3600}
        return Reply(200, {**told, "refresh_token": f"r{self.n_tokens}"})

    def _take_call(self, call: dict[str, Any]) -> Reply:
        if any(known["uniq"] == call["uniq"] for known in self.calls):
            return Reply(409, {"error": "known"})
        self.calls.append(call)
        return Reply(201, {"id": len(self.calls)})

    def _list(self, asked: Asked) -> Reply:
        since, after = int(asked.query.get("since", 0)), int(asked.query.get("after", 0))
        rows = [
            lead for lead_id, lead in sorted(self.leads.items())
            if lead_id > after and lead["updated_at"] >= since
        ]  # fmt: skip
        return Reply(200, {"data": rows[: int(asked.query["limit"])]})


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Asked(method, parts.path, query, headers, body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    text = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
    body = b"" if reply.body is None else text
    size = reply.drips or reply.swells or len(body)
    date = format_datetime(datetime.now(UTC), usegmt=True)
    headers = {"Content-Type": "application/json", "Date": date, **reply.headers}
    if reply.status not in (204, 304):
        headers["Content-Length"] = str(size)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {reply.status} X\r\n{lines}\r\n".encode())
    for _ in range(reply.drips):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(DRIP_S)
    for _ in range(0, reply.swells, len(_PART)):
        writer.write(_PART)
        await writer.drain()
    writer.write(body)
    await writer.drain()
