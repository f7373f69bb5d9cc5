"""Which Redis a command talks to."""

from __future__ import annotations

from pathlib import Path

from cli.redis import DEFAULT_URL, redis_url, some_redis


def test_the_configured_one_wins(tmp_path: Path) -> None:
    assert redis_url("redis://elsewhere:6379/0", tmp_path) == "redis://elsewhere:6379/0"


def test_other_commands_find_the_embedded_server_while_it_runs(tmp_path: Path) -> None:
    with some_redis(None, tmp_path) as url:
        assert redis_url(None, tmp_path) == url
    assert redis_url(None, tmp_path) == DEFAULT_URL
