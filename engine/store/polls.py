"""When which source is polled, and what a poll brings into its campaign.

A source is a campaign that reads its list from a connector; its id is the campaign's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final
from zlib import crc32

from engine.core.contact import NewContact
from engine.core.errors import CampaignFinal, Fenced, NotFound
from engine.ports import Fence
from engine.store import codec
from engine.store.changes import change
from engine.store.contact_fields import fields_of
from engine.store.keys import N_PHONE_SHARDS, Keys, digits, phone_shard
from engine.store.link import Argument, Command, Link
from engine.store.lists import list_json
from engine.store.scripts import invoke

#: A poll that shows no sign of life for so long is done again.
HOLD_S: Final = 45.0
#: One script call blocks the server for about 3 ms.
BATCH: Final = 250
POPPED_AT_ONCE: Final = 100
#: In place of a content hash.
WITHDRAWN: Final = "x"


@dataclass(frozen=True, slots=True)
class Poll:
    """One try of one slot of a source."""

    campaign_id: int
    slot_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Pull:
    """The right to store what is read. `position` is the reader's own text."""

    campaign_id: int
    connector_id: str
    fence: int
    position: str


class Stored(IntEnum):
    ADDED = 1
    CHANGED = 2
    SAME = 3
    DUPLICATE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PullStatus:
    """What became of a source's polls so far; counts are since the campaign began."""

    connector_id: str
    last_at: datetime | None
    last_ok_at: datetime | None
    next_at: datetime | None
    n_failures: int
    error_code: str
    error: str
    done: bool
    counts: Mapping[str, int]


class RedisPolls:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._plan = [keys.polls("due"), keys.polls("plan")]

    # -- the plan

    async def lead(self, owner: str, now: datetime, lease_s: float) -> Fence | None:
        """Who plans and pops; None while another does."""
        until = codec.to_ms(now) + int(lease_s * 1000)
        command = invoke("lead", [self._keys.polls("lease")], owner, codec.to_ms(now), until, "")
        epoch = (await self._link.batch([command]))[0]
        return Fence(owner=owner, epoch=epoch) if epoch else None

    async def resign(self, fence: Fence) -> None:
        command = invoke("resign", [self._keys.polls("lease")], fence.owner, fence.epoch)
        await self._link.batch([command])

    async def plan(self, intervals_s: Mapping[int, float], now: datetime) -> None:
        """All sources that are to be polled, by campaign; others are not polled any more."""
        flat: list[Argument] = []
        for campaign_id, interval_s in intervals_s.items():
            flat += [campaign_id, int(interval_s * 1000)]
        await self._link.batch([invoke("poll_plan", self._plan, codec.to_ms(now), *flat)])

    async def pop(self, now: datetime) -> Sequence[Poll]:
        """Those that are due; one that nobody begins or keeps up is popped again."""
        hold_ms = int(HOLD_S * 1000)
        command = invoke("poll_pop", self._plan, codec.to_ms(now), hold_ms, POPPED_AT_ONCE)
        return [Poll(*map(int, one)) for one in (await self._link.batch([command]))[0]]

    async def next_due_at(self) -> datetime | None:
        """When the first source is due; None where nothing is polled."""
        first = await self._link.call("ZRANGE", self._plan[0], 0, 0, "WITHSCORES")
        return codec.from_ms(int(float(first[1]))) if first else None

    async def begin(self, poll: Poll, now: datetime) -> bool:
        return await self._hold(poll, now, "out")

    async def keep_up(self, poll: Poll, now: datetime) -> bool:
        """False: another try has taken over, or the source is not polled any more."""
        return await self._hold(poll, now, "run")

    async def done(self, poll: Poll, now: datetime, retry_at: datetime | None) -> datetime | None:
        """When the source is due next; None when this was not its newest try."""
        at = "" if retry_at is None else codec.to_ms(retry_at)
        due = (await self._run("poll_done", *_name(poll), codec.to_ms(now), at)) or 0
        return codec.from_ms(due) if int(due) else None

    async def now(self, campaign_ids: Sequence[int], now: datetime) -> int:
        """Poll them at once. Returns how many are polled at all."""
        return int(await self._run("poll_now", codec.to_ms(now), *campaign_ids))

    # -- what a poll brings

    async def begin_pull(self, campaign_id: int, connector_id: str, now: datetime) -> Pull:
        """Fences out whoever began before. Raises NotFound."""
        base = [self._keys.campaign(campaign_id)]
        told = list_json("connector", connector_id, connector_id, now)
        begun = (await self._link.batch([invoke("pull_begin", base, connector_id, told)]))[0]
        if begun == -1:
            raise NotFound("There is no such campaign.")
        return Pull(campaign_id, connector_id, int(begun[0]), begun[1])

    async def upsert(
        self, pull: Pull, contacts: Sequence[NewContact], now: datetime
    ) -> Sequence[tuple[Stored, int]]:
        """What became of each, and its contact; every one has an external id.

        Raises Fenced, CampaignFinal.
        """
        found: list[tuple[Stored, int]] = []
        for start in range(0, len(contacts), BATCH):
            answer = (
                await self._link.batch(
                    [_upserting(self._keys, pull, contacts[start : start + BATCH], now)]
                )
            )[0]
            if answer == -1:
                raise Fenced("Another poll has taken over.")
            if answer == -2:
                raise CampaignFinal
            found += [(Stored(code), contact_id) for code, contact_id in answer]
        return found

    async def known(self, pull: Pull, external_ids: Sequence[str]) -> Sequence[bool]:
        """Whether each lead is a contact already."""
        connector_id, campaign_id = pull.connector_id, pull.campaign_id
        found = await find_leads(self._link, self._keys, campaign_id, connector_id, external_ids)
        return [one is not None for one in found]

    async def withdraw(
        self, pull: Pull, external_ids: Sequence[str], actor: str, now: datetime
    ) -> int:
        """Leads that the CRM took back are not dialled any more. Returns how many that concerns.

        A lead that was withdrawn before costs one look.
        """
        known = await find_leads(
            self._link, self._keys, pull.campaign_id, pull.connector_id, external_ids
        )
        pairs = zip(external_ids, known, strict=True)
        gone = [(lead, found[0]) for lead, found in pairs if found and found[1] != WITHDRAWN]
        base, commands = [self._keys.campaign(pull.campaign_id)], list[Command]()
        for external_id, contact_id in gone:
            field, shard = _lead(pull.connector_id, external_id)
            key = self._keys.campaign(pull.campaign_id, f"ext:{shard}")
            commands.append(invoke("withdraw", base, contact_id, codec.to_ms(now), actor))
            commands.append(("HSET", key, field, f"{contact_id}:{WITHDRAWN}"))
        await self._link.batch(commands)
        return len(gone)

    async def commit(
        self, pull: Pull, position: str, *, is_whole: bool, counts: Mapping[str, int]
    ) -> None:
        """A page is stored. `is_whole`: the list was read to its end. Raises Fenced."""
        flat = [part for name, n in counts.items() if n for part in (f"n_{name}", n)]
        done = pull.connector_id if is_whole else ""
        base = [self._keys.campaign(pull.campaign_id)]
        noted, _ = await self._link.batch([
            invoke("pull_commit", base, pull.fence, position, done, *flat),
            change(self._keys, "campaign", pull.campaign_id, {"what": "contacts"}),
        ])  # fmt: skip
        if not noted:
            raise Fenced("Another poll has taken over.")

    async def checked_at(self, campaign_id: int) -> datetime | None:
        """When its leads were last looked for, whether they are still there."""
        key = self._keys.campaign(campaign_id, "pull")
        return codec.maybe_from_ms(await self._link.call("HGET", key, "checked_at"))

    async def note_checked(self, campaign_id: int, now: datetime) -> None:
        key = self._keys.campaign(campaign_id, "pull")
        await self._link.call("HSET", key, "checked_at", codec.to_ms(now))

    async def note(
        self, campaign_id: int, now: datetime, error_code: str = "", error: str = ""
    ) -> int:
        """How a poll ended. Returns how many failed in a row."""
        key = self._keys.campaign(campaign_id, "pull")
        at = codec.to_ms(now)
        if not error_code:
            ok = (
                "HSET",
                key,
                "last_at",
                at,
                "last_ok_at",
                at,
                "failures",
                0,
                "code",
                "",
                "error",
                "",
            )
            await self._link.batch([ok])
            return 0
        failed, _ = await self._link.batch([
            ("HINCRBY", key, "failures", 1),
            ("HSET", key, "last_at", at, "code", error_code, "error", error[:500]),
        ])  # fmt: skip
        return int(failed)

    async def status(self, campaign_id: int) -> PullStatus | None:
        """None where nothing was ever polled."""
        flat, due = await self._link.batch([
            ("HGETALL", self._keys.campaign(campaign_id, "pull")),
            ("ZSCORE", self._plan[0], campaign_id),
        ])  # fmt: skip
        values = codec.pairs(flat)
        if not values:
            return None
        return PullStatus(
            connector_id=values.get("connector", ""),
            last_at=codec.maybe_from_ms(values.get("last_at")),
            last_ok_at=codec.maybe_from_ms(values.get("last_ok_at")),
            next_at=None if due is None else codec.from_ms(int(float(due))),
            n_failures=int(values.get("failures", 0)),
            error_code=values.get("code", ""),
            error=values.get("error", ""),
            done=bool(values.get("done")),
            counts={n[2:]: int(v) for n, v in values.items() if n.startswith("n_")},
        )

    async def _hold(self, poll: Poll, now: datetime, state: str) -> bool:
        hold_ms = int(HOLD_S * 1000)
        arguments = (*_name(poll), codec.to_ms(now), hold_ms, state)
        return bool(await self._run("poll_hold", *arguments))

    async def _run(self, verb: str, *arguments: Argument) -> int | str:
        answer: int | str = (await self._link.batch([invoke(verb, self._plan, *arguments)]))[0]
        return answer


async def find_leads(
    link: Link, keys: Keys, campaign_id: int, connector_id: str, external_ids: Sequence[str]
) -> Sequence[tuple[int, str] | None]:
    """Contact and content hash of each lead that came through the connector."""
    commands: list[Command] = []
    for external_id in external_ids:
        field, shard = _lead(connector_id, external_id)
        commands.append(("HGET", keys.campaign(campaign_id, f"ext:{shard}"), field))
    answers = await link.batch(commands)
    return [_contact_and_hash(text) if text else None for text in answers]


def _contact_and_hash(text: str) -> tuple[int, str]:
    contact_id, _, hash_ = text.partition(":")
    return int(contact_id), hash_


def _name(poll: Poll) -> tuple[Argument, ...]:
    return (poll.campaign_id, str(poll.slot_ms), str(poll.number))


def _lead(connector_id: str, external_id: str) -> tuple[str, int]:
    """Field and shard of a lead's entry."""
    field = f"{connector_id}|{external_id}"
    return field, crc32(field.encode()) % N_PHONE_SHARDS


def _upserting(keys: Keys, pull: Pull, contacts: Sequence[NewContact], now: datetime) -> Command:
    flat: list[Argument] = [pull.fence, codec.to_ms(now)]
    for contact in contacts:
        fields = [part for pair in fields_of(contact).items() for part in pair]
        lead = _lead(pull.connector_id, contact.external_id or "")
        number = (contact.hours_class, digits(contact.phone), phone_shard(contact.phone))
        others = [part for one in contact.phones for part in (digits(one), phone_shard(one))]
        head = (*lead, _hash(contact, fields), *number, contact.priority)
        flat += [*head, len(others), len(fields), *others, *fields]
    return invoke("pull_upsert", [keys.campaign(pull.campaign_id)], *flat)


def _hash(contact: NewContact, fields: Sequence[str]) -> str:
    """Of all that the lead's mapping gives; the same for the same content."""
    head = (contact.phone, *contact.phones, contact.hours_class, contact.priority)
    text = codec.to_json([*head, *fields])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
