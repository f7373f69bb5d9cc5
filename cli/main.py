"""The `dialer` command."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from cli.asterisk import asterisk_app
from cli.connector import connector_app
from cli.dnc import dnc_app
from cli.logs import set_up_logs
from cli.settings import Settings
from cli.users import user_app
from engine.core.errors import DialerError

app = typer.Typer(
    help="Outbound campaign dialer for Asterisk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
token_app = typer.Typer(help="API tokens.", no_args_is_help=True)
app.add_typer(asterisk_app, name="asterisk")
app.add_typer(connector_app, name="connector")
app.add_typer(dnc_app, name="dnc")
app.add_typer(token_app, name="token")
sounds_app = typer.Typer(help="Recordings that callers hear.", no_args_is_help=True)
app.add_typer(sounds_app, name="sounds")
app.add_typer(user_app, name="user")

AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object on the last line.")]


@app.command()
def up() -> None:
    """Run everything: Redis where none is configured, api, engine and worker. Ctrl-c drains."""
    from cli.up import run_up

    run_up(_settings())


@app.command()
def api() -> None:
    """Run the HTTP API and the page."""
    from cli.api import run_api

    run_api(_settings())


@app.command()
def engine() -> None:
    """Run an engine; several may run, one leads."""
    import uvloop

    from cli.engine import run_engine

    uvloop.run(run_engine(_settings()))


@app.command()
def worker() -> None:
    """Run a worker for imports and CRM jobs; several may run."""
    from cli.worker import run_worker

    run_worker(_settings())


@app.command()
def demo(
    contacts: Annotated[int, typer.Option(min=1, max=4_000, help="People to call.")] = 100,
    agents: Annotated[int, typer.Option(min=1, max=200, help="Agents who take the calls.")] = 10,
    mode: Annotated[Literal["progressive", "power", "predictive"], typer.Option()] = "progressive",
    answer_rate: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Part of them who answer; default: a mix of everything."),
    ] = None,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Go on running afterwards.")] = False,
) -> None:
    """Call simulated people through a real Asterisk, from nothing to a completed campaign."""
    from cli.demo import run_demo
    from cli.demo_campaign import DemoOptions

    options = DemoOptions(contacts, agents, mode, as_json, keep, answer_rate)
    raise typer.Exit(run_demo(options))


@app.command()
def doctor(
    trunk: Annotated[
        list[str] | None, typer.Option("--trunk", help="A trunk to check, may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check Redis, Asterisk and the settings, and say what to do about what is wrong."""
    from cli.doctor import run_doctor

    settings = Settings()
    # What goes wrong is a finding, in words; the log would say it a second time.
    set_up_logs("critical")
    raise typer.Exit(run_doctor(settings, trunk or (), as_json=as_json))


@app.command()
def simulate(
    from_campaign: Annotated[
        int | None, typer.Option(help="Like this campaign's calls; options below change that.")
    ] = None,
    agents: Annotated[int | None, typer.Option(min=1, max=2_000, help="Default 20.")] = None,
    answer_rate: Annotated[
        float | None,
        typer.Option(min=0.01, max=1, help="Part of the calls a person answers, default 0.3."),
    ] = None,
    attempt_answer_rates: Annotated[
        str | None,
        typer.Option(
            metavar="RATE,RATE…",
            help="Of first, second … attempts, e.g. 0.4,0.2,0.1; who is not reached"
            " is called again.",
        ),
    ] = None,
    redial: Annotated[
        float | None, typer.Option(min=0, help="Seconds until then, default 1800.")
    ] = None,
    lists: Annotated[
        str | None,
        typer.Option(
            metavar="RATE:WEIGHT,…",
            help="Calling lists side by side, e.g. 0.4:1,0.1:2: how often people of each answer"
            " first attempts, and parts of the new contacts that are of it.",
        ),
    ] = None,
    talk: Annotated[
        float | None, typer.Option(min=1, help="Mean conversation, seconds, default 90.")
    ] = None,
    wrap: Annotated[
        float | None, typer.Option(min=0, help="Mean wrap-up, seconds, default 20.")
    ] = None,
    ring: Annotated[
        float | None, typer.Option(min=1, help="Mean ringing of who answers, seconds, default 9.")
    ] = None,
    ring_timeout: Annotated[float | None, typer.Option(min=5, max=120, help="Default 22.")] = None,
    hours: Annotated[float, typer.Option(min=0.05, max=24, help="Length of a shift.")] = 4.0,
    shifts: Annotated[int, typer.Option(min=1, max=1_000)] = 1,
    mode: Annotated[
        Literal["preview", "progressive", "power", "predictive", "agentless"] | None,
        typer.Option(help="Default predictive, or the campaign's."),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="All modes, side by side.")] = False,
    dial_level: Annotated[
        float | None, typer.Option(min=1, max=20, help="For mode power, default 1.5.")
    ] = None,
    max_abandon_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Default 0.03.")
    ] = None,
    amd: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds of machine detection before an agent; 0: none."),
    ] = None,
    pauses: Annotated[float, typer.Option(min=0, help="Pauses per agent and hour.")] = 0.0,
    pick_up: Annotated[
        float | None, typer.Option(min=0, help="Seconds until an agent picks up.")
    ] = None,
    preview: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds that an agent looks at a contact first, default 10."),
    ] = None,
    skip: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, help="Part of the contacts that agents pass on, default 0."),
    ] = None,
    message: Annotated[
        float | None, typer.Option(min=0, help="Seconds of the message without agents, default 20.")
    ] = None,
    max_channels: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Lines; default any number, without agents 60."),
    ] = None,
    max_cps: Annotated[
        float | None,
        typer.Option(min=0.01, help="Calls per second; default any number, without agents 10."),
    ] = None,
    warm: Annotated[
        bool, typer.Option("--warm", help="With what an earlier shift has taught.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Foretell a shift: the rules that dial, on drawn people and agents, in virtual time."""
    from cli.answer_rates import rates_of
    from cli.simulate import SimulateOptions, show, told, told_by_campaign

    if answer_rate is not None and not (attempt_answer_rates is lists is None):
        raise typer.BadParameter(
            "--answer-rate cannot be given with --attempt-answer-rates or --lists"
        )
    options = SimulateOptions(
        scenario={
            "agents": agents,
            "hours": hours,
            "answer_rate": answer_rate,
            "talk_s": talk,
            "wrap_up_s": wrap,
            "ring_s": ring,
            "ring_timeout_s": ring_timeout,
            "amd_s": amd,
            "pauses_per_h": pauses,
            "pick_up_s": pick_up,
            "redial_s": redial,
            "preview_s": preview,
            "skip_share": skip,
            "message_s": message,
            "max_lines": max_channels,
            "max_cps": max_cps,
        },
        mode=mode,
        compare=compare,
        dial_level=dial_level,
        max_abandon_rate=max_abandon_rate,
        shifts=shifts,
        seed=seed,
        warm=warm,
        rates=rates_of(attempt_answer_rates, lists),
    )
    if from_campaign is None:
        show(told(options), as_json=as_json)
    else:
        found = asyncio.run(told_by_campaign(_settings(), from_campaign, options))
        show(found, as_json=as_json)


@sounds_app.command("sync")
def sync_sounds(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where Asterisk reads them.")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on until ctrl-c.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write all recordings into a folder of Asterisk's machine, and take deleted ones away."""
    from cli.sounds import sync_sounds

    try:
        n = asyncio.run(sync_sounds(_settings(), folder, follow=follow))
    except OSError as error:
        raise ValueError(f"{folder}: {error.strerror}") from None
    typer.echo(json.dumps({"recordings": n}) if as_json else f"{n} recordings")


@app.command("import")
def import_list(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
    campaign: Annotated[int, typer.Option("--campaign", help="Id of the campaign.")],
    as_json: AsJson = False,
) -> None:
    """Add the contacts of a CSV file to a campaign, and wait until they are in."""
    from cli.import_list import import_file

    result = asyncio.run(import_file(_settings(), campaign, file))
    if as_json:
        typer.echo(json.dumps(result))
    else:
        typer.echo("  ".join(f"{name} {value}" for name, value in result.items()))
    if result["status"] != "done":
        raise typer.Exit(1)


@app.command("export")
def export(
    campaign: Annotated[int, typer.Option("--campaign", help="Id of the campaign.")],
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help="The ZIP archive to write.")],
    as_json: AsJson = False,
) -> None:
    """Write a campaign's attempts, contacts, log and figures for an auditor."""
    from cli.export import export_campaign

    try:
        result = asyncio.run(export_campaign(_settings(), campaign, to))
    except OSError as error:
        raise ValueError(f"{to}: {error.strerror}") from None
    typer.echo(json.dumps(result) if as_json else f"{result['file']}  {result['bytes']} bytes")


@token_app.command("create")
def create_token(
    role: Annotated[Literal["admin", "supervisor", "agent"], typer.Option("--role")],
    name: Annotated[str, typer.Option("--name", help="What or whom it is for.")] = "",
    agent: Annotated[
        int | None, typer.Option("--agent", help="The agent, where the role is agent.")
    ] = None,
) -> None:
    """Make an API token and print it; it cannot be shown again."""
    if (role == "agent") != (agent is not None):
        raise typer.BadParameter("--agent goes with --role agent, and is needed there")
    typer.echo(asyncio.run(_create_token(_settings(), role, name, agent)))


async def _create_token(
    settings: Settings,
    role: Literal["admin", "supervisor", "agent"],
    name: str,
    agent: int | None,
) -> str:
    from cli.engine import open_store

    async with open_store(settings) as store:
        _, secret = await store.tokens.create(
            role=role, name=name, agent_id=agent, now=datetime.now(UTC)
        )
        return secret


def _settings() -> Settings:
    settings = Settings()
    set_up_logs(settings.log_level)
    return settings


def run() -> None:
    """Entry point: what a person can mend is said in a line, not in a traceback."""
    try:
        app()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"])
            print(f"DIALER_{name.upper()}: {problem['msg']}", file=sys.stderr)
        sys.exit(2)
    except (DialerError, ValueError) as error:
        print(f"dialer: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()
