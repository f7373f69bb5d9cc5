"""Opens a connection by its kind: configuration checked, secrets decrypted, pace kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from crm.contact_in import field_errors
from crm.csv_folder import CsvConfig, CsvConnector
from crm.http import Http, at_once
from crm.inbound import WebhookConfig, WebhookConnector
from crm.odoo import OdooConfig, OdooConnector
from crm.port import Connector, RateLimited
from crm.rest import RestConnector
from crm.rest_auth import Keep, Token, keep_nothing
from crm.rest_spec import RestConfig
from crm.secrets import Vault
from crm.settings import CrmSettings
from crm.sql import SqlConnector
from crm.sql_spec import SqlConfig
from engine.core.errors import FieldError, Invalid
from engine.store import ConnectorRow, RedisStore

#: A request waits so long for its account's turn; after that the poll ends and comes back.
LONGEST_WAIT_S: Final = 5.0
Config = OdooConfig | RestConfig | SqlConfig | CsvConfig | WebhookConfig
KINDS: Final[Mapping[str, type[Config]]] = {
    "odoo": OdooConfig,
    "rest": RestConfig,
    "sql": SqlConfig,
    "csv": CsvConfig,
    "webhook": WebhookConfig,
}
Gate = Callable[[], Awaitable[None]]
#: Access tokens outlive the poll that fetched them; of each version of a connector one.
_TOKENS: dict[str, Token] = {}


def config_of(kind: str, values: Mapping[str, Any]) -> Config:
    """Raises Invalid; its errors name the fields under `config`."""
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise Invalid(errors=[FieldError("kind", f"is not one of: {known}")])
    try:
        return KINDS[kind].model_validate(values)
    except ValidationError as error:
        errors = field_errors(error.errors(), "config")
        raise Invalid("The connector is not valid.", errors) from None


def connector_of(
    config: Config,
    secrets: Mapping[str, str],
    settings: CrmSettings,
    *,
    gate: Gate = at_once,
    keep: Keep = keep_nothing,
    token: Token | None = None,
    inbox: tuple[RedisStore, str] | None = None,
) -> Connector:
    """With every secret that `config.secrets` names. Close it. Raises Invalid without an inbox."""
    match config:
        case SqlConfig():
            return SqlConnector(config, secrets, settings.outbound, settings.files, gate)
        case CsvConfig():
            return CsvConnector(config, settings.files)
        case WebhookConfig():
            if inbox is None:
                raise Invalid(errors=[FieldError("kind", "webhook is tried with real messages")])
            return WebhookConnector(config, *inbox)
    http = Http(config.address, settings.outbound, gate=gate)
    if isinstance(config, OdooConfig):
        return OdooConnector(config, secrets["api_key"], http)
    return RestConnector(config, secrets, http, keep=keep, token=token)


class Connections:
    """Opens connections of one store."""

    def __init__(self, store: RedisStore, settings: CrmSettings) -> None:
        self._store, self._settings = store, settings
        self._vault = Vault(settings.secret_keys)

    @property
    def vault(self) -> Vault:
        return self._vault

    def open(self, row: ConnectorRow) -> Connector:
        """Raises Invalid, NoSecretKey, SecretsUnreadable. Close it."""
        config, secrets = config_of(row.kind, row.config), self._vault.open(row.sealed)
        missing = sorted(config.secrets - secrets.keys())
        if missing:
            errors = [FieldError(f"secrets.{name}", "is missing") for name in missing]
            raise Invalid(f"The connector lacks secrets: {', '.join(missing)}.", errors)
        return connector_of(
            config, secrets, self._settings, gate=self._gate(row.id, config.rate_per_s),
            keep=self._keep(row), inbox=(self._store, row.id),
            token=_TOKENS.setdefault(f"{row.id}:{row.version}:{config.address}", Token()),
        )  # fmt: skip

    def _gate(self, connector_id: str, rate: float) -> Gate:
        async def wait() -> None:
            burst = max(1, round(rate / 2))
            while True:
                pause_s = await self._store.connectors.wait_s(connector_id, rate, burst, _now())
                if not pause_s:
                    return
                if pause_s > LONGEST_WAIT_S:
                    raise RateLimited("The CRM's account rests after too many requests.", pause_s)
                await asyncio.sleep(pause_s)

        return wait

    def _keep(self, row: ConnectorRow) -> Callable[[Mapping[str, str]], Awaitable[None]]:
        """Some CRMs give a new refresh token with each access token: the old one is worthless."""

        async def keep(new: Mapping[str, str]) -> None:
            current = await self._store.connectors.get(row.id)
            secrets = {**self._vault.open(current.sealed), **new}
            await self._store.connectors.replace_secrets(current, self._vault.seal(secrets))

        return keep


def _now() -> datetime:
    return datetime.now(UTC)
