"""`dialer dnc`: a registry's file into a do-not-call list, without the HTTP API."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.engine import open_store
from cli.settings import Settings
from crm.dnc_file import DncFile

dnc_app = typer.Typer(help="Do-not-call lists.", no_args_is_help=True)
CHUNK_BYTES = 1024 * 1024
#: Refused lines that are shown; all are counted.
MAX_SHOWN = 10


@dnc_app.callback()
def _group() -> None:
    """Keeps `import` a command of its own."""


@dnc_app.command("import")
def import_dnc(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="One number a line.")],
    country: Annotated[str, typer.Option("--country", help="Of numbers without +.")] = "US",
    source: Annotated[str, typer.Option("--source", help="Kept with each number.")] = "",
    campaign: Annotated[
        int | None, typer.Option("--campaign", help="Only for this campaign; else for all.")
    ] = None,
    connector: Annotated[
        str | None, typer.Option("--connector", help="Only for campaigns of this connector.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Add the numbers of a registry's file. The same file again adds nothing twice."""
    if campaign is not None and connector is not None:
        raise typer.BadParameter("--connector cannot be given with --campaign")
    scope = f"c{campaign}" if campaign is not None else f"k{connector}" if connector else ""
    read = asyncio.run(_import(Settings(), file, country, source or file.name, scope))
    told = {"added": read.n_added, "present": read.n_read - read.n_added}
    if as_json:
        typer.echo(json.dumps({**told, "rejected": read.n_rejected}))
        return
    typer.echo(f"added {told['added']}  present {told['present']}  rejected {read.n_rejected}")
    for index, shown, why in read.rejected[:MAX_SHOWN]:
        typer.echo(f"  number {index + 1}: {shown or ''} {why}")


async def _import(settings: Settings, file: Path, country: str, source: str, scope: str) -> DncFile:
    async with open_store(settings) as store:
        if scope.startswith("c"):
            await store.campaigns.get(int(scope[1:]))
        elif scope:
            await store.connectors.get(scope[1:])
        read = DncFile(store.dnc, country, source, "command line", scope)
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                await read.feed(chunk, datetime.now(UTC))
        await read.feed(b"", datetime.now(UTC), is_last=True)
        return read
