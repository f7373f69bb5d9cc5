"""Sends what waits for one receiver: signed, bounded in time, again after errors, not for ever."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from crm.http import Answer, Http, retry_after_s
from crm.outbound import Outbound
from crm.port import Blocked, CrmError
from crm.signature import headers_of
from engine.store import Delivery, DeliveryStatus, RedisStore, Webhook

#: Waits between tries, seconds; after the last one it has failed. 28 hours in sum.
RETRIES_S: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200)
TIMEOUT_S: Final = 15.0
MAX_ANSWER_BYTES: Final = 65_536
AT_ONCE: Final = 8
#: A receiver that does not answer at all rests, doubling, at most so long.
FIRST_REST_S, LONGEST_REST_S = 5.0, 300.0
GONE: Final = 410
_MAX_ERROR_CHARS: Final = 300
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one request. `answer` None: none came."""

    answer: Answer | None
    error: str
    #: Asking again cannot help: the address is not allowed.
    is_hopeless: bool = False

    @property
    def is_delivered(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status < 300


async def send_waiting(
    store: RedisStore,
    webhook: Webhook,
    secret: str,
    rules: Outbound,
    may_go_on: Callable[[], bool],
) -> int:
    """Until nothing is due, or the receiver does not answer. Returns how many were delivered."""
    http = Http(webhook.url, rules, timeout_s=TIMEOUT_S, max_bytes=MAX_ANSWER_BYTES)
    n_delivered = 0
    try:
        while may_go_on():
            due = await store.webhooks.begin(webhook.id, AT_ONCE, _now())
            if not due:
                break
            tried = await asyncio.gather(*(_try(http, webhook, secret, one) for one in due))
            for delivery, result in zip(due, tried, strict=True):
                await store.webhooks.end(webhook.id, _after(webhook, delivery, result))
                n_delivered += result.is_delivered
            if not await _goes_on(store, webhook, tried):
                break
        return n_delivered
    finally:
        await http.close()


async def _try(http: Http, webhook: Webhook, secret: str, delivery: Delivery) -> Tried:
    body = delivery.body.encode()
    headers = headers_of(secret, delivery.message_id, int(time.time()), body)
    headers["Content-Type"] = "application/json"
    try:
        answer = await http.send("POST", http.base_url, content=body, headers=headers)
    except Blocked as error:
        return Tried(None, error.message, is_hopeless=True)
    except CrmError as error:
        return Tried(None, error.message)
    told = answer.body[:_MAX_ERROR_CHARS].decode(errors="replace")
    return Tried(answer, "" if 200 <= answer.status < 300 else told)


def _after(webhook: Webhook, delivery: Delivery, tried: Tried) -> Delivery:
    """The delivery with what came of this try."""
    tries, answer, now = delivery.tries + 1, tried.answer, _now()
    done = replace(
        delivery, tries=tries, answer=answer.status if answer else None, last_at=now,
        error=tried.error[:_MAX_ERROR_CHARS], next_at=None,
    )  # fmt: skip
    if tried.is_delivered:
        return replace(done, status=DeliveryStatus.DELIVERED)
    is_gone = answer is not None and answer.status == GONE
    if tried.is_hopeless or is_gone or tries > len(RETRIES_S):
        log.warning(
            "webhook_failed", webhook_id=webhook.id, message_id=delivery.message_id,
            answer=done.answer, error=done.error, tries=tries,
        )  # fmt: skip
        return replace(done, status=DeliveryStatus.FAILED)
    return replace(done, next_at=now + timedelta(seconds=_wait_s(tries, answer)))


def _wait_s(tries: int, answer: Answer | None) -> float:
    asked_s = 0.0
    if answer is not None and answer.status in (429, 503) and "retry-after" in answer.headers:
        asked_s = retry_after_s(answer)
    chance = random.random()  # noqa: S311
    return max(RETRIES_S[tries - 1] * (0.8 + 0.4 * chance), asked_s)


async def _goes_on(store: RedisStore, webhook: Webhook, tried: Sequence[Tried]) -> bool:
    """Whether to send more now. A receiver that is away rests; one that is gone is told no more."""
    if any(one.answer is not None and one.answer.status == GONE for one in tried):
        current = await store.webhooks.get(webhook.id)
        gone = replace(current, enabled=False, note="The receiver answered 410 Gone.")
        await store.webhooks.save(gone, "engine", _now())
        return False
    if any(one.is_delivered for one in tried):
        await store.webhooks.rest(webhook.id, None)
        return True
    if all(one.is_hopeless for one in tried):
        return True
    n = await store.webhooks.n_failures(webhook.id)
    rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(n, 20))
    await store.webhooks.rest(webhook.id, _now() + timedelta(seconds=rest_s))
    return False


def _now() -> datetime:
    return datetime.now(UTC)
