"""`python -m cli.container_health api|engine|worker`: ends with 0 when that process is at work.

Meant for a container of one process: it looks at the connections of the container's own network,
so that a check costs neither a login at Asterisk nor the start of the whole program.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_S = 3.0
ESTABLISHED = "01"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def is_connected(table: str, port: int) -> bool:
    """True when a table of /proc/net has an established connection to this port of a peer."""
    rows = (line.split() for line in table.splitlines()[1:])
    return any(
        row[3] == ESTABLISHED and int(row[2].rpartition(":")[2], 16) == port
        for row in rows
        if len(row) > 3
    )


def problem(part: str, env: Mapping[str, str], tables: str) -> str | None:
    """What is wrong with this process; None when nothing is."""
    redis_port = urlsplit(env.get("REDIS_URL", "")).port or 6379
    if not is_connected(tables, redis_port):
        return "no connection to Redis"
    if part == "engine" and not is_connected(tables, int(env.get("DIALER_AMI_PORT", "5038"))):
        return "no connection to Asterisk"
    if part == "api" and not _is_ready(int(env.get("DIALER_PORT", "8080"))):
        return "the API does not answer /readyz"
    return None


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ("api", "engine", "worker"):
        print("usage: api|engine|worker", file=sys.stderr)
        return 64
    tables = "\n".join(table.read_text() for table in TABLES if table.exists())
    found = problem(arguments[0], os.environ, tables)
    if found:
        print(found, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
