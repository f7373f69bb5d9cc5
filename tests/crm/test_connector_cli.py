"""`dialer connector test FILE` against a fake CRM."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import yaml
from typer.testing import CliRunner

from cli.main import app
from crm.fake_crm import FakeCrm


async def test_a_description_is_tried(tmp_path, monkeypatch):
    monkeypatch.setenv("DIALER_OUTBOUND_ALLOW", "127.0.0.1")
    monkeypatch.setenv("DIALER_CONNECTOR_TOKEN", "secret")
    async with FakeCrm() as fake:
        fake.add(2, name="Ann")
        file = tmp_path / "crm.yaml"
        file.write_text(yaml.safe_dump(fake.description(auth={"kind": "bearer"})))
        run = ["connector", "test", str(file), "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, run)
        assert result.exit_code == 0, result.output
        told = json.loads(result.output)
        assert (told["ok"], len(told["sample"])) == (True, 2)
        assert fake.asked[0].headers["authorization"] == "Bearer secret"
        fake.needs_token = True
        result = await asyncio.to_thread(CliRunner().invoke, app, run[:-1])
        assert (result.exit_code, "failed: auth" in result.output) == (1, True)


async def test_a_database_and_a_folder_are_tried(tmp_path, monkeypatch):
    monkeypatch.setenv("DIALER_FILES_ALLOW", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / "crm.db")) as database, database:
        database.execute("create table leads (id integer primary key, phone text, at text)")
        database.execute("insert into leads (phone, at) values ('+12025550100', '2026-01-01')")
    query = "select * from leads where at >= :since and id > :last_id order by id limit :limit"
    url = f"sqlite:///{tmp_path}/crm.db"
    (tmp_path / "leads.csv").write_text("id,phone\n7,+12025550100\n")
    given = {
        "sql": {"url": url, "query": query, "since_as": "sql"},
        "csv": {"folder": str(tmp_path)},
    }
    for kind, values in given.items():
        file = tmp_path / f"{kind}.yaml"
        file.write_text(yaml.safe_dump(values))
        run = ["connector", "test", str(file), "--kind", kind, "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, run)
        assert result.exit_code == 0, result.output
        told = json.loads(result.output)
        assert (told["ok"], told["sample"][0]["phone"]) == (True, "+12025550100")
