"""The jobs of CRM connections: polls and write-back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import LockNotOwnedError
from redis.lock import Lock
from rq import Queue
from rq.serializers import JSONSerializer

from crm.connections import Connections
from crm.hook_run import send_waiting
from crm.jobs import SOCKET_TIMEOUT_S, WorkerContext, context
from crm.poll_run import run_poll
from crm.push_run import run_push
from crm.settings import CrmSettings
from engine.core.errors import DialerError, Fenced, StoreUnavailable
from engine.store import Poll, RedisStore

CRM_QUEUE = "crm"
#: Under this name a webhook keeps its secret.
HOOK_SECRET = "secret"  # noqa: S105
#: The first poll of a large CRM takes long; a poll that hangs is given up by its own time limits.
TIMEOUT_S = 4 * 3600
#: Longer than any one request of a connection.
PUSH_LEASE_S = 60
#: Longer than one round of requests to a receiver.
HOOK_LEASE_S = 30
#: A push that is queued is not queued again for so long.
QUEUED_S = 20
#: Where the connection cannot even be opened.
UNUSABLE_PAUSE_S = 60
log = structlog.get_logger(__name__)


class CrmQueue:
    """Where whoever plans leaves work for the workers."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._queue = Queue(CRM_QUEUE, connection=connection, serializer=JSONSerializer)

    @classmethod
    def at(cls, url: str) -> CrmQueue:
        timeouts = {"socket_connect_timeout": SOCKET_TIMEOUT_S, "socket_timeout": SOCKET_TIMEOUT_S}
        return cls(Redis.from_url(url, **timeouts))

    def enqueue_poll(self, poll: Poll, connector_id: str) -> None:
        """Raises RedisError; the poll comes back by itself then."""
        job_id = f"poll-{connector_id}-{poll.campaign_id}-{poll.slot_ms}-{poll.number}"
        arguments = (poll.campaign_id, poll.slot_ms, poll.number)
        self._enqueue("crm.crm_jobs.poll_source", arguments, job_id)

    def enqueue_push(self, campaign_id: int, connector_id: str) -> None:
        """One at a time, and none while the last one waits after an error. Raises RedisError."""
        key = _push_key(connector_id, campaign_id)
        if self._connection.set(key, "queued", nx=True, ex=QUEUED_S):
            number = self._connection.incr("dialer:push-seq")
            job_id = f"push-{connector_id}-{campaign_id}-{number}"
            self._enqueue("crm.crm_jobs.push_results", (campaign_id, connector_id), job_id)

    def enqueue_hooks(self, webhook_id: str) -> None:
        """One at a time. Raises RedisError."""
        if self._connection.set(_hook_key(webhook_id), "queued", nx=True, ex=QUEUED_S):
            number = self._connection.incr("dialer:push-seq")
            self._enqueue("crm.crm_jobs.send_hooks", (webhook_id,), f"hook-{webhook_id}-{number}")

    def close(self) -> None:
        self._connection.close()

    def _enqueue(self, name: str, arguments: tuple[object, ...], job_id: str) -> None:
        self._queue.enqueue(
            name, args=arguments, job_id=job_id, job_timeout=TIMEOUT_S, result_ttl=0,
            failure_ttl=24 * 3600,
        )  # fmt: skip


def poll_source(campaign_id: int, slot_ms: int, number: int) -> str:
    """The job. Returns done, stale, retry or interrupted."""
    return asyncio.run(_poll(context(), Poll(campaign_id, slot_ms, number)))


async def _poll(worker: WorkerContext, poll: Poll) -> str:
    store = await RedisStore.connect(worker.redis_url)
    try:
        connections = Connections(store, CrmSettings())
        return await run_poll(store, poll, connections.open, _may_go_on(worker))
    finally:
        await store.close()


def push_results(campaign_id: int, connector_id: str) -> str:
    """The job. Returns done, busy (another worker writes to this CRM), retry or gone."""
    worker = context()
    key = _push_key(connector_id, campaign_id)
    lease = worker.rq.lock(f"dialer:push-lease:{connector_id}", timeout=PUSH_LEASE_S)
    if not lease.acquire(blocking=False):
        worker.rq.delete(key)
        return "busy"
    try:
        pause_s = asyncio.run(_push(worker, campaign_id, lease))
    except (Fenced, LockNotOwnedError):
        return "busy"
    finally:
        _release(lease)
    if pause_s is None:
        worker.rq.delete(key)
        return "done"
    worker.rq.set(key, "waits", ex=max(1, round(pause_s)))
    return "retry"


async def _push(worker: WorkerContext, campaign_id: int, lease: Lock) -> float | None:
    """Seconds to wait after an error; None: all is told, or nobody is to be told."""

    def may_go_on() -> bool:
        lease.reacquire()
        return not worker.stop.is_set()

    store = await RedisStore.connect(worker.redis_url)
    try:
        campaign = await store.campaigns.get(campaign_id)
        row = await store.connectors.get(campaign.settings.list.connector_id or "")
        connector = Connections(store, CrmSettings()).open(row)
        try:
            return await run_push(store, campaign, connector, may_go_on)
        finally:
            await connector.close()
    except (Fenced, StoreUnavailable):
        raise
    except DialerError as error:
        log.warning("push_impossible", campaign_id=campaign_id, error=error.message)
        return UNUSABLE_PAUSE_S
    finally:
        await store.close()


def send_hooks(webhook_id: str) -> str:
    """The job. Returns done, busy (another worker sends to this receiver) or gone."""
    worker = context()
    lease = worker.rq.lock(f"dialer:hook-lease:{webhook_id}", timeout=HOOK_LEASE_S)
    if not lease.acquire(blocking=False):
        return "busy"
    try:
        return asyncio.run(_send(worker, webhook_id, lease))
    except LockNotOwnedError:
        return "busy"
    finally:
        _release(lease)
        worker.rq.delete(_hook_key(webhook_id))


async def _send(worker: WorkerContext, webhook_id: str, lease: Lock) -> str:
    def may_go_on() -> bool:
        lease.reacquire()
        return not worker.stop.is_set()

    store = await RedisStore.connect(worker.redis_url)
    try:
        webhook = await store.webhooks.get(webhook_id)
        settings = CrmSettings()
        secret = Connections(store, settings).vault.open(webhook.sealed)[HOOK_SECRET]
        await send_waiting(store, webhook, secret, settings.outbound, may_go_on)
        return "done"
    except StoreUnavailable:
        raise
    except DialerError as error:
        log.warning("webhook_impossible", webhook_id=webhook_id, error=error.message)
        return "gone"
    finally:
        await store.close()


def _release(lease: Lock) -> None:
    try:
        lease.release()
    except LockNotOwnedError:
        log.warning("push_lease_lost", name=lease.name)


def _may_go_on(worker: WorkerContext) -> Callable[[], bool]:
    return lambda: not worker.stop.is_set()


def _hook_key(webhook_id: str) -> str:
    return f"dialer:hooks:{webhook_id}"


def _push_key(connector_id: str, campaign_id: int) -> str:
    return f"dialer:push:{connector_id}:{campaign_id}"
