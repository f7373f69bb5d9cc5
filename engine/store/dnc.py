"""Numbers that must not be called, by all campaigns, by one, or by those of one connector.

What reserving a number checks, at once. A scope is empty (all campaigns), `c<campaign>` or
`k<connector>`. An entry is a number or a prefix. Numbers that came in a file are kept with a batch
number instead of source and instant of their own: 12 bytes each, so that registries fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.core.campaign import Campaign
from engine.core.errors import FieldError, Invalid
from engine.store import codec
from engine.store.audit import entry
from engine.store.keys import Keys, digits, number_shard
from engine.store.link import Command, Link
from engine.store.page import Page, bad_cursor, cursor_of, parts_of
from engine.store.scripts import invoke

#: Numbers that one script call adds: it blocks the server for about 1 ms.
AT_ONCE = 500
_COMMANDS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class DncEntry:
    """`phone` is a number in E.164, or of a prefix its beginning."""

    phone: str
    source: str
    added_at: datetime


def scopes_of(campaign: Campaign) -> tuple[str, ...]:
    """Lists besides the one for all that a campaign obeys."""
    connector = campaign.settings.list.connector_id
    return (f"c{campaign.id}", f"k{connector}") if connector else (f"c{campaign.id}",)


class RedisDnc:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._version: str | None = None
        self._prefixes: dict[str, frozenset[str]] = {}

    async def add(
        self, phone: str, *, source: str, actor: str, now: datetime, scope: str = ""
    ) -> bool:
        """False when it was there already."""
        value = f"{codec.to_ms(now)}|{source}"
        answers = await self._link.batch([
            # First the mark by which `list` finds the shard: a kill in between does no harm.
            ("SETBIT", self._shards(scope), number_shard(phone), 1),
            ("HSETNX", self._keys.number(phone).dnc_of(scope), digits(phone), value),
        ])  # fmt: skip
        if answers[1]:
            await self._audit(now, actor, "dnc_add", phone, scope, source=source)
        return bool(answers[1])

    async def add_many(
        self, phones: Iterable[str], *, source: str, actor: str, now: datetime, scope: str = ""
    ) -> int:
        """Of a file, packed; how many are new. A number that is there keeps its entry."""
        batch = await self._link.call("INCR", self._keys.dnc("batch_seq"))
        told = codec.to_json([codec.to_ms(now), source])
        await self._link.call("HSET", self._keys.dnc("batches"), batch, told)
        by_shard: defaultdict[int, list[str]] = defaultdict(list)
        for phone in phones:
            by_shard[number_shard(phone)].append(digits(phone))
        n_new, commands = 0, list[Command]()
        for shard, found in by_shard.items():
            commands.append(("SETBIT", self._shards(scope), shard, 1))
            key = self._keys.shard(shard).dnc_of(scope)
            for start in range(0, len(found), AT_ONCE):
                commands.append(invoke("dnc_add", [key], batch, *found[start : start + AT_ONCE]))
        for start in range(0, len(commands), _COMMANDS_AT_ONCE):
            part = commands[start : start + _COMMANDS_AT_ONCE]
            answers = await self._link.batch(part)
            n_new += sum(
                n for command, n in zip(part, answers, strict=True) if command[0] == "EVALSHA"
            )
        await self._audit(now, actor, "dnc_file", source, scope, added=n_new)
        return n_new

    async def remove(self, phone: str, actor: str, now: datetime, *, scope: str = "") -> bool:
        gone = await self._link.call("HDEL", self._keys.number(phone).dnc_of(scope), digits(phone))
        if gone:
            await self._audit(now, actor, "dnc_remove", phone, scope)
        return bool(gone)

    async def contains(self, phone: str, scopes: Sequence[str] = ()) -> bool:
        return (await self.listed([(phone, scopes)]))[0]

    async def listed(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[bool]:
        """(phone, scopes) each: on the list for all, on one of its scopes, or by a prefix."""
        commands: list[Command] = []
        owner: list[int] = []
        for i, (phone, scopes) in enumerate(asked):
            keys = self._keys.number(phone)
            for scope in ("", *scopes):
                commands.append(("HEXISTS", keys.dnc_of(scope), digits(phone)))
                owner.append(i)
        answers, found = await self.with_prefixes(commands, asked)
        for i, answer in zip(owner, answers, strict=True):
            found[i] = found[i] or bool(answer)
        return found

    async def with_prefixes(
        self, commands: Sequence[Command], asked: Sequence[tuple[str, Sequence[str]]]
    ) -> tuple[list[Any], list[bool]]:
        """Answers of the commands, and which of (phone, scopes) a prefix has: one round trip.

        Prefixes are kept here and read again when their version has moved, so that a new one acts
        on the next question.
        """
        if not commands:
            return [], [False for _ in asked]
        version, *answers = await self._link.batch(
            [("GET", self._keys.dnc("prefix_version")), *commands]
        )
        if version != self._version:
            await self._read_prefixes(version)
        return answers, [self._has_prefix(phone, scopes) for phone, scopes in asked]

    async def is_empty(self, scopes: Sequence[str]) -> bool:
        """No number and no prefix was ever added: nothing to ask, for an import of millions."""
        keys = [self._shards(scope) for scope in ("", *scopes)]
        return not await self._link.call("EXISTS", self._keys.dnc("prefix_version"), *keys)

    async def add_prefix(
        self, prefix: str, *, source: str, actor: str, now: datetime, scope: str = ""
    ) -> bool:
        """Of E.164 with its plus, such as +1900. Raises Invalid. False when it was there."""
        added = await self._change_prefix(prefix, scope, f"{codec.to_ms(now)}|{source}")
        if added:
            await self._audit(now, actor, "dnc_add_prefix", prefix, scope, source=source)
        return bool(added)

    async def remove_prefix(
        self, prefix: str, actor: str, now: datetime, *, scope: str = ""
    ) -> bool:
        gone = await self._change_prefix(prefix, scope, "")
        if gone:
            await self._audit(now, actor, "dnc_remove_prefix", prefix, scope)
        return bool(gone)

    async def prefixes(self, scope: str = "") -> Sequence[DncEntry]:
        flat = await self._link.call("HGETALL", self._keys.dnc("prefixes"))
        found = sorted(codec.pairs(flat).items())
        split = [(*field.partition("|"), value) for field, value in found]
        return [_entry(digits_, value, {}) for of, _, digits_, value in split if of == scope]

    async def _batches(self, numbers: set[str]) -> dict[str, str]:
        if not numbers:
            return {}
        wanted = sorted(numbers)
        told = await self._link.call("HMGET", self._keys.dnc("batches"), *wanted)
        pairs = zip(wanted, (codec.from_json(one) for one in told), strict=True)
        return {number: f"{at}|{source}" for number, (at, source) in pairs}

    async def _used_shards(self, first: int, scope: str) -> list[int]:
        bitmap = await self._link.call_raw("GET", self._shards(scope)) or b""
        return [shard for shard in _bits(bitmap) if shard >= first]

    async def _read_prefixes(self, version: str | None) -> None:
        flat = await self._link.call("HGETALL", self._keys.dnc("prefixes"))
        by_scope: defaultdict[str, set[str]] = defaultdict(set)
        for field in codec.pairs(flat):
            scope, _, prefix = field.partition("|")
            by_scope[scope].add(prefix)
        self._prefixes = {scope: frozenset(found) for scope, found in by_scope.items()}
        self._version = version

    def _has_prefix(self, phone: str, scopes: Sequence[str]) -> bool:
        sets = [self._prefixes[s] for s in ("", *scopes) if s in self._prefixes]
        if not sets:
            return False
        number = digits(phone)
        return any(number[:n] in each for each in sets for n in range(1, len(number) + 1))

    def _shards(self, scope: str) -> str:
        return self._keys.dnc(f"shards:{scope}") if scope else self._keys.dnc_shards

    async def _audit(
        self, now: datetime, actor: str, action: str, subject: str, scope: str, **detail: object
    ) -> None:
        more = {"scope": scope} if scope else {}
        await self._link.batch([entry(self._keys, now, actor, action, subject, **detail, **more)])

    async def _change_prefix(self, prefix: str, scope: str, value: str) -> bool:
        keys = [self._keys.dnc("prefixes"), self._keys.dnc("prefix_version")]
        field = _field(prefix, scope)
        return bool((await self._link.batch([invoke("dnc_prefix", keys, field, value)]))[0])

    async def list(
        self, *, limit: int = 100, cursor: str | None = None, scope: str = ""
    ) -> Page[DncEntry]:
        """Every number once, in an order that stays the same."""
        after = _position(cursor)
        found: list[tuple[int, str, str]] = []
        shards = await self._used_shards(after[0], scope)
        while shards and len(found) <= limit:
            some, shards = shards[:100], shards[100:]
            commands = [("HGETALL", self._keys.shard(shard).dnc_of(scope)) for shard in some]
            for shard, flat in zip(some, await self._link.batch(commands), strict=True):
                rest = sorted((int(n), v) for n, v in codec.pairs(flat).items())
                found += [(shard, str(n), v) for n, v in rest if (shard, n) > after]
        page = found[:limit]
        last = (page[-1][0], int(page[-1][1])) if len(found) > limit else None
        batches = await self._batches({value for _, _, value in page if "|" not in value})
        items = [_entry(number, value, batches) for _, number, value in page]
        return Page(items, cursor_of(*last) if last else None)


def _field(prefix: str, scope: str) -> str:
    number = prefix.removeprefix("+")
    if not (number.isascii() and number.isdecimal() and len(number) <= 15):
        raise Invalid(errors=[FieldError("prefix", "must be digits after a plus, at most 15")])
    return f"{scope}|{number}"


def _bits(bitmap: bytes) -> Iterator[int]:
    for i, byte in enumerate(bitmap):
        if byte:
            yield from (i * 8 + bit for bit in range(8) if byte & (0x80 >> bit))


def _position(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return (-1, -1)
    shard, number = parts_of(cursor, 2)
    if not isinstance(shard, int) or not isinstance(number, int):
        raise bad_cursor()
    return (shard, number)


def _entry(number: str, value: str, batches: dict[str, str]) -> DncEntry:
    added_at, _, source = batches.get(value, value).partition("|")
    return DncEntry(f"+{number}", source, codec.from_ms(added_at))
