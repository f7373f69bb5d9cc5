"""The real store on a real server, as a simulation needs it: time that it takes is virtual.

Each round trip blocks the process, so that nothing else happens meanwhile and a seed repeats a run;
what it would have taken passes on the virtual clock before and after it. There a caller can be
killed, and a command or its answer be lost, as in a network.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hiredis import pack_command
from redis import Redis
from redis.connection import Connection, UnixDomainSocketConnection
from redis.exceptions import ResponseError

from engine.store import RedisStore
from engine.store.keys import Keys
from engine.store.link import SOCKET_TIMEOUT_S, Command, Link
from engine.store.scripts import all_scripts

TRIP_S = (0.0002, 0.002)
#: One round trip in so many takes long.
SLOW_ONE_IN, SLOW_S = 500, (0.05, 0.6)


#: A socket's path has 108 bytes on Linux, 104 elsewhere, the last one 0.
LONGEST_PATH = 103
#: Scripts that may write to a stream.
TELLING = frozenset(sha for sha, text in all_scripts().items() if "XADD" in text)


@dataclass(slots=True)
class Tidings:
    """How often a stream of the server may have been written to, by anybody."""

    n: int = 0

    def note(self, commands: Sequence[Command]) -> None:
        self.n += any(_tells(each) for each in commands)


def _tells(command: Command) -> bool:
    match command[0]:
        case "XADD":
            return True
        case "EVALSHA":
            return command[1] in TELLING
        case "EVAL":
            return "XADD" in str(command[1])
    return False


@dataclass(slots=True)
class Network:
    """What all connections of a run share. `is_up` False: the server does not answer."""

    url: str
    dice: random.Random
    #: Shared by all networks to one server.
    tidings: Tidings = field(default_factory=Tidings)
    is_up: bool = True
    #: One round trip in so many is lost, half of them after the command was executed; 0: none.
    lost_one_in: int = 0
    #: A blocking read looks again so often.
    look_s: float = 0.2
    n_trips: int = 0

    def connect(self) -> Connection | UnixDomainSocketConnection:
        """Each command is a system call, and those on a socket of the machine are cheaper."""
        where = urlsplit(self.url)
        options = {"db": int(where.path[1:] or 0), "decode_responses": True, "protocol": 2}
        path = _made_ready(self.url)
        if path is not None:
            return UnixDomainSocketConnection(path=str(path), **options)
        return Connection(host=where.hostname or "", port=where.port or 6379, **options)

    def trip_s(self) -> float:
        if self.dice.randrange(SLOW_ONE_IN) == 0:
            return self.dice.uniform(*SLOW_S)
        return self.dice.uniform(*TRIP_S)

    def loses(self) -> bool:
        return bool(self.lost_one_in) and self.dice.randrange(2 * self.lost_one_in) == 0


@cache
def _made_ready(url: str) -> Path | None:
    """The server's own socket, where it has one here whose path is not too long to be used.

    From here on the server knows all scripts: what an earlier run taught it would make a run
    differ from the same one on a new server.
    """
    with Redis.from_url(url, decode_responses=True) as redis:
        for text in all_scripts().values():
            redis.script_load(text)
        found = redis.config_get("unixsocket", "dir")
    path = Path(found["dir"], found["unixsocket"])
    return path if path.is_socket() and len(str(path)) <= LONGEST_PATH else None


class BlockingLink(Link):
    def __init__(self, network: Network) -> None:
        super().__init__(network.url)
        self.know_scripts(all_scripts())
        self._network = network
        self._connection = network.connect()
        #: The blocking command that found nothing last, and what had been told by then.
        self._in_vain: tuple[tuple[Any, ...], int] | None = None

    async def wait(self, *command: Any, timeout_s: float) -> Any:
        """A blocking command asked again and again: blocking here would stop the world."""
        loop = asyncio.get_running_loop()
        block = command.index("BLOCK")
        until, asked = loop.time() + timeout_s, (*command[:block], *command[block + 2 :])
        while True:
            answer = await self._look(asked)
            if answer:
                return answer
            await asyncio.sleep(self._network.look_s)
            if loop.time() >= until:
                # Who is told that there was nothing asks again: looking here too is a trip more.
                return answer

    async def _look(self, asked: tuple[Any, ...]) -> Any:
        """Nothing comes to a stream to which nobody has written since the last look."""
        network, before = self._network, (asked, self._network.tidings.n)
        if before == self._in_vain and network.is_up:
            return None
        answer = await self.call(*asked)
        self._in_vain = None if answer else before
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
        self._network.tidings.note(commands)
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
