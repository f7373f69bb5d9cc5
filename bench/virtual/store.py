"""The real store on a real server, as a simulation needs it: time that it takes is virtual.

Each round trip blocks the process, so that nothing else happens meanwhile and a seed repeats a run;
what it would have taken passes on the virtual clock before and after it. There a caller can be
killed, and a command or its answer be lost, as in a network.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hiredis import pack_command
from redis.connection import Connection
from redis.exceptions import ResponseError

from engine.store import RedisStore
from engine.store.keys import Keys
from engine.store.link import SOCKET_TIMEOUT_S, Command, Link
from engine.store.scripts import all_scripts

TRIP_S = (0.0002, 0.002)
#: One round trip in so many takes long.
SLOW_ONE_IN, SLOW_S = 500, (0.05, 0.6)


@dataclass(slots=True)
class Network:
    """What all connections of a run share. `is_up` False: the server does not answer."""

    url: str
    dice: random.Random
    is_up: bool = True
    #: One round trip in so many is lost, half of them after the command was executed; 0: none.
    lost_one_in: int = 0
    #: A blocking read looks again so often.
    look_s: float = 0.2
    n_trips: int = 0

    def connect(self) -> Connection:
        where = urlsplit(self.url)
        assert where.hostname and where.port
        return Connection(
            host=where.hostname, port=where.port, db=int(where.path[1:] or 0),
            decode_responses=True, protocol=2,
        )  # fmt: skip

    def trip_s(self) -> float:
        if self.dice.randrange(SLOW_ONE_IN) == 0:
            return self.dice.uniform(*SLOW_S)
        return self.dice.uniform(*TRIP_S)

    def loses(self) -> bool:
        return bool(self.lost_one_in) and self.dice.randrange(2 * self.lost_one_in) == 0


class BlockingLink(Link):
    def __init__(self, network: Network) -> None:
        super().__init__(network.url)
        self.know_scripts(all_scripts())
        self._network = network
        self._connection = network.connect()

    async def wait(self, *command: Any, timeout_s: float) -> Any:
        """A blocking command asked again and again: blocking here would stop the world."""
        loop = asyncio.get_running_loop()
        block = command.index("BLOCK")
        until, asked = loop.time() + timeout_s, (*command[:block], *command[block + 2 :])
        while True:
            answer = await self.call(*asked)
            if answer:
                return answer
            await asyncio.sleep(self._network.look_s)
            if loop.time() >= until:
                # Who is told that there was nothing asks again: looking here too is a trip more.
                return answer

    async def close(self) -> None:
        self._connection.disconnect()  # type: ignore[no-untyped-call]
        await super().close()

    async def _ask(
        self,
        pool: object,
        commands: Sequence[Command],
        *,
        raw: bool = False,
        bound_s: float = SOCKET_TIMEOUT_S,
    ) -> list[Any]:
        network = self._network
        await asyncio.sleep(network.trip_s())
        if not network.is_up or network.loses():
            raise self._unavailable("the command was lost")
        answers = self._exchange(commands, raw)
        await asyncio.sleep(network.trip_s())
        if network.loses():
            raise self._unavailable("the answer was lost")
        return answers

    def _exchange(self, commands: Sequence[Command], raw: bool) -> list[Any]:
        connection = self._connection
        self._network.n_trips += 1
        packed = b"".join(pack_command(tuple(each)) for each in commands)  # type: ignore[arg-type]
        connection.send_packed_command([packed])  # type: ignore[no-untyped-call]
        answers: list[Any] = []
        for _ in commands:
            try:
                answers.append(connection.read_response(disable_decoding=raw))
            except ResponseError as error:
                answers.append(error)
        return answers


def store_on(network: Network, prefix: str) -> tuple[RedisStore, BlockingLink]:
    link = BlockingLink(network)
    return RedisStore(link, Keys(prefix)), link
