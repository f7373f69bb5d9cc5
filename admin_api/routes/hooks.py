"""What CRMs send to us: signed messages that bring contacts, or only ask for an early poll.

The signature takes the place of a token. A message that comes again is answered as the first time
and changes nothing.
"""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from admin_api.context import Context, Ctx
from admin_api.problems import ApiError
from crm.connections import Config, Connections, config_of
from crm.inbound import WebhookConfig, records_of
from crm.port import Rejected
from crm.settings import CrmSettings
from crm.signature import BadSignature, message_id_of
from engine.core.errors import FieldError, Invalid, NotFound
from engine.store import ConnectorRow

router = APIRouter(prefix="/hooks", include_in_schema=False)
RETRY_AFTER_S = "60"
ConnectorId = Annotated[str, Path(pattern=r"^[1-9][0-9]{0,15}$")]


class Taken(BaseModel):
    """`repeated`: this message was taken before."""

    records: int
    repeated: bool = False


@router.post("/{connector_id}", status_code=202)
async def take(connector_id: ConnectorId, request: Request, ctx: Ctx) -> Taken:
    row, config, secret = await _known(ctx, connector_id)
    body = await request.body()
    assert config.hook is not None
    try:
        message_id = message_id_of(config.hook, secret, request.headers, body, time.time())
    except BadSignature as error:
        raise ApiError(401, "bad_signature", str(error)) from None
    records = _records(config, body) if isinstance(config, WebhookConfig) else []
    n = await ctx.store.inbox.take(row.id, message_id, records, ctx.now())
    if n == -1:
        raise ApiError(503, "inbox_full", "Too much waits to be read.", Retry_After=RETRY_AFTER_S)
    if n is not None:
        await ctx.store.polls.now(await _readers(ctx, row.id), ctx.now())
    return Taken(records=n or 0, repeated=n is None)


async def _known(ctx: Context, connector_id: str) -> tuple[ConnectorRow, Config, str]:
    """A connection that takes messages. Others are not told from those that do not exist."""
    row = await ctx.store.connectors.get(connector_id)
    config = config_of(row.kind, row.config)
    secrets = Connections(ctx.store, CrmSettings()).vault.open(row.sealed)
    if config.hook is None or config.hook.secret not in secrets:
        raise NotFound("There is no such connector.")
    return row, config, secrets[config.hook.secret]


def _records(config: WebhookConfig, body: bytes) -> list[str]:
    """As texts. Raises Invalid."""
    try:
        message: Any = json.loads(body)
        return [json.dumps(record) for record in records_of(config, message)]
    except ValueError:
        message_text = "is not JSON"
    except Rejected as error:
        message_text = error.message
    raise Invalid("The message is not valid.", [FieldError("body", message_text)])


async def _readers(ctx: Context, connector_id: str) -> list[int]:
    """Open campaigns that read from the connection."""
    campaigns = await ctx.each(map(ctx.store.campaigns.get, await ctx.store.campaigns.open_ids()))
    return [one.id for one in campaigns if one.settings.list.connector_id == connector_id]
