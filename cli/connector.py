"""`dialer connector`: try a connection to a CRM from its description, before it is saved."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from crm.connections import KINDS, config_of, connector_of
from crm.port import CrmError, Health
from crm.presets import preset
from crm.rest_spec import read_yaml
from crm.settings import CrmSettings

connector_app = typer.Typer(help="Connections to CRMs.", no_args_is_help=True)
SECRET_PREFIX = "DIALER_CONNECTOR_"  # noqa: S105  # the name of variables, not a secret


@connector_app.callback()
def _group() -> None:
    """Keeps `test` a command of its own."""


@connector_app.command("test")
def test_connector(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A YAML file.")],
    kind: Annotated[str, typer.Option(help=", ".join(KINDS))] = "rest",
    over: Annotated[str | None, typer.Option("--preset", help="A known CRM it builds on.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Sign in and read some leads. Secrets come from DIALER_CONNECTOR_<NAME>."""
    given = read_yaml(file.read_text(encoding="utf-8"))
    values = {**preset(over), **given} if over else given
    try:
        health = asyncio.run(_check(kind, values))
    except CrmError as error:
        health = Health(ok=False, detail=f"{error.code}: {error.message}")
    _say(health, as_json)
    if not health.ok:
        raise typer.Exit(1)


async def _check(kind: str, values: Mapping[str, Any]) -> Health:
    config = config_of(kind, values)
    secrets = {name: _secret(name) for name in sorted(config.own_secrets)}
    connector = connector_of(config, secrets, CrmSettings())
    try:
        return await connector.check()
    finally:
        await connector.close()


def _secret(name: str) -> str:
    variable = f"{SECRET_PREFIX}{name.upper()}"
    found = os.environ.get(variable)
    if not found:
        raise typer.BadParameter(f"set {variable} to the secret that the description names {name}")
    return found


def _say(health: Health, as_json: bool) -> None:
    sample = [
        {"external_id": lead.external_id, "withdrawn": lead.withdrawn, **lead.contact}
        for lead in health.sample
    ]
    if as_json:
        typer.echo(json.dumps({"ok": health.ok, "detail": health.detail, "sample": sample}))
        return
    typer.echo(("ok: " if health.ok else "failed: ") + health.detail)
    for lead in sample:
        typer.echo(f"  {lead}")
