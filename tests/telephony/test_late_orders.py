"""A connection that is given up takes along what it could not deliver."""

from __future__ import annotations

import asyncio

import pytest

from telephony.asterisk import AsteriskTelephony
from telephony.config import AmiConfig

BOUND_S = 10.0


async def test_a_connection_that_is_given_up_is_reset(unused_server):
    """Closed politely, the kernel would go on trying to deliver an order for minutes."""
    port, ended = unused_server
    config = AmiConfig(
        host="127.0.0.1", port=port, username="dialer", secret="s", action_timeout_s=0.2
    )
    async with AsteriskTelephony(config), asyncio.timeout(BOUND_S):
        assert isinstance(await ended, ConnectionResetError)


@pytest.fixture
async def unused_server():
    """Speaks like AMI and answers nothing; its port, and how the first connection ended."""
    ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        try:
            while await reader.read(1024):
                pass
            end = None
        except ConnectionResetError as error:
            end = error
        writer.close()
        if not ended.done():
            ended.set_result(end)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], ended
    server.close()
