"""The worker process: RQ jobs for imports and CRMs."""

from __future__ import annotations

from cli.redis import redis_url
from cli.settings import Settings
from crm import worker


def run_worker(settings: Settings) -> None:
    url = redis_url(settings.redis_url, settings.data_dir)
    worker.run_worker(url, settings.rq_redis_url)
