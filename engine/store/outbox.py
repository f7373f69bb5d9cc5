"""What a CRM is still to be told: a consumer group on each campaign's stream of attempts.

The stream is written in the step that settles an attempt, so nothing that was settled is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from engine.core.attempt import AttemptRecord
from engine.core.errors import Fenced
from engine.core.outcome import Outcome
from engine.store import codec, records
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.polls import find_leads
from engine.store.scripts import invoke

AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Push:
    """The right to write back a campaign's attempts."""

    campaign_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Waiting:
    position: str
    record: AttemptRecord
    #: A later record of the attempt is there, or will be when its wrap-up ends.
    is_superseded: bool


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: str
    campaign_id: int
    attempt_id: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PushStatus:
    n_waiting: int
    n_pushed: int
    n_skipped: int
    n_dead: int
    last_at: datetime | None
    error: str
    #: How often in a row the oldest one did not go through.
    n_tries: int = 0


class RedisOutbox:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def follow(self, campaign_ids: Sequence[int]) -> None:
        """Write back what happens in these campaigns, also after their end."""
        if campaign_ids:
            await self._link.call("SADD", self._keys.polls("writeback"), *campaign_ids)

    async def followed(self) -> Sequence[int]:
        return sorted(map(int, await self._link.call("SMEMBERS", self._keys.polls("writeback"))))

    async def unfollow(self, campaign_id: int) -> None:
        await self._link.call("SREM", self._keys.polls("writeback"), campaign_id)

    async def waiting(self, campaign_ids: Sequence[int]) -> Sequence[int]:
        """How many attempts wait, of each campaign."""
        commands = [invoke("outbox_waiting", [self._keys.campaign(i)]) for i in campaign_ids]
        return [int(n) for n in await self._link.batch(commands)]

    async def begin(self, campaign_id: int) -> Push:
        """Fences out whoever began before."""
        begun = await self._link.batch([invoke("outbox_begin", [self._base(campaign_id)])])
        return Push(campaign_id, int(begun[0]))

    async def read(self, push: Push) -> Sequence[Waiting]:
        """Oldest first, the same ones until they are acknowledged. Raises Fenced."""
        base = [self._base(push.campaign_id)]
        rows = (await self._link.batch([invoke("outbox_read", base, push.fence, AT_ONCE)]))[0]
        if rows == -1:
            raise Fenced("Another worker writes back now.")
        return [
            Waiting(position, _record(push.campaign_id, entry), bool(later))
            for position, *entry, later in rows
        ]

    async def is_lead(self, campaign_id: int, connector_id: str, record: AttemptRecord) -> bool:
        """The attempt's contact came through this connector."""
        if record.external_id is None:
            return False
        found = await find_leads(
            self._link, self._keys, campaign_id, connector_id, [record.external_id]
        )
        return found[0] is not None and found[0][0] == record.contact_id

    async def acknowledge(
        self,
        push: Push,
        waiting: Waiting,
        what: Literal["pushed", "skipped", "dead"],
        now: datetime,
        reason: str = "",
    ) -> None:
        """Raises Fenced."""
        arguments = (push.fence, waiting.position, what, waiting.record.attempt_id, reason[:500])
        base = [self._base(push.campaign_id)]
        command = invoke("outbox_ack", base, *arguments, codec.to_ms(now))
        if not (await self._link.batch([command]))[0]:
            raise Fenced("Another worker writes back now.")

    async def failed(self, push: Push, error: str) -> int:
        """The oldest one did not go through. Returns how often in a row."""
        key = self._keys.campaign(push.campaign_id, "push")
        tries, _ = await self._link.batch([
            ("HINCRBY", key, "tries", 1),
            ("HSET", key, "error", error[:500]),
        ])  # fmt: skip
        return int(tries)

    async def status(self, campaign_id: int) -> PushStatus:
        flat, dead, waiting = await self._link.batch([
            ("HGETALL", self._keys.campaign(campaign_id, "push")),
            ("XLEN", self._keys.campaign(campaign_id, "dead")),
            invoke("outbox_waiting", [self._base(campaign_id)]),
        ])  # fmt: skip
        values = codec.pairs(flat)
        return PushStatus(
            n_waiting=waiting,
            n_pushed=int(values.get("pushed", 0)),
            n_skipped=int(values.get("skipped", 0)),
            n_dead=dead,
            last_at=codec.maybe_from_ms(values.get("last_at")),
            error=values.get("error", ""),
            n_tries=int(values.get("tries", 0)),
        )

    async def dead(self, campaign_id: int, limit: int = 100) -> Sequence[DeadLetter]:
        """Oldest first."""
        key = self._keys.campaign(campaign_id, "dead")
        rows = await self._link.call("XRANGE", key, "-", "+", "COUNT", limit)
        return [_dead(campaign_id, row_id, codec.pairs(flat)) for row_id, flat in rows]

    async def redo(self, campaign_id: int, limit: int = 1000) -> int:
        """Send dead letters again."""
        command = invoke("outbox_redo", [self._base(campaign_id)], limit)
        return int((await self._link.batch([command]))[0])

    def _base(self, campaign_id: int) -> str:
        return self._keys.campaign(campaign_id)


def _record(campaign_id: int, entry: Sequence[str]) -> AttemptRecord:
    attempt_id, contact_id, outcome, rev, packed = entry
    told = records.Entry(campaign_id, attempt_id, int(contact_id), Outcome(outcome), int(rev))
    return records.unpack(packed, told)


def _dead(campaign_id: int, row_id: str, values: dict[str, str]) -> DeadLetter:
    at = codec.from_ms(values["at"])
    return DeadLetter(row_id, campaign_id, values["attempt"], values["reason"], at)
