"""An engine's month: claims, verdicts, calls, their ends, and what people do meanwhile.

Engines die between any two steps of a call and others take over; numbers are forbidden and freed,
for all campaigns, for this one and for its connector, by number and by prefix; contacts are
withdrawn; in the middle of the month the caps are lowered.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from engine.core import ids
from engine.core.attempt import AttemptRecord, AttemptStage, Claim, LiveAttempt
from engine.core.contact import NewContact
from engine.core.errors import Fenced
from engine.core.hours import is_open
from engine.core.outcome import Outcome
from engine.core.redial import Done, History, RedialAt, counts, decide
from engine.core.spreading import spread
from engine.core.why_not import Candidate, verdicts
from engine.core.why_not import decide as decide_now
from engine.ports import Fence, Heard, Settlement, Wanted
from engine.store import RedisStore

from .people import DAYS, DAYS_AFTER, LOWERED, LOWERED_AT, OUTCOMES, RULES, START, TICK, people


class Died(Exception):
    """The engine was killed here."""


class Month:
    """Claims, judges, dials and settles as the engine does, by a clock of its own."""

    def __init__(self, store: RedisStore, campaign_id: int, chance: random.Random) -> None:
        self.store, self.id, self.chance = store, campaign_id, chance
        self.now, self.serial, self.epoch = START, 0, 1
        self.contacts: list[NewContact] = []
        self.scopes = (f"c{campaign_id}", "k5")
        self.listed: set[tuple[str, str]] = set()
        self.n_died: Counter[str] = Counter()
        self.n_stale = 0
        self.rules, self.is_over = RULES, False

    @property
    def fence(self) -> Fence:
        return Fence(owner=f"engine-{self.epoch}", epoch=self.epoch)

    async def run(self, n_contacts: int) -> None:
        self.contacts = list(people(n_contacts, self.chance))
        await self.store.contacts.add(self.id, self.contacts, self.now)
        for tick in range(int(timedelta(days=DAYS + DAYS_AFTER) / TICK)):
            self.now = START + tick * TICK
            if tick * TICK < timedelta(days=DAYS):
                await self._meddle(n_contacts)
            await self._reap()
            for _ in range(3):
                if not await self._dial(max(10, n_contacts // 100)):
                    break
                self.now += timedelta(seconds=40)  # the calls of this round have ended
            self.is_over = await self.store.campaigns.complete_if_exhausted(self.id, self.now)
            if self.is_over:
                break

    async def _meddle(self, n: int) -> None:
        dnc, chance = self.store.dnc, self.chance
        if self.rules is RULES and self.now >= LOWERED_AT:
            self.rules = LOWERED
            await self.store.campaigns.update(self.id, settings=LOWERED, actor="m", now=self.now)
        scope = chance.choice(("", *self.scopes, "c999"))
        if chance.random() < 0.08:
            phone = chance.choice(self.contacts).phone
            if await dnc.add(phone, source="x", actor="m", now=self.now, scope=scope):
                self.listed.add((phone, scope))
        if chance.random() < 0.03 and self.listed:
            phone, scope = chance.choice(sorted(self.listed))
            self.listed.discard((phone, scope))
            assert await dnc.remove(phone, "m", self.now, scope=scope)
        if chance.random() < 0.002:
            prefix = chance.choice(self.contacts).phone[:9]
            await dnc.add_prefix(prefix, source="x", actor="m", now=self.now, scope=scope)
        if chance.random() < 0.02:
            await self.store.contacts.withdraw(self.id, chance.randint(1, n), "m", self.now)

    def _may_die(self, step: str) -> None:
        if self.chance.random() < 0.004:
            self.n_died[step] += 1
            raise Died(step)

    async def _dial(self, n: int) -> int:
        """How many contacts were claimed. Who dies here is succeeded at once."""
        claims: Sequence[Claim] = ()
        try:
            claims = await self._claim(n)
            self._may_die("claimed")
            going = await self._reserve(claims)
            self._may_die("reserved")
            assert all(await self._mark(going, self.fence))
            self._may_die("marked")
            await self._end(going)
        except Died:
            await self._succeed(claims)
        return len(claims)

    async def _succeed(self, claims: Sequence[Claim]) -> None:
        """The next engine leads; the old one only slept, wakes up, and can send nothing."""
        old = self.fence
        self.epoch += 1
        await self.store.campaigns.fence(self.id, self.fence)
        with pytest.raises(Fenced):
            await self._mark(claims, old)
        self.n_stale += 1

    async def _reap(self) -> None:
        """What was claimed and not sent is free again; of what was sent nobody knows the fate."""
        calls, numbers = self.store.calls, self.store.numbers
        for attempt in await calls.expired(self.id, self.now):
            if attempt.stage is AttemptStage.CLAIMED:
                assert await calls.give_back(self.id, attempt.attempt_id, None, self.now)
                await numbers.release([(attempt.phone, attempt.attempt_id, False)])
                continue
            contact = await calls.contact(self.id, attempt.contact_id)
            assert attempt.sent_at is not None
            past = History(contact.n_attempts, 0, contact.outcomes, len(contact.other_phones))
            settlement = self._settlement(
                attempt, past, contact.hours_class, attempt.sent_at, Outcome.UNKNOWN
            )
            assert await calls.settle(self.id, [settlement], self.now) == [True]
            await numbers.release([(attempt.phone, attempt.attempt_id, True)])

    async def _claim(self, n: int) -> Sequence[Claim]:
        classes = await self.store.calls.hours_classes(self.id)
        opened = [each for each in classes if is_open(self.rules.hours, each, self.now)]
        attempts = [self._new_id() for _ in range(n)]
        return await self.store.calls.claim(self.id, self.fence, attempts, opened, self.now, 60)

    async def _reserve(self, claims: Sequence[Claim]) -> list[Claim]:
        calls, numbers = self.store.calls, self.store.numbers
        wanted = [
            Wanted(c.phone, c.attempt_id, c.person_key, c.hours_class, self.scopes) for c in claims
        ]
        refusals = await numbers.reserve(wanted, self.rules.limits, self.now)
        going: list[Claim] = []
        for claim, refusal in zip(claims, refusals, strict=True):
            who = Candidate(claim.phone, claim.hours_class, claim.history)
            found = verdicts(who, self.rules, (refusal,) if refusal else (), self.now)
            following = decide_now(found, self.now)
            if following is None:
                going.append(claim)
                continue
            await calls.give_back(self.id, claim.attempt_id, following, self.now)
            await numbers.release([(claim.phone, claim.attempt_id, False)])
        return going

    async def _mark(self, claims: Sequence[Claim], fence: Fence) -> Sequence[bool]:
        sent = [(c.attempt_id, "+12125550100", "carrier", "pbx") for c in claims]
        return await self.store.calls.mark_sent(self.id, fence, sent, self.now, 60)

    async def _end(self, claims: Sequence[Claim]) -> None:
        calls, numbers, started_at = self.store.calls, self.store.numbers, self.now
        outcomes = self.chance.choices(list(OUTCOMES), list(OUTCOMES.values()), k=len(claims))
        ended = [
            self._settlement(claim, claim.history, claim.hours_class, started_at, outcome)
            for claim, outcome in zip(claims, outcomes, strict=True)
        ]
        heard_at = started_at + timedelta(seconds=30)
        heard = [Heard(c.phone, c.person_key, o) for c, o in zip(claims, outcomes, strict=True)]
        await numbers.remember([(one, heard_at) for one in heard])
        self._may_die("ended")
        await calls.settle(self.id, ended, started_at)
        for settlement in ended:
            if settlement.next is None:
                callback = self.now + timedelta(days=self.chance.randint(1, 9))
                then = self.chance.choice((Done("disposition"), RedialAt(callback, True)))
                await calls.finish(self.id, settlement.record.attempt_id, "x", then, self.now)
        self._may_die("settled")
        await numbers.release([(c.phone, c.attempt_id, True) for c in claims])

    def _settlement(
        self,
        call: Claim | LiveAttempt,
        past: History,
        hours_class: str,
        started_at: datetime,
        outcome: Outcome,
    ) -> Settlement:
        ended_at = started_at + timedelta(seconds=30)
        outcomes = {**past.outcomes, outcome: past.outcomes.get(outcome, 0) + 1}
        counted = counts(outcome, self.rules.redial)
        history = History(past.n_attempts + counted, 0, outcomes, past.n_other_phones)
        following = decide(outcome, history, self.rules.redial, ended_at)
        following = spread(
            following, history, self.rules.redial, self.rules.hours, hours_class, started_at
        )
        record = AttemptRecord(
            attempt_id=call.attempt_id, campaign_id=self.id, contact_id=call.contact_id,
            number=call.number, phone=call.phone, caller_id="+12125550100", trunk="carrier",
            node="pbx", started_at=started_at, ended_at=ended_at, outcome=outcome,
            next_dial_at=following.at if isinstance(following, RedialAt) else None,
        )  # fmt: skip
        wraps = outcome is Outcome.ANSWERED
        return Settlement(
            record=record, next=None if wraps else following, counts=counted,
            wrap_up_until=ended_at if wraps else None,
        )  # fmt: skip

    def _new_id(self) -> str:
        self.serial += 1
        return ids.attempt_id(self.id, self.now, self.serial)
