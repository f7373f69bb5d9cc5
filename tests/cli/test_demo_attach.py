"""The demo on running parts: what is its own beside the steps that `dialer demo` has too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.demo_attach import AttachSettings, carrier_calls, opened_api, run_attached
from engine.store import RedisStore

CLOSED = "redis://127.0.0.1:9/0"


def token_names(redis_url: str) -> list[str]:
    async def read() -> list[str]:
        store = await RedisStore.connect(redis_url)
        try:
            return [token.name for token in await store.tokens.list()]
        finally:
            await store.close()

    return asyncio.run(read())


def test_its_token_ends_with_it(valkey_url: str) -> None:
    with opened_api(AttachSettings(redis_url=valkey_url)):
        assert "demo" in token_names(valkey_url)
    assert "demo" not in token_names(valkey_url)


def test_records_of_earlier_runs_do_not_count(tmp_path: Path) -> None:
    log = tmp_path / "log/cdr-custom"
    log.mkdir(parents=True)
    rows = [f'"1202555000{n}","00","{n}00.5","0","{n}01.0","NO ANSWER","u{n}"' for n in (1, 2)]
    (log / "carrier.csv").write_text("\n".join(rows))
    settings = AttachSettings(demo_carrier_dir=tmp_path)
    calls = carrier_calls(settings, datetime.fromtimestamp(150, UTC))
    assert [call.uniqueid for call in calls] == ["u2"]


def test_without_redis_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_attached(AttachSettings(redis_url=CLOSED)) == 1
    assert "The demo failed" in capsys.readouterr().out
