"""Write-back: the CRM is told of every attempt, in order, at least once, by one worker."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
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
_Told = Sequence[tuple[Waiting, CallResult]]


async def run_push(
    store: RedisStore, campaign: Campaign, connector: Connector, may_go_on: Callable[[], bool]
) -> float | None:
    """Tell the CRM all that waits. Returns seconds to wait after an error, None when all is told.

    Raises Fenced, StoreUnavailable.
    """
    push = await store.outbox.begin(campaign.id)
    while may_go_on() and (waiting := await store.outbox.read(push)):
        for start in range(0, len(waiting), connector.max_batch):
            if not may_go_on():
                return None
            group = waiting[start : start + connector.max_batch]
            pause_s = await _group(store, push, campaign, connector, group)
            if pause_s is not None:
                return pause_s
    return None


async def _group(
    store: RedisStore,
    push: Push,
    campaign: Campaign,
    connector: Connector,
    group: Sequence[Waiting],
) -> float | None:
    connector_id = campaign.settings.list.connector_id or ""
    wanted: list[Waiting] = []
    for one in group:
        is_lead = await store.outbox.is_lead(campaign.id, connector_id, one.record)
        if one.is_superseded or not is_lead:
            await store.outbox.acknowledge(push, one, "skipped", _now())
        else:
            wanted.append(one)
    results = await _results(store, campaign, wanted)
    return await _tell(
        store, push, connector_id, connector, list(zip(wanted, results, strict=True))
    )


async def _tell(
    store: RedisStore, push: Push, connector_id: str, connector: Connector, told: _Told
) -> float | None:
    """All in one request; one by one where the CRM refuses them together."""
    if not told:
        return None
    try:
        answers = await connector.push_batch([result for _, result in told])
    except CrmError as error:
        if len(told) > 1 and (
            isinstance(error, Rejected) or await _is_hopeless(store, push, error)
        ):
            for one in told:
                pause_s = await _tell(store, push, connector_id, connector, [one])
                if pause_s is not None:
                    return pause_s
            return None
        return await _failed(store, push, connector_id, told[0][0], error)
    for (waiting, _), answer in zip(told, answers, strict=True):
        if isinstance(answer, Rejected):
            await _failed(store, push, connector_id, waiting, answer)
        else:
            await store.outbox.acknowledge(push, waiting, "pushed", _now())
    return None


async def _is_hopeless(store: RedisStore, push: Push, error: CrmError) -> bool:
    """Some of them may be what the CRM cannot digest."""
    tries = (await store.outbox.status(push.campaign_id)).n_tries
    return isinstance(error, Transient) and tries + 1 >= MAX_TRIES


async def _results(
    store: RedisStore, campaign: Campaign, wanted: Sequence[Waiting]
) -> Sequence[CallResult]:
    """With what the do-not-call lists of all, and of this connection, say of the number now."""
    scopes = (f"k{campaign.settings.list.connector_id}",)
    listed = await store.dnc.listed([(one.record.phone, scopes) for one in wanted])
    return [
        result_of(one.record, campaign.name, do_not_call=is_listed)
        for one, is_listed in zip(wanted, listed, strict=True)
    ]


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


def result_of(
    record: AttemptRecord, campaign_name: str, *, do_not_call: bool = False
) -> CallResult:
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
        do_not_call=do_not_call,
    )


def _now() -> datetime:
    return datetime.now(UTC)
