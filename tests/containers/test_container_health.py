"""When a container of ours counts as healthy."""

from __future__ import annotations

import socket
from pathlib import Path

from cli.container_health import is_connected, main, problem

#: 6379 (18EB) is established, 5038 (13AE) is being connected, 8080 (1F90) is listened on.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 1
   1: 0300000A:B2C4 0200000A:18EB 01 00000000:00000000 00:00000000 00000000 10001        0 2
   2: 0300000A:B2C6 0A4DD50A:13AE 02 00000000:00000000 00:00000000 00000000 10001        0 3
"""
ENV = {"REDIS_URL": "redis://redis:6379/0"}


def test_only_an_established_connection_to_a_peer_counts() -> None:
    assert is_connected(TABLE, 6379)
    assert not is_connected(TABLE, 5038)
    assert not is_connected(TABLE, 8080)


def test_each_part_needs_what_it_works_with() -> None:
    assert problem("worker", ENV, TABLE) is None
    assert problem("engine", ENV, TABLE) == "no connection to Asterisk"
    assert problem("engine", ENV | {"DIALER_AMI_PORT": "6379"}, TABLE) is None
    assert problem("worker", {"REDIS_URL": "redis://redis:6380"}, TABLE) == "no connection to Redis"
    assert problem("api", ENV | {"DIALER_PORT": "9"}, TABLE) == "the API does not answer /readyz"


def test_the_kernels_own_table() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_connected(Path("/proc/net/tcp").read_text(), port)
        with socket.create_connection(("127.0.0.1", port)):
            assert is_connected(Path("/proc/net/tcp").read_text(), port)


def test_a_wrong_command_line() -> None:
    assert main(["redis"]) == 64
