"""A month of calls in virtual time on a real store, judged by a checker that knows no rule of ours.

Engines die between any two steps of a call and others take over; numbers are forbidden and freed,
for all campaigns, for this one and for its connector, by number and by prefix; contacts are
withdrawn. The checker reads the attempts, the contacts as they were imported, and the store's own
audit log; it has its own arithmetic for local time, counts and pauses.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from engine.core import ids
from engine.core.attempt import AttemptRecord, AttemptStage, Claim, LiveAttempt
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import COMPLETE, NewContact
from engine.core.errors import Fenced
from engine.core.hours import hours_class, is_open
from engine.core.outcome import Outcome
from engine.core.redial import Done, History, RedialAt, counts, decide
from engine.core.settings import CampaignSettings
from engine.core.spreading import spread
from engine.core.why_not import Candidate, verdicts
from engine.core.why_not import decide as decide_now
from engine.ports import Fence, Settlement, Wanted
from engine.store import AuditEntry, RedisStore

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


@dataclass
class Log:
    """What happened from outside, as the store's audit tells it."""

    contacts: list[NewContact] = field(default_factory=list)
    #: By number or prefix and list: when it was forbidden, freed, forbidden, …
    forbidden: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    withdrawn: dict[int, datetime] = field(default_factory=dict)


async def log_of(store: RedisStore, campaign_id: int, contacts: list[NewContact]) -> Log:
    log, entries = Log(contacts), list[AuditEntry]()
    cursor: str | None = None
    while True:
        page = await store.audit.list(limit=1000, cursor=cursor)
        entries += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    for one in reversed(entries):  # they come newest first
        if one.action.startswith(("dnc_add", "dnc_remove")):
            scope = str(one.detail.get("scope", ""))
            log.forbidden.setdefault((one.subject, scope), []).append(one.at)
        elif one.action == "withdraw" and one.subject.startswith(f"contact:{campaign_id}/"):
            log.withdrawn.setdefault(int(one.subject.partition("/")[2]), one.at)
    return log


#: What the checker knows of postal codes: their clock, and whether Florida's rules hold there.
POSTAL = {
    "10001": ("America/New_York", False), "60601-1234": ("America/Chicago", False),
    "33101": ("America/New_York", True), "80202": ("America/Denver", False),
    "85001": ("America/Phoenix", False), "96813": ("Pacific/Honolulu", False),
}  # fmt: skip
#: The clock of an area code, for contacts of whom nothing else is known.
AREA_CLOCK = {"212": "America/New_York", "305": "America/New_York", "415": "America/Los_Angeles"}


def people(n: int, chance: random.Random) -> Iterator[NewContact]:
    for i in range(n):
        area = ("212", "305", "415")[i % 3]
        phone = f"+1{area}{2_000_000 + i * 13:07}"
        others = (f"+1{area}{5_000_000 + i * 13:07}",) if i % 4 == 0 else ()
        zone = chance.choice(ZONES) if i % 5 != 1 else None
        code = chance.choice((*POSTAL, "00000", "09021")) if i % 5 in (1, 2) else None
        yield NewContact(
            phone=phone, phones=others, timezone=zone, priority=chance.choice((1, 500, 1000)),
            hours_class=hours_class(phone, zone, None, others, code), person_key=f"P{i // 2}",
            postal_code=code,
        )  # fmt: skip


class Died(Exception):
    """The engine was killed here."""


#: Where an engine can die, and what it leaves: claims, reserved numbers, calls that may have left,
#: calls that ended, attempts that were settled and still hold their numbers.
STEPS = ("claimed", "reserved", "marked", "ended", "settled")


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
        notes = [(s.record.phone, s.record.attempt_id, s.record.outcome) for s in ended]
        await numbers.remember(notes, started_at + timedelta(seconds=30))
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


# ----------------------------------------------------------------------------- the checker

DELAY_S = {"busy": 300, "no_answer": 3600, "machine": 60, "abandoned": 60, "unknown": 900}


def violations(
    attempts: Sequence[AttemptRecord], log: Log, scopes: Sequence[str] = ("",)
) -> Iterator[str]:
    by_phone: dict[str, list[AttemptRecord]] = defaultdict(list)
    by_person: dict[str, list[AttemptRecord]] = defaultdict(list)
    by_contact: dict[int, list[AttemptRecord]] = defaultdict(list)
    for one in sorted(attempts, key=lambda a: a.started_at):
        contact = log.contacts[one.contact_id - 1]
        if one.phone not in (contact.phone, *contact.phones):
            yield f"{one.attempt_id}: not a phone of its contact"
        yield from _outside_hours(one, contact)
        if any(_is_forbidden(one, each, log) for each in scopes):
            yield f"{one.attempt_id}: forbidden number"
        if one.started_at >= log.withdrawn.get(one.contact_id, one.started_at + TICK):
            yield f"{one.attempt_id}: withdrawn"
        by_phone[one.phone].append(one)
        by_person[str(contact.person_key)].append(one)
        by_contact[one.contact_id].append(one)
    for some in by_phone.values():
        most = 3 if any(_in_florida(log.contacts[one.contact_id - 1]) for one in some) else 4
        yield from _too_many(some, most, 86_400)
        yield from _too_many(some, 7, 7 * 86_400)
        yield from _too_soon(some)
    for some in by_person.values():
        yield from _too_many(some, 7, 7 * 86_400)
        yield from _too_soon(some)
    for some in by_contact.values():
        yield from _bad_life(some)


def _is_forbidden(one: AttemptRecord, scope: str, log: Log) -> bool:
    """By the number or by a beginning of it: an odd count of changes up to then is `listed`."""
    for length in range(2, len(one.phone) + 1):
        times = log.forbidden.get((one.phone[:length], scope), ())
        if sum(at <= one.started_at for at in times) % 2:
            return True
    return False


def _outside_hours(one: AttemptRecord, contact: NewContact) -> Iterator[str]:
    local = one.started_at.astimezone(ZoneInfo(_clock(contact)))
    minute = local.hour * 60 + local.minute
    closes = 20 * 60 if _in_florida(contact) else 20 * 60 + 30
    if not 540 <= minute < closes or local.isoweekday() == 7 or local.date() == HOLIDAY:
        yield f"{one.attempt_id}: at {local}"


def _clock(contact: NewContact) -> str:
    coded = POSTAL.get(contact.postal_code or "", ("", False))[0]
    return contact.timezone or coded or AREA_CLOCK[contact.phone[2:5]]


def _in_florida(contact: NewContact) -> bool:
    """By an area code or by the postal code: either may be where the person is."""
    has_number = any(p.startswith("+1305") for p in (contact.phone, *contact.phones))
    return has_number or POSTAL.get(contact.postal_code or "", ("", False))[1]


def _too_many(some: Sequence[AttemptRecord], most: int, span_s: int) -> Iterator[str]:
    at = [one.started_at.timestamp() for one in some]
    for first, last in zip(at, at[most:], strict=False):
        if last - first < span_s:
            yield f"{some[0].phone}: {most + 1} calls in {last - first} s"


def _too_soon(some: Sequence[AttemptRecord]) -> Iterator[str]:
    for i, before in enumerate(some):
        pause = {"abandoned": 72 * 3600, "machine": 24 * 3600}.get(before.outcome)
        for after in some[i + 1 :] if pause else ():
            if (after.started_at - before.ended_at).total_seconds() < (pause or 0):
                yield f"{after.attempt_id}: {after.started_at} after {before.outcome}"
        for after in some[i + 1 : i + 2]:
            if after.started_at < before.ended_at:
                yield f"{after.attempt_id}: while another call was live"


def _bad_life(some: Sequence[AttemptRecord]) -> Iterator[str]:
    if sum(one.outcome != "busy" for one in some) > 6 or len(some) > 8:
        yield f"contact {some[0].contact_id}: {len(some)} dials"
    if [one.number for one in some] != list(range(1, len(some) + 1)):
        yield f"contact {some[0].contact_id}: numbers {[one.number for one in some]}"
    invalid = {one.phone: i for i, one in enumerate(some) if one.outcome == "invalid_number"}
    if any(one.phone in invalid and i > invalid[one.phone] for i, one in enumerate(some)):
        yield f"contact {some[0].contact_id}: a phone that is not in use was dialled again"
    for before, after in pairwise(some):
        delay = DELAY_S.get(before.outcome, 0)
        if (after.started_at - before.ended_at).total_seconds() < delay:
            yield f"{after.attempt_id}: early"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "n_contacts", [5_000, pytest.param(100_000, marks=pytest.mark.soak)], ids=["short", "full"]
)
async def test_a_month_breaks_no_rule(store: RedisStore, n_contacts: int) -> None:
    campaign = await store.campaigns.create("A", RULES, [], "m", START)
    step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign.id, step, "m", START)
    month = Month(store, campaign.id, random.Random(4))
    await store.campaigns.fence(campaign.id, month.fence)
    await month.run(n_contacts)
    log = await log_of(store, campaign.id, month.contacts)
    attempts: list[AttemptRecord] = []
    after: str | None = None
    while True:
        page, after = await store.attempts.list(campaign.id, after=after, limit=1000)
        attempts += page
        if after is None:
            break
    assert list(violations(attempts, log, ("", *month.scopes))) == []
    assert len(attempts) > 2 * n_contacts
    assert sorted(month.n_died) == sorted(STEPS)
    assert len(log.forbidden) > 100 and log.withdrawn
    states: list[bool] = []
    next_id: int | None = 0
    while next_id is not None:
        contacts, next_id = await store.contacts.list(campaign.id, after=next_id, limit=1000)
        states += [contact.state in COMPLETE for contact in contacts]
    counted, found = await store.calls.counts(campaign.id), await store.campaigns.get(campaign.id)
    assert (counted["attempts"], counted.get("in_flight", 0)) == (len(attempts), 0)
    assert (await store.calls.live(campaign.id), month.n_stale) == ([], month.n_died.total())
    assert (len(states), sum(states)) == (n_contacts, found.n_complete)


def test_the_checker_sees_what_is_wrong() -> None:
    """It must be able to fail: each of these breaks one rule."""
    chance = random.Random(1)
    log = Log(contacts=list(people(2, chance)))
    contact = log.contacts[0]
    noon = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo(str(contact.timezone))).astimezone(UTC)

    def call(number: int, at: datetime, outcome: Outcome = Outcome.UNKNOWN) -> AttemptRecord:
        return AttemptRecord(
            attempt_id=f"1a{number}", campaign_id=1, contact_id=1, number=number,
            phone=contact.phone, caller_id="", trunk="", node="", started_at=at,
            ended_at=at + timedelta(seconds=30), outcome=outcome,
        )  # fmt: skip

    assert list(violations([call(1, noon)], log)) == []
    hour = timedelta(hours=1)
    wrong = [
        [call(1, noon - 12 * hour)],
        [call(1, noon + 4 * 24 * hour)],
        [call(n + 1, noon + n * hour) for n in range(5)],
        [call(1, noon, Outcome.ABANDONED), call(2, noon + 48 * hour)],
        [call(1, noon, Outcome.MACHINE), call(2, noon + 5 * hour)],
        [call(1, noon), call(2, noon + timedelta(seconds=5))],
        [call(1, noon, Outcome.NO_ANSWER), call(2, noon + timedelta(minutes=59))],
        [call(1, noon, Outcome.INVALID_NUMBER), call(2, noon + hour)],
    ]
    assert [bool(list(violations(some, log))) for some in wrong] == [True] * len(wrong)
    for what, scope, times, is_wrong in (
        (contact.phone, "", [noon - hour], True),
        (contact.phone[:7], "c1", [noon], True),
        (contact.phone, "", [noon - 2 * hour, noon - hour], False),
        (contact.phone, "", [noon - 3 * hour, noon - 2 * hour, noon - hour], True),
        (contact.phone, "c2", [noon - hour], False),
        (contact.phone, "", [noon + hour], False),
    ):
        log.forbidden = {(what, scope): times}
        assert bool(list(violations([call(1, noon)], log, ("", "c1")))) == is_wrong
    log.forbidden, log.withdrawn = {}, {1: noon}
    assert list(violations([call(1, noon)], log)) != []
    log.withdrawn = {}
    for code, hour_there, is_wrong in (
        ("80202", 21, True), ("80202", 20, False), ("33101", 20, True), ("33101", 19, False),
        ("00000", 20, False), ("96813", 8, True),
    ):  # fmt: skip
        log.contacts[0] = replace(contact, timezone=None, postal_code=code)
        clock = ZoneInfo(POSTAL.get(code, ("America/New_York",))[0])
        at = datetime(2026, 3, 4, hour_there, 15, tzinfo=clock).astimezone(UTC)
        assert bool(list(violations([call(1, at)], log))) == is_wrong
