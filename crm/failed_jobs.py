"""Jobs that ended with an error nobody expected: kept for a day, to be seen and tried again.

Errors that are expected (a CRM that is away, credentials that ended) are not here: polls,
write-back and webhooks tell of those themselves, and come back by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from crm.crm_jobs import CRM_QUEUE
from crm.jobs import IMPORTS_QUEUE

QUEUES: Final = (IMPORTS_QUEUE, CRM_QUEUE)
MAX_LISTED: Final = 200
_MAX_ERROR_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class FailedJob:
    id: str
    queue: str
    what: str
    error: str
    at: datetime | None


def n_failed(connection: Redis) -> Mapping[str, int]:
    """By queue. Raises RedisError, as all here."""
    return {name: _queue(name, connection).failed_job_registry.count for name in QUEUES}


def list_failed(connection: Redis) -> Sequence[FailedJob]:
    """Newest first."""
    found: list[FailedJob] = []
    for name in QUEUES:
        queue = _queue(name, connection)
        ids = queue.failed_job_registry.get_job_ids(0, MAX_LISTED - 1)
        jobs = Job.fetch_many(ids, connection=connection, serializer=JSONSerializer)
        found += [_failed(name, job) for job in jobs if job is not None]
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: one.at or oldest, reverse=True)[:MAX_LISTED]


def retry_failed(connection: Redis) -> int:
    """Put them all back into their queues. Returns how many."""
    n = 0
    for name in QUEUES:
        registry = _queue(name, connection).failed_job_registry
        for job_id in registry.get_job_ids():
            registry.requeue(job_id)
            n += 1
    return n


def _queue(name: str, connection: Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer)


def _failed(queue: str, job: Job) -> FailedJob:
    result = job.latest_result()
    lines = ((result.exc_string if result else "") or "").strip().splitlines()
    at = job.ended_at
    ended_at = at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
    error = lines[-1][:_MAX_ERROR_CHARS] if lines else ""
    return FailedJob(str(job.id), queue, str(job.func_name), error, ended_at)
