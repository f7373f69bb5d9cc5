"""`dialer up`: Redis where none is configured, api, engine and worker in one go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping

import structlog

from cli.processes import Child, Children
from cli.redis import some_redis
from cli.settings import Settings
from cli.users import nobody_may_sign_in

log = structlog.get_logger()

REVIVE_S = 0.5
#: In the order in which they start; they end the other way round.
PARTS = ("worker", "engine", "api")


def run_up(settings: Settings) -> None:
    """Until SIGINT or SIGTERM; a part that dies is started again."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with some_redis(settings.redis_url, settings.data_dir) as url, Children() as children:
        for part in PARTS:
            children.start(Child([part], env_of(settings, url)))
        log.info("up", page=f"http://{settings.host}:{settings.port}", redis=url)
        if nobody_may_sign_in(url):
            log.info("nobody_may_sign_in", fix="dialer user create --name you --role admin")
        while not stop.wait(REVIVE_S):
            for child in children.revive():
                log.warning("restarted", part=child.name)
        log.info("draining")


def env_of(settings: Settings, redis_url: str) -> Mapping[str, str]:
    return {
        "REDIS_URL": redis_url,
        "RQ_REDIS_URL": settings.rq_redis_url or redis_url,
        "DIALER_HOST": settings.host,
        "DIALER_PORT": str(settings.port),
    }
