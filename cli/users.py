"""`dialer user`: the people who may sign in to the page."""

from __future__ import annotations

import asyncio
import getpass
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import typer

from admin_api import passwords
from cli.logs import set_up_logs
from cli.settings import Settings
from engine.core.errors import StoreUnavailable
from engine.store import RedisStore, User

user_app = typer.Typer(help="People who sign in to the page.", no_args_is_help=True)
#: Instead of the question, for scripts; an option would be seen in the list of processes.
PASSWORD_VARIABLE = "DIALER_USER_PASSWORD"  # noqa: S105  # a name, no password
ACTOR = "command line"
Name = Annotated[str, typer.Option("--name", help="What the person types to sign in.")]
T = TypeVar("T")


@user_app.command("create")
def create_user(
    name: Name,
    role: Annotated[Literal["admin", "supervisor", "agent"], typer.Option("--role")],
    agent: Annotated[
        int | None, typer.Option("--agent", help="The agent, where the role is agent.")
    ] = None,
) -> None:
    """Let somebody sign in. The password is asked for, or read from DIALER_USER_PASSWORD."""
    if (role == "agent") != (agent is not None):
        raise typer.BadParameter("--agent goes with --role agent, and is needed there")
    hashed = passwords.hash_of(_password())

    async def make(store: RedisStore) -> User:
        if agent is not None:
            await store.agents.get(agent)
        return await store.users.create(
            name, role, hashed, agent_id=agent, actor=ACTOR, now=datetime.now(UTC)
        )

    user = _with_store(make)
    typer.echo(f"{user.name} may sign in as {user.role}.")


@user_app.command("password")
def set_password(name: Name) -> None:
    """Give somebody a new password; all of their sessions end."""
    hashed = passwords.hash_of(_password())
    _with_store(lambda store: store.users.set_password(name, hashed, ACTOR, datetime.now(UTC)))
    typer.echo(f"{name} has a new password.")


@user_app.command("delete")
def delete_user(name: Name) -> None:
    """Let somebody sign in no more; all of their sessions end."""
    _with_store(lambda store: store.users.delete(name, ACTOR, datetime.now(UTC)))
    typer.echo(f"{name} is deleted.")


@user_app.command("list")
def list_users() -> None:
    """Names and roles."""
    for user in _with_store(lambda store: store.users.list()):
        typer.echo(f"{user.name}\t{user.role}")


def let_in(redis_url: str, name: str) -> str:
    """Make an administrator with a random password, for who looks at a demo; the password."""
    password = secrets.token_urlsafe(12)
    hashed = passwords.hash_of(password)

    async def make() -> None:
        store = await RedisStore.connect(redis_url)
        try:
            await store.users.create(name, "admin", hashed, actor=ACTOR, now=datetime.now(UTC))
        finally:
            await store.close()

    asyncio.run(make())
    return password


def nobody_may_sign_in(redis_url: str) -> bool:
    """False also while Redis does not answer: the processes complain about that themselves."""

    async def look() -> bool:
        try:
            store = await RedisStore.connect(redis_url)
        except StoreUnavailable:
            return False
        try:
            return not await store.users.exist()
        finally:
            await store.close()

    return asyncio.run(look())


def _password() -> str:
    """Raises ValueError when two answers differ."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise ValueError(f"no terminal to ask for a password: set {PASSWORD_VARIABLE}")
    first = getpass.getpass(f"Password (at least {passwords.MIN_CHARS} characters): ")
    if getpass.getpass("Once more: ") != first:
        raise ValueError("the two passwords are not the same")
    return first


def _with_store(work: Callable[[RedisStore], Awaitable[T]]) -> T:
    from cli.engine import open_store

    async def run() -> T:
        async with open_store(settings) as store:
            return await work(store)

    settings = Settings()
    set_up_logs(settings.log_level)
    return asyncio.run(run())
