"""The one way to Redis: batches of commands in one round trip, with bounds and our own errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hiredis import pack_command
from redis.asyncio.connection import (
    AbstractConnection,
    ConnectionPool,
    parse_url,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from engine.core.errors import StoreUnavailable

#: No batch of ours takes longer on a healthy server; a script blocks it for a few ms at most.
#: One timer for each batch: those of the library, one for each answer, cost more than the answers.
SOCKET_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 3.0
#: More batches than this at once wait for a connection; each holds one for a bounded time.
MAX_CONNECTIONS: Final = 32
#: Readers of the change stream, each with a connection of its own while it waits.
MAX_WAITING: Final = 1000

Argument = str | bytes | int | float
Command = Sequence[Argument]


class Link:
    """Connections to one server. Raises StoreUnavailable, whatever Redis or the network said.

    Nothing is sent twice by itself: a command whose answer is lost may have been executed.
    """

    def __init__(self, url: str) -> None:
        try:
            self._where = _without_secret(parse_url(url))
        except ValueError as error:
            raise StoreUnavailable(f"This is not a Redis URL: {error}") from None
        self._pool = ConnectionPool.from_url(url, max_connections=MAX_CONNECTIONS, **_options())
        # The pool itself fails a caller who finds no connection; here they wait their turn.
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        self._waiting_pool = ConnectionPool.from_url(url, max_connections=MAX_WAITING, **_options())
        self._scripts: dict[str, str] = {}

    def know_scripts(self, text_of_sha: Mapping[str, str]) -> None:
        """Scripts that may be called by digest, also after the server forgot them."""
        self._scripts.update(text_of_sha)

    async def call(self, *command: Argument) -> Any:
        return (await self.batch([command]))[0]

    async def call_raw(self, *command: Argument) -> Any:
        """The answer as bytes."""
        async with self._free:
            answer = (await self._ask(self._pool, [command], raw=True))[0]
        if isinstance(answer, RedisError):
            raise self._unavailable(answer) from answer
        return answer

    async def batch(self, commands: Sequence[Command]) -> list[Any]:
        """Answers in order, one round trip. An error of one command is raised after all ran."""
        if not commands:
            return []
        async with self._free:
            answers = await self._ask(self._pool, commands)
            await self._repeat_forgotten(commands, answers)
        for answer in answers:
            if isinstance(answer, RedisError):
                raise self._unavailable(answer) from answer
        return answers

    async def _repeat_forgotten(self, commands: Sequence[Command], answers: list[Any]) -> None:
        """A restarted server knows no scripts: send those in full that it did not run."""
        forgotten = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if forgotten:
            again = [self._in_full(commands[i]) for i in forgotten]
            for i, answer in zip(forgotten, await self._ask(self._pool, again), strict=True):
                answers[i] = answer

    async def wait(self, *command: Argument, timeout_s: float) -> Any:
        """A blocking command, on a connection that nothing else waits for."""
        bound_s = timeout_s + SOCKET_TIMEOUT_S
        answer = (await self._ask(self._waiting_pool, [command], bound_s=bound_s))[0]
        if isinstance(answer, RedisError):
            raise self._unavailable(answer) from answer
        return answer

    async def close(self) -> None:
        await self._pool.disconnect()
        await self._waiting_pool.disconnect()

    async def _ask(
        self,
        pool: ConnectionPool,
        commands: Sequence[Command],
        *,
        raw: bool = False,
        bound_s: float = SOCKET_TIMEOUT_S,
    ) -> list[Any]:
        """Connecting included, as far as a connection is needed."""
        try:
            async with asyncio.timeout(bound_s):
                return await self._send(pool, commands, raw=raw)
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {bound_s:g} s") from error

    async def _send(
        self, pool: ConnectionPool, commands: Sequence[Command], *, raw: bool
    ) -> list[Any]:
        try:
            connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise self._unavailable(error) from error
        try:
            return await _exchange(connection, commands, raw)
        except (RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise self._unavailable(error) from error
        except asyncio.CancelledError:
            # An answer that nobody read must not be taken for that of the next command.
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    def _in_full(self, command: Command) -> Command:
        _, sha, *rest = command
        return ["EVAL", self._scripts[str(sha)], *rest]

    def _unavailable(self, error: Exception | str) -> StoreUnavailable:
        return StoreUnavailable(f"Redis at {self._where} does not answer: {error}")


def _options() -> dict[str, Any]:
    return {
        "decode_responses": True,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
    }


async def _exchange(
    connection: AbstractConnection, commands: Sequence[Command], raw: bool
) -> list[Any]:
    # In C: the client's own packing takes a third of an import's time.
    packed = [pack_command(tuple(command)) for command in commands]  # type: ignore[arg-type]
    await connection.send_packed_command(packed)
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response(disable_decoding=raw))
        except ResponseError as error:
            answers.append(error)
    return answers


def _without_secret(parts: Any) -> str:
    if "path" in parts:
        return str(parts["path"])
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 6379)}"
