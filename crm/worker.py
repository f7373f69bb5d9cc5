"""The worker process: runs RQ's jobs, finds imports whose job was lost, and plans CRM polls.

RQ's SimpleWorker runs a job in the worker's own process. A forking worker that is killed leaves
its child running, so that two processes would read one upload; here kill -9 ends the job with
its worker. Jobs are our own code and look at `stop` between chunks, so SIGTERM ends both in
seconds and the next worker goes on where this one stood.

Imports run in the main thread. Polls and write-back wait for CRMs most of their time, so several
threads run them beside, each a worker of RQ's own: a long import or a slow CRM keeps no poll
waiting.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from crm.crm_jobs import CRM_QUEUE
from crm.import_run import waiting_imports
from crm.jobs import IMPORTS_QUEUE, ImportQueue, Stop, WorkerContext, rq_connection, set_context
from crm.schedule import run_schedule
from engine.core.errors import StoreUnavailable
from engine.store import RedisStore

SWEEP_S = 30.0
#: Connections to CRMs that a process serves at once.
N_CRM_THREADS = 4
#: An idle thread looks so often whether it is to end.
IDLE_S = 2
JOIN_S = 10.0
log = structlog.get_logger(__name__)


def run_worker(
    redis_url: str,
    rq_url: str | None = None,
    queues: Sequence[str] = (IMPORTS_QUEUE,),
    stop: Stop | None = None,
    sweep_s: float = SWEEP_S,
    n_crm_threads: int = N_CRM_THREADS,
) -> None:
    """Work until SIGTERM, SIGINT or `stop`. Must run in the main thread: it handles signals.

    Raises StoreUnavailable when Redis does not answer at the start.
    """
    asyncio.run(_check(redis_url))
    connection = rq_connection(rq_url or redis_url)
    ending = threading.Event()
    set_context(WorkerContext(redis_url, connection, ending))
    urls = (redis_url, rq_url or redis_url)
    crm = partial(_run_crm_jobs, urls[1], ending)
    beside = [
        threading.Thread(target=_sweep_until, args=(*urls, ending, sweep_s), daemon=True),
        threading.Thread(target=run_schedule, args=(*urls, ending), daemon=True),
        *(threading.Thread(target=crm, daemon=True) for _ in range(n_crm_threads)),
    ]
    for thread in beside:
        thread.start()
    if stop is not None:
        threading.Thread(target=_end_when_asked, args=(stop, ending), daemon=True).start()
    try:
        worker = _Worker(list(queues), connection=connection, serializer=JSONSerializer)
        worker.ending = ending
        worker.work(logging_level="WARNING")
    finally:
        ending.set()
        for thread in beside:
            thread.join(timeout=JOIN_S)
        connection.close()


class _Worker(SimpleWorker):
    #: Not the owner's event: setting that in a signal handler could wait for its own lock.
    ending: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> Any:
        """Tells the running job too; a job that goes on would be waited for."""
        self.ending.set()
        return super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


class _ThreadWorker(SimpleWorker):
    """RQ's worker in a thread: signals and remote commands are the main thread's."""

    death_penalty_class = TimerDeathPenalty
    ending: threading.Event

    def _install_signal_handlers(self) -> None:
        pass

    def subscribe(self) -> None:
        pass

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """None: the work is over."""
        while not self.ending.is_set():
            found: tuple[Job, Queue] | None = super().dequeue_job_and_maintain_ttl(IDLE_S, IDLE_S)
            if found is not None:
                return found
        return None


def _run_crm_jobs(rq_url: str, ending: threading.Event) -> None:
    """RQ's worker gives up when its Redis does not answer; begin again then."""
    while not ending.is_set():
        connection = rq_connection(rq_url)
        try:
            worker = _ThreadWorker([CRM_QUEUE], connection=connection, serializer=JSONSerializer)
            worker.ending = ending
            worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning("crm_worker_lost_redis", error=str(error))
        finally:
            connection.close()
        ending.wait(1)


async def _check(redis_url: str) -> None:
    store = await RedisStore.connect(redis_url)
    await store.close()


def _end_when_asked(stop: Stop, ending: threading.Event) -> None:
    """RQ waits for jobs in a blocking read and knows only signals."""
    stop.wait()
    if not ending.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _sweep_until(redis_url: str, rq_url: str, ending: threading.Event, sweep_s: float) -> None:
    """At the start and every `sweep_s`."""
    while not ending.is_set():
        try:
            asyncio.run(sweep(redis_url, rq_url))
        except (StoreUnavailable, RedisError) as error:
            log.warning("import_sweep_failed", error=str(error))
        ending.wait(sweep_s)


async def sweep(redis_url: str, rq_url: str) -> int:
    """Put a job into the queue for every import that has none. Returns how many."""
    store, queue = await RedisStore.connect(redis_url), ImportQueue.at(rq_url)
    try:
        n_queued = 0
        for import_id in await waiting_imports(store):
            if not queue.is_waiting_or_running(import_id):
                queue.enqueue(import_id)
                n_queued += 1
        return n_queued
    finally:
        queue.close()
        await store.close()
