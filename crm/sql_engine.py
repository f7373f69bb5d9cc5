"""Opens a database for a connection: its address checked as any other, bounded in time."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from crm.files import Files
from crm.outbound import Outbound
from crm.port import AuthError, Blocked, CrmError, Rejected, Transient

STATEMENT_S: Final = 25
CONNECT_S: Final = 10
_WRONG_PASSWORD = ("authentication failed", "access denied for user", "no password supplied")
_BUSY = ("locked", "busy", "disk i/o")


def open_engine(address: str, password: str | None, rules: Outbound, files: Files) -> Engine:
    """Raises Blocked, Transient, Rejected. Looks names up: not for the event loop."""
    url = make_url(address)
    if password is not None:
        url = url.set(password=password)
    try:
        if url.get_backend_name() == "sqlite":
            return create_engine("sqlite://", creator=_sqlite(url, files), poolclass=NullPool)
        return _server(url, rules, files)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError) as error:
        raise Rejected(f"No driver for {url.drivername}: {error}") from error


def error_of(error: SQLAlchemyError) -> CrmError:
    """What a database's error means for the port."""
    told = str(error.orig if isinstance(error, DBAPIError) else error)[:300]
    text = told.lower()
    if any(part in text for part in _WRONG_PASSWORD):
        return AuthError(told)
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.OperationalError):
        is_passing = any(part in text for part in _BUSY)
        return Transient(told) if is_passing else Rejected(told)
    is_passing = isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    return Transient(told) if is_passing else Rejected(told)


def _server(url: URL, rules: Outbound, files: Files) -> Engine:
    socket_folder = url.query.get("host")
    if socket_folder is not None:
        if url.host or not str(socket_folder).startswith("/"):
            raise Blocked("`host` behind the question mark is for a socket's folder only.")
        files.checked(str(socket_folder))
        return _engine(url, {})
    if not url.host:
        raise Rejected("The URL names no host.")
    address = _checked_address(url.host, url.port or 0, rules)
    if url.get_driver_name() == "psycopg":
        # The name stays for TLS, the connection goes to what was checked.
        return _engine(url, {"hostaddr": address})
    return _engine(url.set(host=address), {})


def _engine(url: URL, more: dict[str, Any]) -> Engine:
    arguments = {"connect_timeout": CONNECT_S, **more}
    if url.get_backend_name() == "postgresql":
        arguments["options"] = f"-c statement_timeout={STATEMENT_S * 1000}"
    return create_engine(url, poolclass=NullPool, connect_args=arguments)


def _checked_address(host: str, port: int, rules: Outbound) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Transient(f"{host} is not found: {error}") from error
    addresses = [str(each[4][0]) for each in found]
    if not all(rules.permits(host, address) for address in addresses):
        raise Blocked(f"{host} is a private address, which the settings do not allow.")
    return addresses[0]


def _sqlite(url: URL, files: Files) -> Callable[[], sqlite3.Connection]:
    if not url.database:
        raise Rejected("The URL names no file.")
    path: Path = files.checked(url.database)

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(path))}?mode=rw"
        connection = sqlite3.connect(address, uri=True, timeout=CONNECT_S)
        connection.set_authorizer(_no_other_file)
        return connection

    return connect


def _no_other_file(action: int, *_details: str | None) -> int:
    """ATTACH would open any file of this machine."""
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK
