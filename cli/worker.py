"""The worker process: RQ jobs for imports and CRMs."""

from __future__ import annotations

from cli.settings import Settings
from crm import worker


def run_worker(settings: Settings) -> None:
    url = settings.redis_url or "redis://127.0.0.1:6379/0"
    worker.run_worker(url, settings.rq_redis_url)
