"""Anything may happen in any order: a model beside the store, compared after every step."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.core.attempt import AttemptRecord, AttemptStage
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import COMPLETE, Contact, ContactState, NewContact
from engine.core.errors import Fenced
from engine.core.outcome import Outcome
from engine.core.redial import Done, Next, RedialAt
from engine.core.settings import CampaignSettings, LimitSettings
from engine.ports import Fence, Settlement, Wanted
from engine.store import RedisStore
from engine.store.keys import person_digest

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
ZONES = ["America/New_York", "America/Denver"]
LEASE_S = 20
WAITING = (ContactState.READY, ContactState.SCHEDULED)
PERSON = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.HUNG_UP_EARLY)


@dataclass
class Entry:
    """What the model knows of a contact."""

    contact_id: int
    phone: str
    zone: str
    priority: int
    state: ContactState = ContactState.READY
    list: str = "new"
    due: datetime = NOW
    withdrawn: bool = False
    inactive: bool = False
    has_due: bool = False
    n_sent: int = 0

    def is_eligible(self, zones: list[str], now: datetime) -> bool:
        waits = self.state is ContactState.READY or (
            self.state is ContactState.SCHEDULED and self.due <= now
        )
        return waits and self.zone in zones

    @property
    def place(self) -> tuple[int, int, float]:
        age = self.contact_id if self.list == "new" else self.due.timestamp()
        return (("callback", "redial", "new").index(self.list), self.priority, age)


@dataclass
class Dial:
    """What the model knows of an attempt."""

    attempt_id: str
    side: Side
    entry: Entry
    epoch: int
    lease_until: datetime
    sent: bool = False
    live: bool = True
    outcome: Outcome | None = None
    n_sent_then: int = 0
    wraps: bool = False


@dataclass
class Side:
    """One of the two campaigns, which share numbers and persons; the second limits persons."""

    campaign_id: int
    entries: dict[int, Entry] = field(default_factory=dict)
    dials: list[Dial] = field(default_factory=list)
    epoch: int = 1

    def live(self) -> list[Dial]:
        return [dial for dial in self.dials if dial.live]


#: An engine that was fenced tries now and then.
OLD = st.sampled_from([False] * 5 + [True])
HAS_LIVE = precondition(lambda self: any(side.live() for side in self.sides))
HAS_DIALS = precondition(lambda self: any(side.dials for side in self.sides))
HAS_ENDED = precondition(lambda self: any(d.outcome for s in self.sides for d in s.dials))
OPEN = st.sampled_from([ZONES, ZONES[:1], ZONES[1:], []])
NEXTS = st.sampled_from(["done", "redial", "callback"])
SIDES = st.integers(0, 1)
PICKS = st.integers(0, 50)


def person_of(phone: str) -> str:
    """Each has several numbers, and the campaigns share both."""
    return f"P{int(phone[-1]) % 2}"


class StoreMachine(RuleBasedStateMachine):
    url = ""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.now, self.serial = NOW, 0
        self.holder: dict[str, Dial] = {}
        self.on_phone: defaultdict[str, list[Dial]] = defaultdict(list)
        self.forbidden: set[str] = set()
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.store = await RedisStore.connect(self.url, prefix=f"m{secrets.token_hex(6)}")
        self.sides = []
        for name in "AB":
            campaign = await self.store.campaigns.create(name, CampaignSettings(), [], "m", NOW)
            step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
            await self.store.campaigns.move(campaign.id, step, "m", NOW)
            await self.store.campaigns.fence(campaign.id, Fence(owner="m", epoch=1))
            self.sides.append(Side(campaign.id))
        for side, zone, priority in [(0, 0, 500), (0, 1, 1), (1, 0, 500)]:
            phones = set(range(side + 3 * zone, side + 3 * zone + 3))
            await self._add(side, phones, ZONES[zone], priority)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.store.close())
            self.runner.close()

    # ------------------------------------------------------------------------------- steps

    async def _add(self, side: int, phones: set[int], zone: str, priority: int) -> None:
        this = self.sides[side]
        new = [
            NewContact(phone=f"+120255501{i:02}", hours_class=zone, priority=priority)
            for i in sorted(phones)
        ]
        ids = await self.store.contacts.add(this.campaign_id, new, self.now)
        known = {entry.phone for entry in this.entries.values()}
        for contact, contact_id in zip(new, ids, strict=True):
            assert (contact_id is None) == (contact.phone in known)
            if contact_id is not None:
                assert contact_id == len(this.entries) + 1
                entry = Entry(contact_id, contact.phone, zone, priority)
                this.entries[contact_id] = entry

    @rule(
        side=SIDES,
        n=st.integers(1, 6),
        zones=st.sampled_from([ZONES, ZONES[:1], ZONES[1:], []]),
        old=OLD,
    )
    def claim(self, side: int, n: int, zones: list[str], old: bool) -> None:
        this = self.sides[side]
        epoch = this.epoch - old
        ids = [self._new_id(this) for _ in range(n)]
        claim = self.store.calls.claim(
            this.campaign_id, Fence(owner="m", epoch=epoch), ids, zones, self.now, LEASE_S
        )
        if epoch < this.epoch:
            self.refused(claim)
            return
        claims = self.run(claim)
        eligible = [e for e in this.entries.values() if e.is_eligible(zones, self.now)]
        got = [this.entries[one.contact_id] for one in claims]
        assert [e.place for e in got] == sorted(e.place for e in eligible)[:n]
        self._promote(this)
        for one, entry in zip(claims, got, strict=True):
            assert one.number == entry.n_sent + 1
            entry.state = ContactState.IN_FLIGHT
            until = self.now + timedelta(seconds=LEASE_S)
            this.dials.append(Dial(one.attempt_id, this, entry, epoch, until))

    @HAS_LIVE
    @rule(pick=PICKS)
    def reserve(self, pick: int) -> None:
        dial = self._pick(True, pick)
        phone, limits_persons = dial.entry.phone, dial.side is self.sides[1]
        wanted = [Wanted(phone, dial.attempt_id, person_of(phone))]
        limits = LimitSettings(person_max_per_24h=100) if limits_persons else LimitSettings()
        (refusal,) = self.run(self.store.numbers.reserve(wanted, limits, self.now))
        holder = self.holder.get(phone)
        free = holder is None or holder is dial or not holder.live
        free = free and phone not in self.forbidden
        if refusal is not None and phone in self.forbidden:
            assert refusal.reason == "dnc"
        if holder is not None and holder is not dial and not holder.live:
            # Whoever asks frees a number whose attempt is over, also where a list refuses it.
            self._forget_hold(phone)
        if free:
            self.holder[phone] = dial
            free = self._person_is_free(dial, limits_persons)
        assert (refusal is None) == free

    def _person_is_free(self, dial: Dial, limits_persons: bool) -> bool:
        """A campaign that limits persons waits for every live call, and holds the person."""
        on_phone = self.on_phone[person_of(dial.entry.phone)]
        if limits_persons and dial not in on_phone:
            on_phone[:] = [other for other in on_phone if other.live]
            if on_phone:
                self._forget_hold(dial.entry.phone)
                return False
        if dial not in on_phone:
            on_phone.append(dial)
        return True

    def _forget_hold(self, phone: str) -> None:
        dial, on_phone = self.holder.pop(phone), self.on_phone[person_of(phone)]
        if dial in on_phone:
            on_phone.remove(dial)

    @HAS_DIALS
    @rule(pick=PICKS, placed=st.booleans())
    def release(self, pick: int, placed: bool) -> None:
        dial = self._pick(False, pick)
        held = [(dial.entry.phone, dial.attempt_id, placed)]
        self.run(self.store.numbers.release(held))
        if self.holder.get(dial.entry.phone) is dial:
            self._forget_hold(dial.entry.phone)

    @HAS_LIVE
    @rule(pick=PICKS, old=OLD)
    def mark_sent(self, pick: int, old: bool) -> None:
        dial = self._pick(True, pick)
        this, epoch = dial.side, dial.side.epoch - old
        sent = [(dial.attempt_id, "+12025550100", "carrier", "pbx1")]
        fence = Fence(owner="m", epoch=epoch)
        marking = self.store.calls.mark_sent(this.campaign_id, fence, sent, self.now, LEASE_S)
        if epoch < this.epoch:
            self.refused(marking)
            return
        (marked,) = self.run(marking)
        fits = dial.live and not dial.sent and dial.epoch == epoch
        wanted = not dial.entry.withdrawn and not dial.entry.inactive
        assert marked == (fits and dial.lease_until >= self.now and wanted)
        if marked:
            dial.sent, dial.lease_until = True, self.now + timedelta(seconds=LEASE_S)
            dial.entry.n_sent += 1

    @HAS_LIVE
    @rule(pick=PICKS, next=st.none() | NEXTS, delay_s=st.integers(0, 30))
    def give_back(self, pick: int, next: str | None, delay_s: int) -> None:
        dial = self._pick(False, pick)
        this = dial.side
        then = self._next(next, delay_s)
        done = self.run(
            self.store.calls.give_back(this.campaign_id, dial.attempt_id, then, self.now)
        )
        assert done == dial.live
        if done:
            dial.live = False
            dial.entry.n_sent -= dial.sent
            self._follow(dial.entry, then, parks=True)

    @HAS_DIALS
    @rule(pick=PICKS, outcome=st.sampled_from(list(Outcome)), next=NEXTS,
          wraps=st.booleans(), delay_s=st.integers(0, 30))  # fmt: skip
    def settle(self, pick: int, outcome: Outcome, next: str, wraps: bool, delay_s: int) -> None:
        dial = self._pick(False, pick)
        this = dial.side
        wraps = wraps and outcome is Outcome.ANSWERED
        then = None if wraps else self._next(next, delay_s)
        ending = Settlement(
            record=self._record(this, dial, outcome),
            next=then,
            wrap_up_until=self.now + timedelta(seconds=5),
        )
        (settled,) = self.run(self.store.calls.settle(this.campaign_id, [ending], self.now))
        late = dial.outcome is Outcome.UNKNOWN and outcome is not Outcome.UNKNOWN
        assert settled == (dial.live or late)
        if dial.live:
            dial.live, dial.outcome = False, outcome
            dial.entry.n_sent += not dial.sent
            dial.sent, dial.n_sent_then = True, dial.entry.n_sent
            dial.wraps = wraps
            self._follow(dial.entry, then)
        elif late:
            dial.outcome = outcome
            if dial.entry.state in WAITING and dial.entry.n_sent == dial.n_sent_then:
                dial.wraps = wraps
                self._follow(dial.entry, then)

    @HAS_ENDED
    @rule(pick=PICKS, next=NEXTS, disposition=st.none() | st.just("sale"))
    def finish(self, pick: int, next: str, disposition: str | None) -> None:
        ended = [d for side in self.sides for d in side.dials if d.outcome]
        wrapping = [d for d in ended if d.wraps] or ended
        dial = wrapping[pick % len(wrapping)]
        this = dial.side
        then = self._next(next, 3)
        assert then is not None
        finishing = self.store.calls.finish(
            this.campaign_id, dial.attempt_id, disposition, then, self.now
        )
        assert self.run(finishing) == dial.wraps
        if dial.wraps:
            dial.wraps = False
            self._follow(dial.entry, then)

    @rule(side=SIDES, n=st.integers(1, 3), outcome=st.sampled_from(list(Outcome)), next=NEXTS,
          wraps=st.booleans(), delay_s=st.integers(0, 30))  # fmt: skip
    def call(
        self, side: int, n: int, outcome: Outcome, next: str, wraps: bool, delay_s: int
    ) -> None:
        """All steps of a call in a row: single ones rarely meet, and most runs settle nothing."""
        before = len(self.sides[side].dials)
        self.claim(side=side, n=n, zones=ZONES, old=False)
        for dial in self.sides[side].dials[before:]:
            self.reserve(pick=self._place_of(dial))
            self.mark_sent(pick=self._place_of(dial), old=False)
            self.settle(pick=self._place_of(dial), outcome=outcome, next=next, wraps=wraps,
                        delay_s=delay_s)  # fmt: skip
            self.release(pick=self._place_of(dial), placed=True)

    @rule(pick=PICKS)
    def withdraw(self, pick: int) -> None:
        entries = [(side, e) for side in self.sides for e in side.entries.values()]
        this, entry = entries[pick % len(entries)]
        self.run(self.store.contacts.withdraw(this.campaign_id, entry.contact_id, "m", self.now))
        if entry.state in (*WAITING, ContactState.INACTIVE):
            entry.state = ContactState.WITHDRAWN
        elif entry.state not in COMPLETE:
            entry.withdrawn = True

    @rule(side=SIDES)
    def lead_anew(self, side: int) -> None:
        this = self.sides[side]
        this.epoch += 1
        fence = Fence(owner="m", epoch=this.epoch)
        self.run(self.store.campaigns.fence(this.campaign_id, fence))

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(pick=PICKS, priority=st.none() | st.integers(1, 1000), active=st.none() | st.booleans())
    def edit(self, pick: int, priority: int | None, active: bool | None) -> None:
        entries = [(side, e) for side in self.sides for e in side.entries.values()]
        this, entry = entries[pick % len(entries)]
        edit = self.store.contacts.edit
        self.run(
            edit(this.campaign_id, entry.contact_id, actor="m", now=self.now,
                 priority=priority, active=active)
        )  # fmt: skip
        if entry.state in COMPLETE:
            return
        entry.priority = priority or entry.priority
        entry.inactive = not active if active is not None else entry.inactive
        if active is False and entry.state in WAITING:
            entry.state = ContactState.INACTIVE
        elif active and entry.state is ContactState.INACTIVE:
            waits = entry.has_due and entry.due > self.now
            entry.state = ContactState.SCHEDULED if waits else ContactState.READY

    @rule(pick=PICKS, add=st.booleans())
    def forbid(self, pick: int, add: bool) -> None:
        entries = [e for side in self.sides for e in side.entries.values()]
        phone, dnc = entries[pick % len(entries)].phone, self.store.dnc
        if add:
            changed = self.run(dnc.add(phone, source="m", actor="m", now=self.now))
        else:
            changed = self.run(dnc.remove(phone, "m", self.now))
        assert changed == ((phone not in self.forbidden) == add)
        (self.forbidden.add if add else self.forbidden.discard)(phone)

    @rule(seconds=st.integers(1, 40))
    def the_clock_jumps_back(self, seconds: int) -> None:
        """What is due stays due at its instant; nothing is early, nothing is lost."""
        self.now -= timedelta(seconds=seconds)

    # -------------------------------------------------------------------------- comparison

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        if hasattr(self, "sides"):
            for this in self.sides:
                self.run(self._compare(this))

    async def _compare(self, this: Side) -> None:
        store, campaign_id = self.store, this.campaign_id
        contacts, _ = await store.contacts.list(campaign_id, limit=1000)
        live = await store.calls.live(campaign_id)
        records, _ = await store.attempts.list(campaign_id, limit=1000)
        counts = {k: n for k, n in (await store.calls.counts(campaign_id)).items() if n}
        wrapping = await store.calls.wrapping(campaign_id)
        assert {c.contact_id: c.state for c in contacts} == {
            i: e.state for i, e in this.entries.items()
        }
        # One of them at each step, because there are many steps.
        state = list(ContactState)[len(this.dials) % len(ContactState)]
        like_this, _ = await store.contacts.list(campaign_id, state=state, limit=1000)
        assert like_this == [c for c in contacts if c.state is state]
        of_contact = Counter(one.contact_id for one in live)
        assert set(of_contact.values()) <= {1}, "two live attempts of one contact"
        assert {one.attempt_id: one.stage is AttemptStage.SENT for one in live} == {
            dial.attempt_id: dial.sent for dial in this.live()
        }
        assert {w.attempt_id for w in wrapping} == {d.attempt_id for d in this.dials if d.wraps}
        assert counts == recomputed(contacts, records, sum(d.sent for d in this.live()))
        for phone in {entry.phone for entry in this.entries.values()}:
            holder = self.holder.get(phone)
            assert await store.numbers.live_owner(phone) == (holder and holder.attempt_id)
        for person, dials in self.on_phone.items():
            digest = person_digest(person)
            key = store._keys.person(digest).live
            held = await store._link.call("HGET", key, digest) or ""
            found = {one.partition("|")[0] for one in held.split(",") if one}
            assert found == {dial.attempt_id for dial in dials}
        campaign = await store.campaigns.get(campaign_id)
        n_complete = sum(contact.state in COMPLETE for contact in contacts)
        assert (campaign.n_complete, campaign.n_contacts) == (n_complete, len(contacts))
        zones = {e.zone for e in this.entries.values() if e.state in WAITING}
        assert set(await store.calls.hours_classes(campaign_id)) == zones

    # ------------------------------------------------------------------------------ helpers

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def refused(self, awaitable: Any) -> None:
        try:
            self.run(awaitable)
        except Fenced:
            return
        raise AssertionError("an old epoch was let through")

    def _new_id(self, this: Side) -> str:
        self.serial += 1
        return f"{this.campaign_id}a{self.serial:020}"

    def _pick(self, live: bool, pick: int) -> Dial:
        """Live ones first, so that what is about them happens often."""
        dials = [dial for side in self.sides for dial in side.dials if dial.live or not live]
        dials.sort(key=lambda dial: not dial.live)
        return dials[pick % len(dials)]

    def _place_of(self, dial: Dial) -> int:
        dials = [each for side in self.sides for each in side.dials]
        return sorted(dials, key=lambda each: not each.live).index(dial)

    def _next(self, kind: str | None, delay_s: int) -> Next | None:
        if kind is None:
            return None
        at = self.now + timedelta(seconds=delay_s)
        return Done("x") if kind == "done" else RedialAt(at, is_callback=kind == "callback")

    def _promote(self, this: Side) -> None:
        for entry in this.entries.values():
            if entry.state is ContactState.SCHEDULED and entry.due <= self.now:
                entry.state = ContactState.READY

    def _follow(self, entry: Entry, then: Next | None, *, parks: bool = False) -> None:
        if entry.state in COMPLETE:
            return
        match then:
            case None if not parks:
                entry.state = ContactState.WRAP_UP
            case Done():
                entry.state = ContactState.DONE
            case _ if entry.withdrawn:
                entry.state = ContactState.WITHDRAWN
            case None:
                entry.state = ContactState.INACTIVE if entry.inactive else ContactState.READY
            case RedialAt(at, is_callback):
                entry.state, entry.due, entry.has_due = ContactState.SCHEDULED, at, True
                if is_callback or not parks:
                    entry.list = "callback" if is_callback else "redial"
                if entry.inactive:
                    entry.state = ContactState.INACTIVE

    def _record(self, this: Side, dial: Dial, outcome: Outcome) -> AttemptRecord:
        return AttemptRecord(
            attempt_id=dial.attempt_id,
            campaign_id=this.campaign_id,
            contact_id=dial.entry.contact_id,
            number=1,
            phone=dial.entry.phone,
            caller_id="",
            trunk="carrier",
            node="pbx1",
            started_at=self.now,
            ended_at=self.now,
            outcome=outcome,
        )


def recomputed(
    contacts: list[Contact], records: list[AttemptRecord], n_sent: int
) -> dict[str, int]:
    """The counters as they follow from contacts and records."""
    outcomes = Counter(record.outcome for record in records)
    dispositions = Counter(record.disposition for record in records if record.disposition)
    expected = {
        "contacts": len(contacts),
        "complete": sum(contact.state in COMPLETE for contact in contacts),
        "attempts": len(records) + n_sent,
        "answered_person": sum(outcomes[outcome] for outcome in PERSON),
        "abandoned": outcomes[Outcome.ABANDONED],
        **Counter(contact.state.value for contact in contacts),
        **{f"outcome:{outcome}": n for outcome, n in outcomes.items()},
        **{f"disposition:{code}": n for code, n in dispositions.items()},
    }
    return {name: n for name, n in expected.items() if n}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_whatever_happens(valkey_url: str, examples: int) -> None:
    class Machine(StoreMachine):
        url = valkey_url

    run_state_machine_as_test(
        Machine,
        settings=settings(
            phases=(Phase.generate,),
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
