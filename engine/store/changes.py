"""The change stream: what other processes, pages and engines must see at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.ports import Change
from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Command, Link

#: A reader that falls further behind than this reads the state anew instead.
MAX_CHANGES: Final = 10_000
MAX_AT_ONCE: Final = 500


def change(keys: Keys, kind: str, thing: object, payload: Mapping[str, object]) -> Command:
    """The command that publishes a change; goes into the round trip of what it tells of."""
    return change_json(keys, kind, thing, codec.to_json(payload))


def change_json(keys: Keys, kind: str, thing: object, payload: str) -> Command:
    head = ("XADD", keys.changes, "MAXLEN", "~", MAX_CHANGES, "*")
    return (*head, "k", kind, "i", str(thing), "p", payload)


class RedisChanges:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def wait(self, cursor: str, timeout_s: float) -> tuple[str, Sequence[Change]]:
        """Changes after `cursor`; none when `timeout_s` passes. Raises StoreUnavailable.

        `$` stands for now: the cursor that comes back is a real one, so that nothing between two
        calls is missed.
        """
        if cursor == "$":
            cursor = await self._last()
        head = ("XREAD", "COUNT", MAX_AT_ONCE)
        tail = ("STREAMS", self._keys.changes, cursor)
        if timeout_s > 0:
            block_ms = max(1, int(timeout_s * 1000))
            command = (*head, "BLOCK", block_ms, *tail)
            answer = await self._link.wait(*command, timeout_s=timeout_s)
        else:
            answer = await self._link.call(*head, *tail)
        entries = answer[0][1] if answer else []
        found = [_change(entry_id, values) for entry_id, values in entries]
        return (found[-1].cursor if found else cursor), found

    async def _last(self) -> str:
        newest = await self._link.call("XREVRANGE", self._keys.changes, "+", "-", "COUNT", 1)
        return str(newest[0][0]) if newest else "0-0"


def _change(entry_id: str, flat: Sequence[Any]) -> Change:
    values = codec.pairs(flat)
    return Change(entry_id, values["k"], values["i"], codec.from_json(values["p"]))
