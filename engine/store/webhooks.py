"""Outgoing webhooks: who is told of what, how far each has been told, and the log of deliveries.

A campaign's events are its streams of attempts and of status changes, which are kept; each webhook
has a place in each. From there events become deliveries, no more at once than a bound: a receiver
that is down makes its place stand still, and nothing is lost or heaped up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from engine.core.errors import NotFound, VersionConflict
from engine.store import codec
from engine.store.audit import entry
from engine.store.keys import Keys
from engine.store.link import Command, Link
from engine.store.scripts import invoke

#: Deliveries of one webhook that wait, and that are remembered after they ended.
MAX_WAITING: Final = 1000
MAX_LOGGED: Final = 1000
#: A delivery whose worker was lost is sent again after this.
HOLD_S: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`events` and `campaign_ids` empty: all of them. `sealed`: the secret, encrypted."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    campaign_ids: tuple[int, ...]
    enabled: bool
    sealed: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    #: Why it was disabled by itself.
    note: str = ""

    def wants(self, event: str, campaign_id: int) -> bool:
        is_told = not self.campaign_ids or campaign_id in self.campaign_ids
        return self.enabled and is_told and (not self.events or event in self.events)


class DeliveryStatus(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`message_id` is the event's: the same for every try and every replay."""

    id: int
    message_id: str
    event: str
    body: str
    status: DeliveryStatus = DeliveryStatus.WAITING
    tries: int = 0
    answer: int | None = None
    error: str = ""
    created_at: datetime
    last_at: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """An event that is to be told. `position`: its place in its stream."""

    message_id: str
    event: str
    body: str


@dataclass(frozen=True, slots=True)
class Tally:
    n_waiting: int
    n_delivered: int
    n_failed: int
    #: When the receiver, which did not answer, is tried again.
    rests_until: datetime | None


class RedisWebhooks:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._by_id = keys.webhooks("by_id")

    # -- who is told

    async def create(
        self, *, name: str, url: str, events: Sequence[str], campaign_ids: Sequence[int],
        sealed: str, actor: str, now: datetime,
    ) -> Webhook:  # fmt: skip
        """Told of what happens from now on."""
        number = await self._link.call("INCR", self._keys.webhooks("seq"))
        # By the clock that gives events their places; the place itself is not told.
        seconds, micros = await self._link.call("TIME")
        start = int(seconds) * 1000 + int(micros) // 1000 - 1
        row = Webhook(
            id=str(number), name=name, url=url, events=tuple(events), enabled=True, sealed=sealed,
            campaign_ids=tuple(campaign_ids), created_at=now, updated_at=now,
        )  # fmt: skip
        await self._link.batch([
            ("HSET", self._cursors(row.id), "start", start),
            ("HSET", self._by_id, row.id, _webhook_json(row)),
            self._entry(row, "webhook_create", actor, now),
        ])  # fmt: skip
        return await self.get(row.id)

    async def get(self, webhook_id: str) -> Webhook:
        """Raises NotFound."""
        text = await self._link.call("HGET", self._by_id, webhook_id)
        if text is None:
            raise NotFound("There is no such webhook.")
        return _webhook(text)

    async def list(self) -> Sequence[Webhook]:
        """Oldest first."""
        rows = [_webhook(text) for text in await self._link.call("HVALS", self._by_id)]
        return sorted(rows, key=lambda row: int(row.id))

    async def save(self, row: Webhook, actor: str, now: datetime) -> Webhook:
        """An edit of what was read. Raises NotFound, VersionConflict."""
        edited = replace(row, version=row.version + 1, updated_at=now)
        await self._swap(row, _webhook_json(edited))
        await self._link.batch([
            self._entry(row, "webhook_edit", actor, now),
            ("DEL", self._keys.webhooks(f"rest:{row.id}")),
            # It may have been disabled, and behind, when campaigns were done with.
            ("DEL", self._keys.webhooks("done")),
        ])  # fmt: skip
        return await self.get(row.id)

    async def delete(self, row: Webhook, actor: str, now: datetime) -> None:
        """With its log. Raises NotFound, VersionConflict."""
        await self._swap(row, "")
        names = ("cursor", "due", "rows", "log", "rest", "counts", "deliveries")
        keys = [self._keys.webhooks(f"{name}:{row.id}") for name in names]
        await self._link.batch([("DEL", *keys), self._entry(row, "webhook_delete", actor, now)])

    # -- how far they were told

    async def cursors(self, webhook_id: str) -> Mapping[str, str]:
        """The place in each stream by its name; `start` (ms) for those not begun."""
        return codec.pairs(await self._link.call("HGETALL", self._cursors(webhook_id)))

    async def take(
        self, webhook_id: str, stream: str, old: str, new: str, messages: Sequence[Message],
        now: datetime,
    ) -> bool:  # fmt: skip
        """Queue messages and move the place in the same step; False: another was faster."""
        flat = [part for one in messages for part in (one.message_id, one.event, one.body)]
        head = (webhook_id, stream, old, new, codec.to_ms(now))
        base = [self._keys.webhooks("")]
        return bool((await self._link.batch([invoke("hook_take", base, *head, *flat)]))[0])

    async def start_again(self, webhook_id: str, since: datetime) -> None:
        """Tell everything since then again."""
        key = self._cursors(webhook_id)
        await self._link.batch([
            ("DEL", key),
            ("HSET", key, "start", codec.to_ms(since) - 1),
            ("DEL", self._keys.webhooks("done")),
        ])  # fmt: skip

    async def done_campaigns(self) -> frozenset[int]:
        """Ended, and every webhook was told all of it."""
        return frozenset(map(int, await self._link.call("SMEMBERS", self._keys.webhooks("done"))))

    async def note_done(self, campaign_ids: Sequence[int]) -> None:
        await self._link.call("SADD", self._keys.webhooks("done"), *campaign_ids)

    async def last_events(self, campaign_ids: Sequence[int]) -> Mapping[str, str]:
        """The newest place in each stream of these campaigns that has any."""
        names = [f"{campaign_id}:{kind}" for campaign_id in campaign_ids for kind in STREAMS]
        commands: list[Command] = [
            ("XREVRANGE", self._stream(name), "+", "-", "COUNT", 1) for name in names
        ]
        rows = await self._link.batch(commands)
        return {name: str(row[0][0]) for name, row in zip(names, rows, strict=True) if row}

    async def events(
        self, stream: str, after: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Place and fields of what came in a stream behind a place."""
        rows = await self._link.call(
            "XRANGE", self._stream(stream), f"({after}", "+", "COUNT", limit
        )
        return [(str(place), codec.pairs(flat)) for place, flat in rows]

    # -- deliveries

    async def add(self, webhook_id: str, message: Message, now: datetime) -> Delivery:
        """Queue a message that is no campaign's."""
        arguments = (webhook_id, codec.to_ms(now), message.message_id, message.event, message.body)
        base = [self._keys.webhooks("")]
        return _delivery((await self._link.batch([invoke("hook_add", base, *arguments)]))[0])

    async def has_due(self, webhook_ids: Sequence[str], now: datetime) -> Sequence[str]:
        """Those of the webhooks that have something to send now."""
        at, commands = codec.to_ms(now), list[Command]()
        for one in webhook_ids:
            commands.append(("ZCOUNT", self._keys.webhooks(f"due:{one}"), "-inf", at))
            commands.append(("HGET", self._keys.webhooks(f"rest:{one}"), "until"))
        answers = await self._link.batch(commands)
        rows = zip(webhook_ids, answers[::2], answers[1::2], strict=True)
        return [one for one, n, until in rows if n and int(until or 0) <= at]

    async def room(self, webhook_id: str) -> int:
        """How many more deliveries may wait."""
        n = await self._link.call("ZCARD", self._keys.webhooks(f"due:{webhook_id}"))
        return max(0, MAX_WAITING - int(n))

    async def begin(self, webhook_id: str, limit: int, now: datetime) -> Sequence[Delivery]:
        """Those that are due; they come again unless `end` says what became of them."""
        arguments = (webhook_id, codec.to_ms(now), HOLD_S * 1000, limit)
        base = [self._keys.webhooks("")]
        rows = (await self._link.batch([invoke("hook_begin", base, *arguments)]))[0]
        return [_delivery(text) for text in rows]

    async def end(self, webhook_id: str, delivery: Delivery) -> None:
        """What became of a try: ended, or due again at `next_at`."""
        due = "" if delivery.next_at is None else codec.to_ms(delivery.next_at)
        arguments = (webhook_id, delivery.id, _delivery_json(delivery), delivery.status, due)
        base = [self._keys.webhooks("")]
        await self._link.batch([invoke("hook_end", base, *arguments, MAX_LOGGED)])

    async def rest(self, webhook_id: str, until: datetime | None) -> int:
        """Nothing is sent until then; None: it answers again. Returns how often in a row."""
        key = self._keys.webhooks(f"rest:{webhook_id}")
        if until is None:
            await self._link.call("DEL", key)
            return 0
        n, _ = await self._link.batch([
            ("HINCRBY", key, "failures", 1),
            ("HSET", key, "until", codec.to_ms(until)),
        ])  # fmt: skip
        return int(n)

    async def n_failures(self, webhook_id: str) -> int:
        found = await self._link.call("HGET", self._keys.webhooks(f"rest:{webhook_id}"), "failures")
        return int(found or 0)

    async def deliveries(
        self, webhook_id: str, limit: int = 100, before: int | None = None
    ) -> Sequence[Delivery]:
        """Newest first, of those with a lower id than `before`."""
        end = "+inf" if before is None else f"({before}"
        head = ("ZREVRANGEBYSCORE", self._keys.webhooks(f"log:{webhook_id}"), end, "-inf")
        ids = await self._link.call(*head, "LIMIT", 0, limit)
        if not ids:
            return []
        rows = await self._link.call("HMGET", self._keys.webhooks(f"rows:{webhook_id}"), *ids)
        return [_delivery(text) for text in rows if text]

    async def again(self, webhook_id: str, delivery_ids: Sequence[int], now: datetime) -> int:
        """Send these again, whatever became of them. Returns how many are still in the log."""
        head = (webhook_id, codec.to_ms(now))
        base = [self._keys.webhooks("")]
        command = invoke("hook_again", base, *head, *delivery_ids)
        return int((await self._link.batch([command]))[0])

    async def tally(self, webhook_id: str) -> Tally:
        waiting, flat, until = await self._link.batch([
            ("ZCARD", self._keys.webhooks(f"due:{webhook_id}")),
            ("HGETALL", self._keys.webhooks(f"counts:{webhook_id}")),
            ("HGET", self._keys.webhooks(f"rest:{webhook_id}"), "until"),
        ])  # fmt: skip
        counts = codec.pairs(flat)
        return Tally(
            int(waiting), int(counts.get("delivered", 0)), int(counts.get("failed", 0)),
            codec.maybe_from_ms(until),
        )  # fmt: skip

    # -- inside

    def _cursors(self, webhook_id: str) -> str:
        return self._keys.webhooks(f"cursor:{webhook_id}")

    def _stream(self, name: str) -> str:
        campaign_id, _, kind = name.partition(":")
        return self._keys.campaign(int(campaign_id), STREAMS[kind])

    async def _swap(self, row: Webhook, text: str) -> None:
        command = invoke("save_connector", [self._by_id], row.id, str(row.version), text)
        saved = (await self._link.batch([command]))[0]
        if saved == -1:
            raise NotFound("There is no such webhook.")
        if not saved:
            raise VersionConflict

    def _entry(self, row: Webhook, what: str, actor: str, now: datetime) -> Command:
        return entry(self._keys, now, actor, what, f"webhook:{row.id}", name=row.name)


#: A campaign's streams by the letter that names them in a cursor.
STREAMS: Final[Mapping[str, str]] = {"a": "attempts", "s": "audit"}


def _webhook_json(row: Webhook) -> str:
    at = {"created_at": codec.to_ms(row.created_at), "updated_at": codec.to_ms(row.updated_at)}
    return codec.to_json({**asdict(row), **at})


def _webhook(text: str) -> Webhook:
    values = codec.from_json(text)
    for name in ("created_at", "updated_at"):
        values[name] = codec.from_ms(values[name])
    for name in ("events", "campaign_ids"):
        values[name] = tuple(values[name])
    return Webhook(**values)


_INSTANTS = ("created_at", "last_at", "next_at")


def _delivery_json(one: Delivery) -> str:
    values = asdict(one)
    at = {name: values[name] and codec.to_ms(values[name]) for name in _INSTANTS}
    return codec.to_json({**values, **at})


def _delivery(text: str) -> Delivery:
    values = codec.from_json(text)
    at = {name: codec.maybe_from_ms(values.get(name)) for name in _INSTANTS}
    return Delivery(**{**values, **at, "status": DeliveryStatus(values["status"])})
