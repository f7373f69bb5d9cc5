"""Ports of the loopback address for servers that this machine starts."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
#: Below the ports that kernels give to outgoing connections (32768 and up on Linux): such a one
#: could else take the port between the choice and the server's start, or while it restarts.
PORTS = range(18_000, 30_000)
N_PORT_TRIES = 200


def free_port() -> int:
    """A port that nobody uses now. Raises OSError when none of many tried is free."""
    for port in random.sample(PORTS, N_PORT_TRIES):
        with socket.socket() as sock:
            try:
                sock.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port on {HOST} among {N_PORT_TRIES} tried")
