"""Leads from a database: a query of the administrator's, paged by id in overlapping windows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Engine, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from crm.cursor import Cursor
from crm.files import Files
from crm.http import TIMEOUT_S, at_once
from crm.mapping import lead_of, look
from crm.outbound import Outbound
from crm.port import CallResult, Connector, Health, Page, Receipt, Rejected, Transient
from crm.sql_engine import error_of, open_engine
from crm.sql_spec import SqlConfig, names_in
from crm.template import FILTERS

N_SAMPLE = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


class SqlConnector(Connector):
    """Each call has a connection of its own; the driver blocks, so it runs in a thread."""

    def __init__(
        self,
        config: SqlConfig,
        secrets: Mapping[str, str],
        rules: Outbound,
        files: Files,
        gate: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        self._config, self._gate = config, gate
        self._rules, self._files = rules, files
        self._password = secrets[config.password] if config.password else None
        self._engine: Engine | None = None

    @property
    def overlap_s(self) -> float:
        return self._config.overlap_s

    @property
    def page_size(self) -> int:
        return self._config.page_size

    async def fetch(self, cursor: Cursor, limit: int) -> Page:
        rows, server_at = await self._run(partial(self._rows, cursor, limit))
        leads = [lead_of(row, self._config.map) for row in rows]
        is_full = len(rows) == limit
        next_page = str(look(self._config.map.external_id, rows[-1])) if is_full else None
        return Page(leads=leads, next_page=next_page, server_at=server_at)

    async def push(self, result: CallResult) -> Receipt:
        if self._config.push is None:
            return Receipt()
        return await self._run(partial(self._write, result))

    async def existing(self, external_ids: Sequence[str]) -> frozenset[str] | None:
        if self._config.existing is None:
            return None
        return await self._run(partial(self._still_there, external_ids))

    async def check(self) -> Health:
        page = await self.fetch(Cursor(None, None), N_SAMPLE)
        detail = (
            f"{len(page.leads)} rows read; the database says it is {page.server_at:%H:%M:%S} UTC."
        )
        return Health(ok=True, detail=detail, sample=page.leads)

    async def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    # -- in the thread

    def _rows(
        self, cursor: Cursor, limit: int, connection: Connection
    ) -> tuple[Sequence[Mapping[str, Any]], datetime]:
        server_at = _instant(connection.execute(text(self._config.clock)).scalar())
        since = cursor.since or _EPOCH
        last_id = self._config.first_id if cursor.page is None else self._id(cursor.page)
        values = {"since": self._since(since), "last_id": last_id, "limit": limit}
        found = connection.execute(text(self._config.query), values)
        rows = [_plain(dict(row)) for row in found.mappings().fetchmany(limit)]
        return rows, server_at - timedelta(seconds=1)

    def _write(self, result: CallResult, connection: Connection) -> Receipt:
        spec = self._config.push
        assert spec is not None
        if spec.opt_out and result.do_not_call:
            self._execute(connection, spec.opt_out, result)
        if spec.known and self._execute(connection, spec.known, result).first() is not None:
            return Receipt(was_there=True)
        if self._execute(connection, spec.sql, result).rowcount == 0:
            raise Rejected("The statement changed no row.")
        return Receipt()

    def _still_there(self, external_ids: Sequence[str], connection: Connection) -> frozenset[str]:
        assert self._config.existing is not None
        statement = text(self._config.existing).bindparams(bindparam("ids", expanding=True))
        ids = [self._id(one) for one in external_ids]
        return frozenset(str(row[0]) for row in connection.execute(statement, {"ids": ids}))

    def _execute(self, connection: Connection, sql: str, result: CallResult) -> CursorResult[Any]:
        values = {name: getattr(result, name) for name in names_in(sql)}
        return connection.execute(text(sql), {n: self._given(v) for n, v in values.items()})

    # -- values

    def _id(self, external_id: str) -> int | str:
        """As the column has it, which `first_id` shows."""
        if not isinstance(self._config.first_id, int):
            return external_id
        try:
            return int(external_id)
        except ValueError:
            raise Rejected(f"{external_id} is no number: set first_id to a text.") from None

    def _since(self, at: datetime) -> object:
        match self._config.since_as:
            case "timestamp":
                return at
            case "naive":
                return at.astimezone(UTC).replace(tzinfo=None)
        return FILTERS[self._config.since_as](at)

    def _given(self, value: object) -> object:
        return self._since(value) if isinstance(value, datetime) else value

    async def _run(self, work: Callable[[Connection], T]) -> T:
        """In one transaction. Raises CrmError."""
        await self._gate()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.to_thread(self._transact, work)
        except TimeoutError as error:
            raise Transient(f"No answer within {TIMEOUT_S:g} s.") from error

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._engine is None:
                self._engine = open_engine(
                    self._config.url, self._password, self._rules, self._files
                )
            with self._engine.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise error_of(error) from error


def _instant(value: object) -> datetime:
    """A database's time; in UTC where it names no zone."""
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise Rejected(f"`clock` gave {value!r}, which is no time.") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON would have it, which is what the mapping's expressions know."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case UUID():
            return str(value)
        case bytes() | memoryview():
            return None
    return value
