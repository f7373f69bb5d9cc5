"""Redis for one command: the one that is configured, else an embedded server in the data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.store.embedded import EmbeddedRedis

DEFAULT_URL = "redis://127.0.0.1:6379/0"


@contextmanager
def some_redis(url: str | None, folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a Redis protocol server; ended with the block when it is ours.

    While ours runs, a file beside it says where, for the other commands of this folder.
    """
    if url:
        yield url
        return
    server = EmbeddedRedis(folder / "redis", port)
    try:
        own = server.start()
        _address(folder).write_text(own)
        yield own
    finally:
        _address(folder).unlink(missing_ok=True)
        server.stop()


def redis_url(configured: str | None, folder: Path) -> str:
    """The configured Redis, else the one that `dialer up` runs in this folder, else the usual."""
    if configured:
        return configured
    try:
        return _address(folder).read_text().strip() or DEFAULT_URL
    except FileNotFoundError:
        return DEFAULT_URL


def _address(folder: Path) -> Path:
    return folder / "redis" / "url"
