"""`dialer connector test FILE` against a fake CRM."""

from __future__ import annotations

import asyncio
import json

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
