"""The life of a contact's attempts in one campaign: claim, mark sent, give back, settle, finish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.core.attempt import AttemptStage, Claim, LiveAttempt
from engine.core.contact import Contact
from engine.core.errors import Fenced
from engine.core.ledger import AnsweredBy
from engine.core.outcome import Outcome
from engine.core.redial import Done, History, Next, RedialAt, Turn
from engine.ports import NO_WAIT, CallbackWait, Fence, Settlement, Wrapping
from engine.store import codec, records
from engine.store.changes import change_json
from engine.store.contact_fields import (
    OUTCOME_CODES,
    callback_of,
    class_number,
    history_of,
)
from engine.store.contact_texts import texts_in
from engine.store.contacts import RedisContacts
from engine.store.keys import Keys, digits
from engine.store.ledger import moved_by
from engine.store.link import Argument, Command, Link
from engine.store.scripts import invoke


@dataclass(frozen=True, slots=True)
class Ended:
    """A settlement as its script takes it, and the record as its change tells it."""

    attempt_id: str
    arguments: tuple[Argument, ...]
    json: str


_MS = timedelta(milliseconds=1)
#: Due contacts whose class is asked for: they are promoted by the next claim anyway.
DUE_LOOKED_AT = 50


class RedisCalls:
    def __init__(self, link: Link, keys: Keys, contacts: RedisContacts) -> None:
        self._link, self._keys, self._contacts = link, keys, contacts

    async def hours_classes(self, campaign_id: int) -> Sequence[str]:
        """Classes with contacts that wait, scheduled ones included: a claim makes the due ready."""
        names, waiting = await self._link.batch([
            ("HGETALL", self._keys.campaign(campaign_id, "class_names")),
            ("HGETALL", self._keys.campaign(campaign_id, "waiting")),
        ])  # fmt: skip
        name_of = codec.pairs(names)
        places = [place for place, n in codec.pairs(waiting).items() if int(n) > 0]
        return list(dict.fromkeys(name_of[class_number(place)] for place in places))

    async def ready_classes(self, campaign_id: int, now: datetime) -> Sequence[str]:
        """Classes with contacts that are ready, or among the first that are due by now."""
        names, places = await self._link.batch([
            ("HGETALL", self._key(campaign_id, "class_names")),
            ("SMEMBERS", self._key(campaign_id, "ready_places")),
        ])  # fmt: skip
        name_of = codec.pairs(names)
        lists = [(class_number(place.partition(":")[2]), self._key(campaign_id, f"ready:{place}"))
                 for place in places]  # fmt: skip
        due_by = codec.to_ms(now)
        *sizes, callbacks, redials = await self._link.batch([
            *(("ZCARD", key) for _, key in lists),
            *(("ZRANGEBYSCORE", self._key(campaign_id, f"due:{list_}"), "-inf", due_by,
               "LIMIT", 0, DUE_LOOKED_AT) for list_ in ("callback", "redial")),
        ])  # fmt: skip
        ready = {number for (number, _), size in zip(lists, sizes, strict=True) if size}
        due = await self._link.batch([
            ("HGET", self._key(campaign_id, f"k:{contact}"), "hc")
            for contact in (*callbacks, *redials)
        ])  # fmt: skip
        of_due = {class_number(place) for place in due if place}
        return [name_of[number] for number in ready | of_due if number in name_of]

    async def claim(
        self,
        campaign_id: int,
        fence: Fence,
        attempt_ids: Sequence[str],
        open_classes: Sequence[str],
        now: datetime,
        lease_s: float,
        *,
        order: str = "redials_first",
        callbacks: CallbackWait = NO_WAIT,
    ) -> Sequence[Claim]:
        """Up to len(attempt_ids) contacts. Raises Fenced."""
        waits = (callbacks.most // _MS, codec.to_ms_up(now + callbacks.retry))
        there = f",{','.join(map(str, callbacks.agents_there))},"
        head = (*_lease(now, lease_s), fence.epoch, len(attempt_ids), order, *waits, there)
        found = await self._run("claim", campaign_id, *head, *attempt_ids, *open_classes)
        if found == -1:
            raise Fenced
        return [_claim(one) for one in found]

    async def redial_lists(self, campaign_id: int) -> Sequence[str]:
        places = await self._link.call("SMEMBERS", self._key(campaign_id, "ready_places"))
        ready = [f"ready:{place}" for place in sorted(places) if not place.startswith("n:")]
        return ["due:callback", "due:redial", *ready]

    async def histories(
        self, campaign_id: int, waits_in: str, start: int, n: int
    ) -> Sequence[tuple[int, History]]:
        key = self._key(campaign_id, waits_in)
        contacts = await self._link.call("ZRANGE", key, start, start + n - 1)
        rows = await self._link.batch([
            ("HGETALL", self._key(campaign_id, f"k:{contact}")) for contact in contacts
        ])  # fmt: skip
        histories = [history_of(codec.pairs(row)) for row in rows]
        return [(int(each), one) for each, one in zip(contacts, histories, strict=True)]

    async def end_waiting(self, campaign_id: int, ended: Sequence[tuple[int, str]]) -> int:
        if not ended:
            return 0
        flat = [part for one in ended for part in one]
        return int(await self._run("end_waiting", campaign_id, *flat))

    async def mark_sent(
        self,
        campaign_id: int,
        fence: Fence,
        sent: Sequence[tuple[str, str, str, str]],
        now: datetime,
        lease_s: float,
        *,
        keep_caller_id: bool = False,
    ) -> Sequence[bool]:
        """(attempt id, caller id, trunk, node) each: True where it may go. Raises Fenced."""
        flat = [part for one in sent for part in one]
        head = (*_lease(now, lease_s), fence.epoch, int(keep_caller_id))
        marked = await self._run("mark_sent", campaign_id, *head, *flat)
        if marked == -1:
            raise Fenced
        return [bool(one) for one in marked]

    async def give_back(
        self, campaign_id: int, attempt_id: str, next: Next | None, now: datetime
    ) -> bool:
        """Of a claimed attempt, or of a sent one that is known never to have left."""
        kind, argument = _follow(next)
        # A contact that only waits stays in the list it was in.
        kind = "park" if kind == "redial" else kind
        head = (attempt_id, kind, argument, _turn(next))
        return bool(await self._run("give_back", campaign_id, *head))

    async def settle(
        self, campaign_id: int, settlements: Sequence[Settlement], now: datetime
    ) -> Sequence[bool]:
        """True also where an attempt that was settled as unknown becomes known: its revision."""
        ended = [_settling(settlement) for settlement in settlements]
        answers = await self._link.batch(self._ending(campaign_id, ended))
        settled = [bool(one) for one in answers[::2]]
        late = [i for i, done in enumerate(settled) if not done]
        for i in late:
            settled[i] = await self._revise(campaign_id, ended[i])
        return settled

    async def adopt(
        self, campaign_id: int, attempts: Sequence[LiveAttempt], now: datetime
    ) -> Sequence[bool]:
        """Calls that live although the store lost them; see the port."""
        base = [self._keys.campaign(campaign_id)]
        commands = [invoke("adopt", base, *_adopting(attempt, now)) for attempt in attempts]
        return [bool(one) for one in await self._link.batch(commands)]

    async def finish(
        self,
        campaign_id: int,
        attempt_id: str,
        disposition: str | None,
        next: Next,
        now: datetime,
        *,
        is_machine: bool = False,
        counts: bool = True,
    ) -> bool:
        wrap, packed = await self._link.batch([
            ("HGET", self._keys.campaign(campaign_id, "wrap"), attempt_id),
            ("HGET", self._keys.campaign(campaign_id, "wrap_record"), attempt_id),
        ])  # fmt: skip
        if wrap is None:
            return False
        contact_id, _, rev, outcome, *_ = wrap.split("|")
        rev = int(rev) + 1
        told = records.Entry(campaign_id, attempt_id, int(contact_id), Outcome(outcome), rev)
        at = next.at if isinstance(next, RedialAt) else None
        before = records.unpack(packed, told)
        record = replace(before, disposition=disposition, next_dial_at=at)
        if is_machine:
            record = replace(record, answered_by=AnsweredBy.MACHINE)
        json = records.to_json(record)
        agent = next.agent_id if isinstance(next, RedialAt) and next.agent_id else ""
        arguments = (attempt_id, *_follow(next), disposition or "", records.pack(record), agent,
                     moved_by(record, before), _turn(next), digits(record.phone),
                     int(counts))  # fmt: skip
        finished, _ = await self._link.batch([
            invoke("finish", [self._keys.campaign(campaign_id)], *arguments),
            change_json(self._keys, "attempt", attempt_id, records.with_rev(json, rev)),
        ])  # fmt: skip
        return bool(finished)

    async def live(self, campaign_id: int) -> Sequence[LiveAttempt]:
        return [_live(one) for one in await self._run("live", campaign_id, "+inf")]

    async def expired(self, campaign_id: int, now: datetime) -> Sequence[LiveAttempt]:
        return (await self.expired_of([campaign_id], now)).get(campaign_id, [])

    async def expired_of(
        self, campaign_ids: Sequence[int], now: datetime
    ) -> Mapping[int, Sequence[LiveAttempt]]:
        before = f"({codec.to_ms(now)}"
        bases = [[self._keys.campaign(each)] for each in campaign_ids]
        found = await self._link.batch([invoke("live", base, before) for base in bases])
        pairs = zip(campaign_ids, found, strict=True)
        return {campaign_id: [_live(one) for one in ones] for campaign_id, ones in pairs if ones}

    async def extend(
        self, campaign_id: int, attempt_ids: Sequence[str], now: datetime, lease_s: float
    ) -> None:
        if attempt_ids:
            until = _lease(now, lease_s)[1]
            flat = [part for attempt in attempt_ids for part in (until, attempt)]
            # XX: one that was settled meanwhile stays away.
            await self._link.call("ZADD", self._key(campaign_id, "leases"), "XX", "GT", *flat)

    async def wrapping(self, campaign_id: int) -> Sequence[Wrapping]:
        until, entries = await self._link.batch([
            ("ZRANGE", self._key(campaign_id, "wrapping"), 0, -1, "WITHSCORES"),
            ("HGETALL", self._key(campaign_id, "wrap")),
        ])  # fmt: skip
        entry_of = codec.pairs(entries)
        found = codec.pairs(until).items()
        return [_wrapping(a, ms, entry_of[a]) for a, ms in found if a in entry_of]

    async def wrapped_up(
        self, campaign_ids: Sequence[int], now: datetime
    ) -> Sequence[tuple[int, str]]:
        until = codec.to_ms(now)
        keys = [self._key(each, "wrapping") for each in campaign_ids]
        found = await self._link.batch([("ZRANGE", k, "-inf", until, "BYSCORE") for k in keys])
        pairs = zip(campaign_ids, found, strict=True)
        return [(campaign_id, attempt) for campaign_id, each in pairs for attempt in each]

    async def contact(self, campaign_id: int, contact_id: int) -> Contact:
        return await self._contacts.get(campaign_id, contact_id)

    async def counts(self, campaign_id: int) -> Mapping[str, int]:
        flat = await self._link.call("HGETALL", self._key(campaign_id, "counts"))
        return {name: int(n) for name, n in codec.pairs(flat).items()}

    async def next_due_at(self, campaign_id: int) -> datetime | None:
        """When the earliest scheduled redial, parked contact or callback is due."""
        due = [self._key(campaign_id, f"due:{list_}") for list_ in ("redial", "callback")]
        firsts = await self._link.batch([("ZRANGE", key, 0, 0, "WITHSCORES") for key in due])
        instants = [codec.from_ms(first[1]) for first in firsts if first]
        return min(instants, default=None)

    async def _revise(self, campaign_id: int, ended: Ended) -> bool:
        base = [self._keys.campaign(campaign_id)]
        if not (await self._link.batch([invoke("revise", base, *ended.arguments)]))[0]:
            return False
        json = records.with_rev(ended.json, 1)
        await self._link.batch([change_json(self._keys, "attempt", ended.attempt_id, json)])
        return True

    def _ending(self, campaign_id: int, all_ended: Sequence[Ended]) -> Sequence[Command]:
        """Per attempt: its settling, and the change that tells of it."""
        base, commands = [self._keys.campaign(campaign_id)], list[Command]()
        for ended in all_ended:
            commands.append(invoke("settle", base, *ended.arguments))
            commands.append(change_json(self._keys, "attempt", ended.attempt_id, ended.json))
        return commands

    def _key(self, campaign_id: int, name: str) -> str:
        return self._keys.campaign(campaign_id, name)

    async def _run(self, verb: str, campaign_id: int, *arguments: Argument) -> Any:
        command = invoke(verb, [self._keys.campaign(campaign_id)], *arguments)
        return (await self._link.batch([command]))[0]


def _lease(now: datetime, lease_s: float) -> tuple[int, int]:
    return codec.to_ms(now), codec.to_ms(now + timedelta(seconds=lease_s))


def _follow(next: Next | None) -> tuple[str, Argument]:
    match next:
        case None:
            return "back", ""
        case Done(reason):
            return "done", reason
        case RedialAt(at=at, is_callback=is_callback):
            return ("callback" if is_callback else "redial"), codec.to_ms_up(at)


def _turn(next: Next | None) -> Turn:
    return next.turn if isinstance(next, RedialAt) else Turn.SAME


def _settling(settlement: Settlement) -> Ended:
    record = settlement.record
    kind, argument = _follow(settlement.next)
    if settlement.next is None:
        assert settlement.wrap_up_until is not None
        kind, argument = "wrap", codec.to_ms_up(settlement.wrap_up_until)
    flags = (int(settlement.counts), int(settlement.trunk_fault))
    head = (record.attempt_id, record.outcome, OUTCOME_CODES[record.outcome], *flags)
    agent = "" if record.agent_id is None else record.agent_id
    turn = _turn(settlement.next)
    tail = (records.pack(record), agent, turn, moved_by(record), codec.to_ms(record.started_at),
            digits(record.phone), record.disposition or "")  # fmt: skip
    return Ended(record.attempt_id, (*head, kind, argument, *tail), records.to_json(record))


def _adopting(attempt: LiveAttempt, now: datetime) -> Sequence[Argument]:
    instants = (attempt.claimed_at, attempt.sent_at or now, attempt.lease_until)
    head = (attempt.attempt_id, attempt.contact_id, digits(attempt.phone), attempt.number)
    tail = (attempt.epoch, attempt.caller_id, attempt.trunk, attempt.node)
    return (*head, *(codec.to_ms(at) for at in instants), *tail)


def _claim(one: Sequence[Any]) -> Claim:
    attempt_id, contact_id, hours_class, *flat = one
    fields = codec.pairs(flat)
    agent_id, callback_at = callback_of(fields)
    texts = texts_in(fields)
    return Claim(
        attempt_id=attempt_id,
        contact_id=int(contact_id),
        phone=f"+{fields['p']}",
        name=texts.get("nm", ""),
        external_id=texts.get("x"),
        hours_class=hours_class,
        number=int(fields.get("ns", 0)) + 1,
        history=history_of(fields),
        person_key=texts.get("pk") or texts.get("x", ""),
        list_id=int(fields.get("cl", 0)),
        agent_id=agent_id,
        callback_at=callback_at,
        caller_id=fields.get("ci"),
    )


def _live(one: Sequence[str]) -> LiveAttempt:
    attempt_id, lease_until, *flat = one
    fields = codec.pairs(flat)
    return LiveAttempt(
        attempt_id=attempt_id,
        contact_id=int(fields["c"]),
        phone=f"+{fields['p']}",
        number=int(fields["n"]),
        stage=AttemptStage(fields["st"]),
        claimed_at=codec.from_ms(fields["ca"]),
        sent_at=codec.maybe_from_ms(fields.get("sa")),
        lease_until=codec.from_ms(lease_until),
        caller_id=fields.get("ci", ""),
        trunk=fields.get("tr", ""),
        node=fields.get("nd", ""),
        epoch=int(fields["ep"]),
    )


def _wrapping(attempt_id: str, until: str, entry: str) -> Wrapping:
    contact_id, agent_id, _, _, *counted = entry.split("|")
    return Wrapping(
        attempt_id=attempt_id,
        contact_id=int(contact_id),
        agent_id=int(agent_id) if agent_id else None,
        until=codec.from_ms(until),
        counts=counted != ["0"],
    )
