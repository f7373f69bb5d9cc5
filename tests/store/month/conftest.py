"""A month of calls in virtual time on a real store, as an engine makes them.

Engines die between any two steps of a call and others take over; numbers are forbidden and freed,
for all campaigns, for this one and for its connector, by number and by prefix; contacts are
withdrawn.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from engine.core import ids
from engine.core.attempt import AttemptRecord, AttemptStage, Claim, LiveAttempt
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.core.errors import Fenced
from engine.core.hours import hours_class, is_open
from engine.core.outcome import Outcome
from engine.core.redial import Done, History, RedialAt, counts, decide
from engine.core.settings import CampaignSettings
from engine.core.spreading import spread
from engine.core.why_not import Candidate, verdicts
from engine.core.why_not import decide as decide_now
from engine.ports import Fence, Heard, Settlement, Wanted
from engine.store import RedisStore

START = datetime(2026, 3, 1, 5, tzinfo=UTC)  # clocks change on 8 and on 29 March
DAYS, TICK = 30, timedelta(minutes=10)
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix", "America/Anchorage", "Pacific/Honolulu", "Europe/London",
    "Europe/Berlin", "Asia/Tokyo", "Australia/Sydney", "America/St_Johns",
)  # fmt: skip
HOLIDAY = date(2026, 3, 17)
RULES = CampaignSettings.model_validate({
    "redial": {
        "max_attempts": 6,
        "hard_cap": 8,
        "spread_after": 3,
        "rules": {
            "busy": {"delay_s": 300, "max": 6, "counts": False},
            "no_answer": {"delay_s": 3600, "max": 6, "phone": "next"},
            "machine": {"delay_s": 60, "max": 6},
            "abandoned": {"delay_s": 60, "max": 6},
            "unknown": {"delay_s": 900, "max": 6},
        },
    },
    "hours": {
        "windows": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat"],
                     "start": "09:00", "end": "20:30"}],
        "holidays": [HOLIDAY.isoformat()],
        "regions": {"US-FL": {"windows": [{"start": "08:00", "end": "20:00"}]}},
    },
    "limits": {
        "max_per_24h": 4, "max_per_7d": 7, "person_max_per_7d": 7,
        "after_abandon_s": 72 * 3600, "after_machine_s": 24 * 3600,
        "regions": {"US-FL": {"max_per_24h": 3}},
    },
})  # fmt: skip
OUTCOMES = {
    Outcome.NO_ANSWER: 40, Outcome.BUSY: 20, Outcome.MACHINE: 15, Outcome.ANSWERED: 10,
    Outcome.ABANDONED: 4, Outcome.INVALID_NUMBER: 4, Outcome.UNKNOWN: 4, Outcome.REJECTED: 3,
}  # fmt: skip
CODES = ("10001", "60601-1234", "33101", "80202", "85001", "96813")


def people(n: int, chance: random.Random) -> Iterator[NewContact]:
    for i in range(n):
        area = ("212", "305", "415")[i % 3]
        phone = f"+1{area}{2_000_000 + i * 13:07}"
        others = (f"+1{area}{5_000_000 + i * 13:07}",) if i % 4 == 0 else ()
        zone = chance.choice(ZONES) if i % 5 != 1 else None
        code = chance.choice((*CODES, "00000", "09021")) if i % 5 in (1, 2) else None
        yield NewContact(
            phone=phone, phones=others, timezone=zone, priority=chance.choice((1, 500, 1000)),
            hours_class=hours_class(phone, zone, None, others, code), person_key=f"P{i // 2}",
            postal_code=code,
        )  # fmt: skip


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

    @property
    def fence(self) -> Fence:
        return Fence(owner=f"engine-{self.epoch}", epoch=self.epoch)

    async def run(self, n_contacts: int) -> None:
        self.contacts = list(people(n_contacts, self.chance))
        await self.store.contacts.add(self.id, self.contacts, self.now)
        for tick in range(int(timedelta(days=DAYS) / TICK)):
            self.now = START + tick * TICK
            await self._meddle(n_contacts)
            await self._reap()
            for _ in range(3):
                if not await self._dial(max(10, n_contacts // 100)):
                    break
                self.now += timedelta(seconds=40)  # the calls of this round have ended
        self.now += TICK
        await self._reap()

    async def _meddle(self, n: int) -> None:
        dnc, chance = self.store.dnc, self.chance
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
        opened = [each for each in classes if is_open(RULES.hours, each, self.now)]
        attempts = [self._new_id() for _ in range(n)]
        return await self.store.calls.claim(self.id, self.fence, attempts, opened, self.now, 60)

    async def _reserve(self, claims: Sequence[Claim]) -> list[Claim]:
        calls, numbers = self.store.calls, self.store.numbers
        wanted = [
            Wanted(c.phone, c.attempt_id, c.person_key, c.hours_class, self.scopes) for c in claims
        ]
        refusals = await numbers.reserve(wanted, RULES.limits, self.now)
        going: list[Claim] = []
        for claim, refusal in zip(claims, refusals, strict=True):
            who = Candidate(claim.phone, claim.hours_class, claim.history)
            found = verdicts(who, RULES, (refusal,) if refusal else (), self.now)
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
        counted = counts(outcome, RULES.redial)
        history = History(past.n_attempts + counted, 0, outcomes, past.n_other_phones)
        following = decide(outcome, history, RULES.redial, ended_at)
        following = spread(following, history, RULES.redial, RULES.hours, hours_class, started_at)
        record = AttemptRecord(
            attempt_id=call.attempt_id, campaign_id=self.id, contact_id=call.contact_id,
            number=call.number, phone=call.phone, caller_id="+12125550100", trunk="carrier",
            node="pbx", started_at=started_at, ended_at=ended_at, outcome=outcome,
        )  # fmt: skip
        wraps = outcome is Outcome.ANSWERED
        return Settlement(
            record=record, next=None if wraps else following, counts=counted,
            wrap_up_until=ended_at if wraps else None,
        )  # fmt: skip

    def _new_id(self) -> str:
        self.serial += 1
        return ids.attempt_id(self.id, self.now, self.serial)


@pytest.fixture
async def month(store: RedisStore) -> Month:
    """Of an active campaign; `run` makes the calls."""
    campaign = await store.campaigns.create("A", RULES, [], "m", START)
    step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign.id, step, "m", START)
    month = Month(store, campaign.id, random.Random(4))
    await store.campaigns.fence(campaign.id, month.fence)
    return month


@pytest.fixture
def two_people() -> list[NewContact]:
    return list(people(2, random.Random(1)))
