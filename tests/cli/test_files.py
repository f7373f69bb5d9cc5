"""Commands that read and write files: the import of a registry, and the export for an auditor."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from engine.core.settings import CampaignSettings
from engine.store import EmbeddedRedis, RedisStore

FILE = '\ufeffphone,since\n+12025550100,2020\n202,5550101\n"(202) 555-0102";x\n12\n'


@pytest.fixture(scope="module")
def own_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own: commands know no prefix."""
    server = EmbeddedRedis(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    server.stop()


@pytest.fixture
async def own_store(own_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIALER_REDIS_URL", own_url)
    store = await RedisStore.connect(own_url)
    yield store
    await store.close()


async def run(*arguments: str) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    return result.exit_code, result.output


async def new_campaign(store: RedisStore) -> int:
    return (await store.campaigns.create("A", CampaignSettings(), [], "t", datetime.now(UTC))).id


async def test_a_registrys_file_is_imported_once(own_store: RedisStore, tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    file.write_text(FILE, encoding="utf-8")
    code, told = await run("dnc", "import", str(file), "--json")
    assert (code, json.loads(told)) == (0, {"added": 3, "present": 0, "rejected": 2})
    asked = [(f"+120255501{i:02}", ()) for i in range(4)]
    assert await own_store.dnc.listed(asked) == [True, True, True, False]
    code, told = await run("dnc", "import", str(file))
    assert (code, told.splitlines()[0]) == (0, "added 0  present 3  rejected 2")
    entries = (await own_store.dnc.list(limit=10)).items
    assert {entry.source for entry in entries} == {"registry.csv"}


async def test_a_file_for_one_campaign_is_for_no_other(
    own_store: RedisStore, tmp_path: Path
) -> None:
    file, campaign_id = tmp_path / "a.csv", await new_campaign(own_store)
    file.write_text("+13055550100\n")
    assert (await run("dnc", "import", str(file), "--campaign", str(campaign_id)))[0] == 0
    asked = [("+13055550100", (f"c{campaign_id}",)), ("+13055550100", ())]
    assert await own_store.dnc.listed(asked) == [True, False]
    assert (await run("dnc", "import", str(file), "--campaign", "99"))[0] != 0
    both = ("--campaign", "1", "--connector", "1")
    assert (await run("dnc", "import", str(file), *both))[0] == 2


async def test_a_campaign_is_exported_to_a_file(own_store: RedisStore, tmp_path: Path) -> None:
    campaign_id, file = await new_campaign(own_store), tmp_path / "a.zip"
    code, told = await run("export", "--campaign", str(campaign_id), "--to", str(file), "--json")
    assert (code, json.loads(told)["bytes"]) == (0, file.stat().st_size)
    with zipfile.ZipFile(file) as archive:
        assert {"attempts.csv", "contacts.csv", "figures.json"} <= set(archive.namelist())
    nowhere = str(tmp_path / "no" / "a.zip")
    assert (await run("export", "--campaign", str(campaign_id), "--to", nowhere))[0] != 0
