"""Connections to CRMs. Secrets are opaque here: sealed before they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from engine.core.errors import NotFound, VersionConflict
from engine.store import codec
from engine.store.audit import entry
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke

#: A pause that a CRM asks for is bounded: a wrong answer must not silence it for ever.
LONGEST_REST_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRow:
    id: str
    name: str
    kind: str
    config: Mapping[str, Any]
    #: Encrypted; empty without secrets.
    sealed: str
    #: Names of the secrets that are set.
    secret_names: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    version: int = 1


class RedisConnectors:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._by_id = keys.connectors("by_id")

    async def create(
        self,
        *,
        name: str,
        kind: str,
        config: Mapping[str, Any],
        sealed: str,
        secret_names: Sequence[str],
        actor: str,
        now: datetime,
    ) -> ConnectorRow:
        number = await self._link.call("INCR", self._keys.connectors("seq"))
        row = ConnectorRow(
            id=str(number), name=name, kind=kind, config=config, sealed=sealed,
            secret_names=tuple(secret_names), created_at=now, updated_at=now,
        )  # fmt: skip
        text = _to_json(row)
        await self._link.call("HSET", self._by_id, row.id, text)
        await self._note(row, "connector_create", actor, now)
        return _of_json(text)

    async def get(self, connector_id: str) -> ConnectorRow:
        """Raises NotFound."""
        text = await self._link.call("HGET", self._by_id, connector_id)
        if text is None:
            raise NotFound("There is no such connector.")
        return _of_json(text)

    async def list(self) -> Sequence[ConnectorRow]:
        """Oldest first."""
        rows = [_of_json(text) for text in await self._link.call("HVALS", self._by_id)]
        return sorted(rows, key=lambda row: int(row.id))

    async def save(
        self, row: ConnectorRow, actor: str, now: datetime, *, changed: Sequence[str] = ()
    ) -> ConnectorRow:
        """An edit of what was read; `changed`: names for the audit log. Raises NotFound,
        VersionConflict."""
        text = _to_json(replace(row, version=row.version + 1, updated_at=now))
        await self._swap(row, text)
        await self._note(row, "connector_edit", actor, now, changed=list(changed))
        return _of_json(text)

    async def replace_secrets(self, row: ConnectorRow, sealed: str) -> None:
        """By the connection itself, not an edit. Raises NotFound, VersionConflict."""
        await self._swap(row, _to_json(replace(row, sealed=sealed)))

    async def delete(self, row: ConnectorRow, actor: str, now: datetime) -> None:
        """Raises NotFound, VersionConflict."""
        await self._swap(row, "")
        await self._note(row, "connector_delete", actor, now)

    async def wait_s(self, connector_id: str, rate: float, burst: int, now: datetime) -> float:
        """Seconds until the account may be used; 0: now, and that is counted."""
        bucket = [self._keys.connectors(f"pace:{connector_id}")]
        command = invoke("pace", bucket, codec.to_ms(now), rate, burst)
        return int((await self._link.batch([command]))[0]) / 1000

    async def rest(self, connector_id: str, seconds: float, now: datetime) -> None:
        """No worker uses the account for so long."""
        until = codec.to_ms(now) + int(min(seconds, LONGEST_REST_S) * 1000)
        key = self._keys.connectors(f"pace:{connector_id}")
        await self._link.batch([("HSET", key, "rests_until", until), ("PEXPIRE", key, 86_400_000)])

    async def _swap(self, row: ConnectorRow, text: str) -> None:
        command = invoke("save_connector", [self._by_id], row.id, str(row.version), text)
        saved = (await self._link.batch([command]))[0]
        if saved == -1:
            raise NotFound("There is no such connector.")
        if not saved:
            raise VersionConflict

    async def _note(
        self, row: ConnectorRow, what: str, actor: str, now: datetime, **detail: object
    ) -> None:
        subject = f"connector:{row.id}"
        noted = entry(self._keys, now, actor, what, subject, name=row.name, **detail)
        await self._link.batch([noted])


def _to_json(row: ConnectorRow) -> str:
    return codec.to_json({
        "id": row.id, "name": row.name, "kind": row.kind, "config": dict(row.config),
        "sealed": row.sealed, "secret_names": list(row.secret_names), "version": row.version,
        "created_at": codec.to_ms(row.created_at), "updated_at": codec.to_ms(row.updated_at),
    })  # fmt: skip


def _of_json(text: str) -> ConnectorRow:
    values = codec.from_json(text)
    for name in ("created_at", "updated_at"):
        values[name] = codec.from_ms(values[name])
    values["secret_names"] = tuple(values["secret_names"])
    return ConnectorRow(**values)
