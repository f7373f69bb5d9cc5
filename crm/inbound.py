"""Leads that a CRM pushes by signed webhooks: kept in an inbox, read from there as from any CRM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crm.cursor import Cursor
from crm.mapping import LeadMapping, Path, lead_of, look
from crm.port import CallResult, Connector, Health, Lead, Page, Receipt, Rejected
from crm.source_config import HookSpec, SourceConfig
from engine.store import RedisStore

N_SAMPLE = 5
MAX_RECORDS = 1000


class WebhookConfig(SourceConfig):
    """`items`: JMESPath to the records in a message; without it the message is one, or a list."""

    hook: HookSpec = HookSpec()
    items: Path | None = None
    map: LeadMapping = LeadMapping(withdrawn="withdrawn", do_not_call="do_not_call")


class WebhookConnector(Connector):
    def __init__(self, config: WebhookConfig, store: RedisStore, connector_id: str) -> None:
        self._config, self._store, self._id = config, store, connector_id

    @property
    def overlap_s(self) -> float:
        return self._config.overlap_s

    @property
    def page_size(self) -> int:
        return 500

    async def fetch(self, cursor: Cursor, limit: int) -> Page:
        server_at = await self._store.inbox.clock() - timedelta(seconds=1)
        rows = await self._store.inbox.read(self._id, cursor.since, cursor.page, limit)
        leads = [self._lead(json.loads(text)) for _, text in rows]
        next_page = rows[-1][0] if len(rows) == limit else None
        return Page(leads=leads, next_page=next_page, server_at=server_at)

    async def push(self, result: CallResult) -> Receipt:
        """Who pushes to us is told by outgoing webhooks, if at all."""
        return Receipt()

    async def check(self) -> Health:
        page = await self.fetch(Cursor(None, None), N_SAMPLE)
        detail = f"Waits for signed messages at /hooks/{self._id}."
        return Health(ok=True, detail=detail, sample=page.leads)

    async def close(self) -> None:
        """The store is its owner's."""

    def _lead(self, record: Mapping[str, Any]) -> Lead:
        return lead_of(record, self._config.map)


def records_of(config: WebhookConfig, message: object) -> list[Mapping[str, Any]]:
    """Those that a message brings, each with an id. Raises Rejected."""
    found = look(config.items, message) if config.items else message
    records: list[Any] = found if isinstance(found, list) else [found]
    if not records or len(records) > MAX_RECORDS:
        raise Rejected(f"A message brings 1 to {MAX_RECORDS} records.")
    for record in records:
        if not isinstance(record, Mapping):
            raise Rejected("A record is a JSON object.")
        lead_of(record, config.map)
    return records
