"""`dialer asterisk`: install, start and stop the rootless Asterisk of demo and tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.asterisk_cdr import CarrierCall, Heard, read_carrier_cdrs, read_heard
from cli.asterisk_install import AsteriskBinary, AsteriskError, install
from cli.asterisk_rig import Rig

__all__ = [
    "AsteriskBinary",
    "AsteriskError",
    "CarrierCall",
    "Heard",
    "Rig",
    "asterisk_app",
    "install",
    "read_carrier_cdrs",
    "read_heard",
]

asterisk_app = typer.Typer(
    help="The rootless Asterisk of demo and tests: pbx, simulated carrier, agents' phones.",
    no_args_is_help=True,
)

Result = TypeVar("Result")
DEFAULT_DIR = Path("var/asterisk")
Folder = Annotated[Path, typer.Option("--dir", help="Folder of configurations, logs and state.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")]
Phones = Annotated[
    int, typer.Option("--phones", min=1, max=800, help="Agents' phones, 1001 and up.")
]


def _or_exit(action: Callable[[], Result]) -> Result:
    try:
        return action()
    except AsteriskError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _show(values: dict[str, object], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(values))
        return
    for name, value in values.items():
        typer.echo(f"{name}={value}")


@asterisk_app.command("install")
def install_command(as_json: AsJson = False) -> None:
    """Find Asterisk 18 or newer on this machine, or fetch one into the cache."""
    binary = _or_exit(install)
    _show({"program": str(binary.program), "version": binary.version}, as_json)


@asterisk_app.command("start")
def start_command(
    folder: Folder = DEFAULT_DIR, phones: Phones = 10, as_json: AsJson = False
) -> None:
    """Start the three instances; print how to reach the pbx by AMI."""
    rig = _or_exit(lambda: Rig(folder, n_phones=phones).start())
    _show(dict(rig.env()), as_json)


@asterisk_app.command("stop")
def stop_command(folder: Folder = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """End the instances that were started in this folder, and no others."""
    rig = Rig(folder)
    n_running = sum(pid is not None for pid in rig.status().values())
    _or_exit(rig.stop)
    _show({"stopped": n_running}, as_json)


@asterisk_app.command("status")
def status_command(folder: Folder = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Print the pid of each process; exit status 1 when one does not run."""
    status = Rig(folder).status()
    _show({name: pid if as_json else pid or "stopped" for name, pid in status.items()}, as_json)
    if None in status.values():
        raise typer.Exit(1)


@asterisk_app.command("phones")
def phones_command(
    settings: Annotated[
        list[str], typer.Argument(help="name=value: behaviour, answer_ms, talk_ms, voice")
    ],
    extension: Annotated[str, typer.Option(help="One phone; without it all.")] = "",
    folder: Folder = DEFAULT_DIR,
) -> None:
    """Change how the agents' phones behave, while they run."""
    rig = Rig(folder)
    values = dict(setting.split("=", 1) for setting in settings if "=" in setting)
    try:
        _or_exit(
            lambda: rig.set_phone(extension, **values) if extension else rig.set_phones(**values)
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
