"""An engine's steps, each of which can be its last, and what becomes of the calls."""

from __future__ import annotations

from datetime import timedelta

from engine.core import ids
from engine.core.attempt import AttemptRecord, AttemptStage
from engine.core.contact import Contact, ContactState
from engine.core.hours import is_open
from engine.core.outcome import Outcome
from engine.core.redial import (
    Done,
    History,
    Next,
    RedialAt,
    Turn,
    after_disposition,
    counts,
    decide,
    uncounted,
)
from engine.core.spreading import spread
from engine.core.why_not import Candidate, verdicts
from engine.core.why_not import decide as decide_now
from engine.ports import Heard, Settlement, Wanted

from .books import DELAY_S, DISPOSED_S, MAX_AGAIN, Dialled, Side, Step
from .judging import judge_call
from .world import World

GOES_ON = ("again", "free", "other", "later", "at", "mine", "past")
AGENT = 7


class Engine(World):
    """Both campaigns' engines: what they have in hand is lost when they crash."""

    async def claim(self, side: Side, n: int) -> list[Step]:
        classes = await self.store.calls.hours_classes(side.id)
        opened = [each for each in classes if is_open(side.settings.hours, each, self.now)]
        self.serial += n
        fresh = [ids.attempt_id(side.id, self.now, self.serial - i) for i in range(n)]
        claims = await self.store.calls.claim(side.id, side.fence, fresh, opened, self.now, 20)
        steps = [Step(claim, self.now) for claim in claims]
        side.steps += steps
        return steps

    async def place(self, side: Side, n: int, dies: str) -> None:
        """Claim, reserve, send in a row; the engine may be killed between any two."""
        steps = await self.claim(side, n)
        for step in steps if dies != "claimed" else ():
            await self.reserve(side, step)
        for step in steps if dies not in ("claimed", "reserved") else ():
            if step.reserved:
                await self.send(side, step)
        if dies:
            await self.crash(side)

    async def crash(self, side: Side) -> None:
        """Another engine leads; what the old one held is for the reaper."""
        side.epoch += 1
        await self.store.campaigns.fence(side.id, side.fence)
        side.steps.clear()

    async def reserve(self, side: Side, step: Step) -> None:
        claim = step.claim
        wanted = Wanted(
            claim.phone, claim.attempt_id, claim.person_key, claim.hours_class, (f"c{side.id}",)
        )
        (refusal,) = await self.store.numbers.reserve([wanted], side.settings.limits, self.now)
        who = Candidate(claim.phone, claim.hours_class, claim.history)
        refusals = () if refusal is None else (refusal,)
        following = decide_now(verdicts(who, side.settings, refusals, self.now), self.now)
        step.reserved = following is None
        if not step.reserved:
            await self._give_back(side, step, following, reserved=refusal is None)

    async def send(self, side: Side, step: Step) -> None:
        claim, following = step.claim, await self._refused(side, step)
        mark = (claim.attempt_id, "+12125550100", "carrier", "pbx")
        calls = self.store.calls
        if (
            following is None
            and (await calls.mark_sent(side.id, side.fence, [mark], self.now, 40))[0]
        ):
            side.steps.remove(step)
            self._left(side, step)
        else:
            await self._give_back(side, step, following, reserved=True)

    async def _refused(self, side: Side, step: Step) -> Next | None:
        claim = step.claim
        who = Candidate(claim.phone, claim.hours_class, claim.history)
        following = decide_now(verdicts(who, side.settings, (), self.now), self.now)
        (listed,) = await self.store.numbers.on_dnc([(claim.phone, (f"c{side.id}",))])
        return RedialAt(self.now) if listed and following is None else following

    async def _give_back(
        self, side: Side, step: Step, following: Next | None, *, reserved: bool
    ) -> None:
        side.steps.remove(step)
        claim = step.claim
        await self.store.calls.give_back(side.id, claim.attempt_id, following, self.now)
        if reserved:
            await self.store.numbers.release([(claim.phone, claim.attempt_id, False)])

    def _left(self, side: Side, step: Step) -> None:
        claim = step.claim
        judge_call(self.books, side, step, self.now)
        person = str(side.contacts[claim.contact_id].person_key)
        self.books.calls.append(
            Dialled(claim.attempt_id, side.id, claim.contact_id, claim.phone, person,
                    step.claimed_at, self.now)
        )  # fmt: skip

    async def end(
        self, dial: Dialled, outcome: Outcome, *, fault: bool = False, releases: bool = True
    ) -> None:
        """`releases` false: the engine dies before it gives the number back."""
        side = self.side_of(dial)
        contact = await self.store.calls.contact(side.id, dial.contact_id)
        settlement = self._settlement(side, dial, contact, outcome, fault)
        heard = Heard(dial.phone, dial.person, outcome)
        await self.store.numbers.remember([(heard, self.now)])
        (done,) = await self.store.calls.settle(side.id, [settlement], self.now)
        assert done, "a live attempt was not settled"
        dial.ended, dial.outcome, dial.fault = self.now, outcome, fault
        dial.counted = dial.was_counted = outcome is not Outcome.BUSY and not fault
        self._plan(side, dial)
        dial.dead_at = self.now if _drops(settlement.next) else None
        if releases:
            await self.store.numbers.release([(dial.phone, dial.attempt_id, True)])

    def _plan(self, side: Side, dial: Dialled) -> None:
        """What may follow, by arithmetic of our own: never earlier than the delay."""
        assert dial.outcome is not None
        delay_s = 0 if dial.outcome is Outcome.INVALID_NUMBER else DELAY_S.get(dial.outcome)
        dial.next_at = None if delay_s is None else self.now + timedelta(seconds=delay_s)
        if dial.outcome is Outcome.NO_ANSWER:
            dial.others = self._others(side, dial)

    def _others(self, side: Side, dial: Dialled) -> frozenset[str]:
        """Phones that the next dial has to be to."""
        return frozenset(self.books.usable(side, dial.contact_id) - {dial.phone})

    def _settlement(
        self, side: Side, dial: Dialled, contact: Contact, outcome: Outcome, fault: bool
    ) -> Settlement:
        """Also where the outcome takes the place of an unknown one."""
        redial, seen = side.settings.redial, dict(contact.outcomes)
        is_late = dial.ended is not None
        seen[outcome] = seen.get(outcome, 0) + 1
        seen[Outcome.UNKNOWN] = seen.get(Outcome.UNKNOWN, 0) - is_late
        counted = counts(outcome, redial, trunk_fault=fault)
        past = History(
            contact.n_attempts - is_late + counted, contact.n_trunk_faults + fault, seen,
            len(contact.other_phones),
        )  # fmt: skip
        following: Next | None = None
        if outcome is not Outcome.ANSWERED:
            following = decide(outcome, past, redial, self.now, trunk_fault=fault)
            hours = side.settings.hours
            following = spread(following, past, redial, hours, contact.hours_class, dial.at)
        record = AttemptRecord(
            attempt_id=dial.attempt_id, campaign_id=side.id, contact_id=dial.contact_id, number=1,
            phone=dial.phone, caller_id="", trunk="carrier", node="pbx", started_at=dial.at,
            ended_at=self.now, outcome=outcome, agent_id=1,
        )  # fmt: skip
        return Settlement(
            record=record, next=following, counts=counted, trunk_fault=fault,
            wrap_up_until=None if following else self.now + timedelta(seconds=30),
        )  # fmt: skip

    async def late(self, dial: Dialled, outcome: Outcome) -> None:
        """An unknown fate becomes known; it changes plans only where nothing else did."""
        side = self.side_of(dial)
        contact = await self.store.calls.contact(side.id, dial.contact_id)
        settlement = self._settlement(side, dial, contact, outcome, False)
        (done,) = await self.store.calls.settle(side.id, [settlement], self.now)
        assert done, "an unknown fate did not become known"
        dial.outcome, dial.counted = outcome, outcome is not Outcome.BUSY
        dial.dead_at = self.now if _drops(settlement.next) else None
        waits = contact.state in (ContactState.READY, ContactState.SCHEDULED)
        if waits and self.books.of(side, dial.contact_id)[-1] is dial:
            self._plan(side, dial)

    async def dispose(self, dial: Dialled, code: str | None, hours: int) -> None:
        side, calls = self.side_of(dial), self.store.calls
        waits = {w.attempt_id: w for w in await calls.wrapping(side.id)}.get(dial.attempt_id)
        if waits is not None and code == "never":
            await self.forbid(dial.phone, "")
        rule = next((r for r in side.settings.dispositions if r.code == code), None)
        contact = await calls.contact(side.id, dial.contact_id)
        past = History(
            contact.n_attempts, contact.n_trunk_faults, contact.outcomes,
            len(contact.other_phones), dispositions=contact.dispositions,
        )  # fmt: skip
        is_counted = rule is None or rule.counts
        past = past if is_counted else uncounted(past)
        at = {"past": -timedelta(minutes=5), "at": timedelta(hours=hours)}
        at["mine"] = at["at"]
        agreed = self.now + at[code] if code in at else None
        then = after_disposition(
            rule, past, side.settings.redial, self.now, callback_at=agreed,
            agent_id=AGENT if code == "mine" else None,
        )  # fmt: skip
        done = await calls.finish(side.id, dial.attempt_id, code, then, self.now, counts=is_counted)
        assert done == (waits is not None)
        if done:
            self._disposed(side, dial, code, hours)

    def _disposed(self, side: Side, dial: Dialled, code: str | None, hours: int) -> None:
        dial.code, dial.counted = code, dial.counted and code != "free"
        mine, redial = self.books.of(side, dial.contact_id), side.settings.redial
        goes_on = (
            code in GOES_ON
            and sum(each.counted for each in mine) < redial.max_attempts
            and len(mine) < redial.hard_cap
            and (code != "again" or sum(each.code == code for each in mine) <= MAX_AGAIN)
        )
        after = {"past": timedelta(), "at": timedelta(hours=hours), "mine": timedelta(hours=hours)}
        wait = after.get(str(code), timedelta(seconds=DISPOSED_S))
        dial.next_at = self.now + wait if goes_on else None
        dial.callback = goes_on and code in ("later", "at", "mine", "past")
        dial.agent = AGENT if code == "mine" else None
        if code == "other":
            dial.others = self._others(side, dial)

    async def reap(self, side: Side) -> None:
        for attempt in await self.store.calls.expired(side.id, self.now):
            if attempt.stage is AttemptStage.CLAIMED:
                held = [s for s in side.steps if s.claim.attempt_id != attempt.attempt_id]
                side.steps = held
                await self.store.calls.give_back(side.id, attempt.attempt_id, None, self.now)
                await self.store.numbers.release([(attempt.phone, attempt.attempt_id, False)])
            else:
                dial = next(d for d in self.books.calls if d.attempt_id == attempt.attempt_id)
                await self.end(dial, Outcome.UNKNOWN)

    async def finish_wrap_up(self, side: Side) -> None:
        """Those that nobody recorded anything of in time."""
        for _, attempt_id in await self.store.calls.wrapped_up([side.id], self.now):
            dial = next(d for d in self.books.calls if d.attempt_id == attempt_id)
            done = Done("answered")
            assert await self.store.calls.finish(side.id, attempt_id, None, done, self.now)
            dial.next_at = None


def _drops(following: Next | None) -> bool:
    return isinstance(following, RedialAt) and following.turn is Turn.DROP
