"""Redis for one command: the one that is configured, else an embedded server in the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.store.embedded import EmbeddedRedis


@contextmanager
def some_redis(url: str | None, folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a Redis protocol server; ended with the block when it is ours."""
    if url:
        yield url
        return
    server = EmbeddedRedis(folder / "redis", port)
    try:
        yield server.start()
    finally:
        server.stop()
