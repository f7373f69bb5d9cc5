"""Jobs that RQ runs: the import of uploaded calling lists; those for CRMs are in `crm.crm_jobs`.

RQ has its own connection (RQ_REDIS_URL or REDIS_URL), synchronous. A job may be killed at any
instant and run again: its position is committed with its counts, and one lease for each import
keeps two workers from reading the same upload at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog
from redis import Redis
from redis.exceptions import LockNotOwnedError
from redis.lock import Lock
from rq import Queue
from rq.serializers import JSONSerializer

from crm.import_run import run
from engine.store import RedisStore

IMPORTS_QUEUE = "imports"
#: How long a killed worker's import stays untouchable.
LEASE_S = 10
TIMEOUT_S = 4 * 3600
SOCKET_TIMEOUT_S = 5
log = structlog.get_logger(__name__)


class Stop(Protocol):
    """As threading.Event and multiprocessing.Event."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass(slots=True)
class WorkerContext:
    """What jobs need of the process that runs them; RQ itself only calls functions by name."""

    redis_url: str
    rq: Redis
    stop: Stop


_context: WorkerContext | None = None


def set_context(context: WorkerContext) -> None:
    global _context
    _context = context


def context() -> WorkerContext:
    if _context is None:
        raise RuntimeError("jobs run in a worker of this project only: dialer worker")
    return _context


def rq_connection(url: str) -> Redis:
    """RQ reads bytes, so nothing is decoded; blocking reads set their own longer timeout."""
    return Redis.from_url(url, socket_connect_timeout=SOCKET_TIMEOUT_S, health_check_interval=30)


class ImportQueue:
    """Where the API leaves work for the workers."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._queue = Queue(IMPORTS_QUEUE, connection=connection, serializer=JSONSerializer)

    @classmethod
    def at(cls, url: str) -> ImportQueue:
        connection = Redis.from_url(
            url, socket_connect_timeout=SOCKET_TIMEOUT_S, socket_timeout=SOCKET_TIMEOUT_S
        )
        return cls(connection)

    @property
    def connection(self) -> Redis:
        return self._connection

    def enqueue(self, import_id: str) -> None:
        """A second job for the same import does no harm: it returns. Raises RedisError."""
        self._queue.enqueue(
            "crm.jobs.run_import",
            import_id,
            job_id=f"import-{import_id}-{secrets.token_hex(4)}",
            job_timeout=TIMEOUT_S,
            result_ttl=0,
            failure_ttl=24 * 3600,
        )

    def is_waiting_or_running(self, import_id: str) -> bool:
        mine = f"import-{import_id}-"
        waiting = any(job_id.startswith(mine) for job_id in self._queue.get_job_ids())
        return waiting or bool(self._connection.exists(_lease_name(import_id)))

    def close(self) -> None:
        self._connection.close()


def run_import(import_id: str) -> str:
    """The job. Returns what came of it: done, failed, interrupted, busy or gone."""
    worker = context()
    with _lease(worker.rq, import_id) as lease:
        if lease is None:
            return "busy"
        return asyncio.run(_run(worker, import_id, lease))


async def _run(context: WorkerContext, import_id: str, lease: Lock) -> str:
    def may_go_on() -> bool:
        """Also keeps the lease. Blocking is fine: nothing else runs in this loop."""
        lease.reacquire()
        return not context.stop.is_set()

    store = await RedisStore.connect(context.redis_url)
    try:
        return await run(store, import_id, may_go_on)
    except LockNotOwnedError:
        log.warning("import_lease_lost", import_id=import_id)
        return "busy"
    finally:
        await store.close()


@contextlib.contextmanager
def _lease(connection: Redis, import_id: str) -> Iterator[Lock | None]:
    lock = connection.lock(_lease_name(import_id), timeout=LEASE_S, blocking=False)
    if not lock.acquire():
        yield None
        return
    try:
        yield lock
    finally:
        with contextlib.suppress(LockNotOwnedError):
            lock.release()


def _lease_name(import_id: str) -> str:
    return f"dialer:import-lease:{import_id}"
