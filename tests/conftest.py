"""A real server for all tests of a session, started by the product's own code."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine.store import EmbeddedRedis, RedisStore


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    server = EmbeddedRedis(folder)
    yield server.start()
    server.stop()


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[RedisStore]:
    """A store of its own: nothing of another test is in it."""
    store = await RedisStore.connect(valkey_url, prefix=f"t{secrets.token_hex(6)}")
    yield store
    await store.close()
