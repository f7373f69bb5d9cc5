"""Write-back: the CRM is told of every attempt, in order, at least once, by one worker."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from crm.backoff import wait_s
from crm.port import CallResult, Connector, CrmError, RateLimited, Rejected, Transient
from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign
from engine.store import RedisStore, Waiting
from engine.store.outbox import Push

#: A server error that comes back so often is this record's fault: others must get past it.
MAX_TRIES = 12
log = structlog.get_logger(__name__)


async def run_push(
    store: RedisStore, campaign: Campaign, connector: Connector, may_go_on: Callable[[], bool]
) -> float | None:
    """Tell the CRM all that waits. Returns seconds to wait after an error, None when all is told.

    Raises Fenced, StoreUnavailable.
    """
    push = await store.outbox.begin(campaign.id)
    while may_go_on() and (waiting := await store.outbox.read(push)):
        for each in waiting:
            if not may_go_on():
                return None
            pause_s = await _one(store, push, campaign, connector, each)
            if pause_s is not None:
                return pause_s
    return None


async def _one(
    store: RedisStore, push: Push, campaign: Campaign, connector: Connector, waiting: Waiting
) -> float | None:
    connector_id = campaign.settings.list.connector_id or ""
    is_lead = await store.outbox.is_lead(campaign.id, connector_id, waiting.record)
    if waiting.is_superseded or not is_lead:
        await store.outbox.acknowledge(push, waiting, "skipped", _now())
        return None
    try:
        await connector.push(result_of(waiting.record, campaign.name))
    except CrmError as error:
        return await _failed(store, push, connector_id, waiting, error)
    await store.outbox.acknowledge(push, waiting, "pushed", _now())
    return None


async def _failed(
    store: RedisStore, push: Push, connector_id: str, waiting: Waiting, error: CrmError
) -> float | None:
    """Refused for good: a dead letter, and on; else the same one again later."""
    tries = await store.outbox.failed(push, error.message)
    is_hopeless = isinstance(error, Transient) and tries >= MAX_TRIES
    log.warning(
        "push_failed", campaign_id=push.campaign_id, attempt_id=waiting.record.attempt_id,
        code=error.code, error=error.message, tries=tries,
    )  # fmt: skip
    if isinstance(error, Rejected) or is_hopeless:
        await store.outbox.acknowledge(push, waiting, "dead", _now(), error.message)
        return None
    if isinstance(error, RateLimited):
        await store.connectors.rest(connector_id, error.retry_after_s, _now())
    return wait_s(error, tries, 0, random.random())  # noqa: S311


def result_of(record: AttemptRecord, campaign_name: str) -> CallResult:
    return CallResult(
        attempt_id=record.attempt_id,
        external_id=record.external_id or "",
        phone=record.phone,
        outcome=record.outcome.value,
        disposition=record.disposition,
        started_at=record.started_at,
        answered_at=record.answered_at,
        ended_at=record.ended_at,
        talk_s=record.talk_s or 0.0,
        agent_id=record.agent_id,
        campaign=campaign_name,
        rev=record.rev,
    )


def _now() -> datetime:
    return datetime.now(UTC)
