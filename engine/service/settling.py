"""From the end of a call to a settled attempt: the record, what follows, and the number's release.

A settlement that Redis does not take now is kept and tried again; it is idempotent by attempt id.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from engine.core.attempt import AttemptRecord, AttemptStage, LiveAttempt
from engine.core.call_events import CallEvent, Fate, OptedOut
from engine.core.call_state import Ended, ended
from engine.core.errors import StoreUnavailable, TelephonyError
from engine.core.hours import deciding_zones
from engine.core.ledger import answered_by
from engine.core.outcome import Outcome
from engine.core.redial import History, Next, RedialAt, after_disposition, counts, decide
from engine.core.settings import CampaignSettings, DispositionRule
from engine.core.spreading import spread
from engine.ports import Heard, Settlement, Wanted
from engine.service.calls import Call
from engine.service.world import CampaignView, World

log = structlog.get_logger()

RETRY_S = 0.5
#: Settlements that are kept to be told again to a Redis that lost its last second.
REMEMBERED = 5_000
#: Records may stay so much longer, so that many are deleted at once: each time makes a channel.
GATHER_RECORDS_S = 1.0
#: Most records deleted in Asterisk at once.
ACKNOWLEDGE_AT_ONCE = 200


class Settler:
    """Takes events of calls, and settles the calls that they end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ended: deque[Call] = deque()
        self._has_ended = asyncio.Event()
        self._acknowledge: deque[tuple[float, str]] = deque()
        #: By attempt id, the oldest first.
        self._remembered: dict[str, tuple[int, Settlement]] = {}

    def see(self, event: CallEvent) -> Call | None:
        """Add an event's facts to its call; queue the call to be settled when it is over."""
        call = self._world.calls.apply(event)
        if call is None:
            return None
        if isinstance(event, OptedOut):
            self._world.spawn(self._opt_out(call), f"opt out {call.attempt_id}")
        if call.state.is_over and not call.settling:
            call.settling = True
            self._ended.append(call)
            self._has_ended.set()
        return call

    async def run(self, stop: asyncio.Event) -> None:
        """Settle what has ended, many at a time, until stopped and empty."""
        while not (stop.is_set() and not self._ended):
            await self._wait(stop)
            batch = [self._ended.popleft() for _ in range(len(self._ended))]
            try:
                await self._settle_all(batch)
                await self._acknowledge_due()
            except StoreUnavailable as error:
                log.warning("settle_postponed", calls=len(batch), error=error.message)
                left = [call for call in batch if self._world.calls.get(call.attempt_id) is call]
                self._ended.extendleft(reversed(left))
                await asyncio.sleep(RETRY_S)

    async def replay(self) -> None:
        """Tell a Redis that was restarted again what it may have lost; what it knows stays."""
        world, now = self._world, self._world.clock.now()
        if world.fence is None:
            return
        by_campaign: defaultdict[int, list[Settlement]] = defaultdict(list)
        for campaign_id, settlement in self._remembered.values():
            by_campaign[campaign_id].append(settlement)
        for campaign_id, settlements in by_campaign.items():
            await self._tell_again(campaign_id, settlements, now)

    async def _tell_again(
        self, campaign_id: int, settlements: Sequence[Settlement], now: datetime
    ) -> None:
        """Settle also what Redis forgot with its claim; what it knows as ended stays as it is."""
        world = self._world
        if world.fence is None:
            return
        records = [each.record for each in settlements]
        # Repeated it changes nothing: a lock-out is lost with its call, or alone.
        await world.store.numbers.remember([(_heard(one), one.ended_at) for one in records])
        attempts = [_attempt_of(one, world.fence.epoch, now) for one in records]
        forgotten = await world.store.calls.adopt(campaign_id, attempts, now)
        await self._count_again([r for r, lost in zip(records, forgotten, strict=True) if lost])
        await world.store.calls.settle(campaign_id, settlements, now)

    async def _count_again(self, records: Sequence[AttemptRecord]) -> None:
        """The number was reserved after the claim that is lost, so that is lost as well.

        By force: a lock-out after this very call, or a limit lowered since, must not refuse it.
        """
        numbers = self._world.store.numbers
        await numbers.take([
            (Wanted(one.phone, one.attempt_id, one.person_key or ""), one.started_at)
            for one in records
        ])  # fmt: skip
        await numbers.release([(one.phone, one.attempt_id, True) for one in records])

    def has_settled(self, attempt_id: str) -> bool:
        """Settled by us: what was read of it before that is out of date."""
        return attempt_id in self._remembered

    def acknowledge_later(self, attempt_ids: Sequence[str]) -> None:
        """Their records may be deleted in Asterisk once the settlement is surely on disk."""
        due = self._world.clock.monotonic() + self._world.settings.acknowledge_after_s
        self._acknowledge.extend((due, each) for each in attempt_ids)

    async def _wait(self, stop: asyncio.Event) -> None:
        self._has_ended.clear()
        if self._ended or stop.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._world.settings.tick_s):
                await self._has_ended.wait()
            await asyncio.sleep(self._world.settings.settle_gather_s)

    async def _settle_all(self, batch: Sequence[Call]) -> None:
        by_campaign: defaultdict[int, list[Call]] = defaultdict(list)
        for call in batch:
            by_campaign[call.campaign_id].append(call)
        for campaign_id, calls in by_campaign.items():
            view = self._world.campaigns.get(campaign_id)
            if view is None:
                # We lead no more, or again: what Asterisk and the store have of them decides.
                log.warning("settle_without_campaign", campaign_id=campaign_id, calls=len(calls))
                for call in calls:
                    self._world.calls.remove(call.attempt_id)
                continue
            await self._settle_campaign(view, calls)

    async def _settle_campaign(self, view: CampaignView, calls: Sequence[Call]) -> None:
        world, now = self._world, self._world.clock.now()
        settlements: list[Settlement] = []
        for call in calls:
            end = ended(call.state, now)
            if end is None or end.outcome is None:
                await world.store.calls.give_back(view.campaign.id, call.attempt_id, None, now)
            else:
                settlements.append(await self._settlement(view, call, end, end.outcome, now))
        if settlements:
            # Before: a lock-out must not be lost with us between the two.
            await world.store.numbers.remember([(_heard(s.record), now) for s in settlements])
            await self._settle_known(view.campaign.id, settlements, now)
        await world.store.numbers.release([(c.phone, c.attempt_id, _was_placed(c)) for c in calls])
        for settlement in settlements:
            self._count(settlement, now)
        for call in calls:
            self._forget(call)
        view.dirty = True
        world.wake.set()

    async def _settle_known(
        self, campaign_id: int, settlements: Sequence[Settlement], now: datetime
    ) -> None:
        """A Redis that lost its last second may not know the attempt, and nobody else tells it."""
        async with self._world.ledgers.lock:
            done = await self._world.store.calls.settle(campaign_id, settlements, now)
            for settlement, is_done in zip(settlements, done, strict=True):
                self._enter(settlement.record, is_done=is_done)
        unknown = [each for each, is_done in zip(settlements, done, strict=True) if not is_done]
        if unknown:
            await self._tell_again(campaign_id, unknown, now)
        # Before the calls are forgotten: what the store counted without our knowing is read.
        await self._world.ledgers.catch_up()

    def _enter(self, record: AttemptRecord, *, is_done: bool) -> None:
        """Count in memory what the store counted; from now on the call itself counts no more."""
        is_first = is_done and not self.has_settled(record.attempt_id)
        self._world.ledgers.count(record, was_new=is_first)
        if is_first:
            self._world.calls.counted(record.attempt_id)

    def _forget(self, call: Call) -> None:
        self._world.calls.remove(call.attempt_id)
        self.acknowledge_later([call.attempt_id])

    async def _settlement(
        self, view: CampaignView, call: Call, end: Ended, outcome: Outcome, now: datetime
    ) -> Settlement:
        settings = view.campaign.settings
        rule = _rule_of_key(settings, outcome, end)
        before = await self._history(call, rule)
        counted = counts(outcome, settings.redial, trunk_fault=end.trunk_fault)
        counted = counted and (rule is None or rule.counts)
        history = _with_this(before, outcome, counted=counted, trunk_fault=end.trunk_fault)
        following, wrap_up_until = self._next(view, call, end, outcome, history, now)
        return Settlement(
            record=self._record(view, call, end, outcome, following),
            next=following,
            wrap_up_until=wrap_up_until,
            counts=counted,
            trunk_fault=end.trunk_fault,
        )

    async def _history(self, call: Call, rule: DispositionRule | None) -> History:
        """A claim does not know dispositions, and only a rule that bounds them asks."""
        history = await self._history_of(call)
        if rule is None or rule.max is None:
            return history
        contact = await self._world.store.calls.contact(call.campaign_id, call.contact_id)
        return replace(history, dispositions=contact.dispositions)

    async def _history_of(self, call: Call) -> History:
        if call.history is None:
            contact = await self._world.store.calls.contact(call.campaign_id, call.contact_id)
            n_others = len(contact.other_phones)
            call.history = History(
                contact.n_attempts, contact.n_trunk_faults, contact.outcomes, n_others
            )
            call.is_for(contact)
        return call.history

    def _next(
        self,
        view: CampaignView,
        call: Call,
        end: Ended,
        outcome: Outcome,
        history: History,
        now: datetime,
    ) -> tuple[Next | None, datetime | None]:
        settings = view.campaign.settings
        if outcome is Outcome.ANSWERED and not end.opted_out:
            return None, now + timedelta(seconds=settings.wrap_up_s)
        if (rule := _rule_of_key(settings, outcome, end)) is not None:
            return after_disposition(rule, history, settings.redial, end.ended_at), None
        following = decide(
            outcome,
            history,
            settings.redial,
            end.ended_at,
            trunk_fault=end.trunk_fault,
            opted_out=end.opted_out,
        )
        rules, hours = settings.redial, settings.hours
        return spread(following, history, rules, hours, call.hours_class, call.started_at), None

    def _count(self, settlement: Settlement, now: datetime) -> None:
        record, trunks = settlement.record, self._world.trunks
        if self.has_settled(record.attempt_id):
            return
        self._remember(record.campaign_id, settlement)
        trunks[record.trunk] = trunks[record.trunk].after_call(
            record.phone, trunk_fault=settlement.trunk_fault, now=now
        )

    def _remember(self, campaign_id: int, settlement: Settlement) -> None:
        self._remembered[settlement.record.attempt_id] = (campaign_id, settlement)
        if len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _record(
        self, view: CampaignView, call: Call, end: Ended, outcome: Outcome, following: Next | None
    ) -> AttemptRecord:
        seat = self._world.roster.find(end.agent)
        ringing_at = call.state.ringing_at
        zones = deciding_zones(view.campaign.settings.hours, call.hours_class)
        return AttemptRecord(
            attempt_id=call.attempt_id,
            campaign_id=call.campaign_id,
            contact_id=call.contact_id,
            external_id=call.external_id,
            number=call.number,
            phone=call.phone,
            caller_id=call.caller_id,
            trunk=call.trunk,
            node=call.node,
            started_at=call.started_at,
            ringing_at=ringing_at,
            answered_at=end.answered_at,
            greeting_end_at=end.greeting_end_at,
            bridged_at=end.connected_at,
            ended_at=end.ended_at,
            ring_s=_seconds(ringing_at, end.answered_at or end.ended_at),
            talk_s=_seconds(end.connected_at, end.ended_at),
            outcome=outcome,
            disposition=_disposition(view.campaign.settings, outcome, end),
            cause=end.cause,
            tech_cause=end.tech_cause,
            amd=end.amd,
            answered_by=answered_by(outcome, end.amd),
            abandoned=outcome is Outcome.ABANDONED,
            message_played=end.message_at is not None,
            agent_id=seat.agent.id if seat else None,
            next_dial_at=following.at if isinstance(following, RedialAt) else None,
            zones=zones,
            rules=call.rules,
            person_key=call.person_key,
        )

    async def _opt_out(self, call: Call) -> None:
        """The key press acts at once, not when the call has ended."""
        store, clock = self._world.store, self._world.clock
        while True:
            try:
                await store.numbers.add_dnc(call.phone, "key_press", "callee", clock.now())
                return
            except StoreUnavailable:
                await asyncio.sleep(RETRY_S)

    async def _acknowledge_due(self) -> None:
        now = self._world.clock.monotonic()
        due: list[str] = []
        if not self._acknowledge or self._acknowledge[0][0] + GATHER_RECORDS_S > now:
            return
        while self._acknowledge and self._acknowledge[0][0] <= now:
            if len(due) == ACKNOWLEDGE_AT_ONCE:
                break
            due.append(self._acknowledge.popleft()[1])
        try:
            await self._world.telephony.acknowledge(due)
        except TelephonyError:
            # They stay in Asterisk, and recovery finds them settled.
            log.info("acknowledge_postponed", calls=len(due))
            self._acknowledge.extend((now + RETRY_S, each) for each in due)


def _with_this(history: History, outcome: Outcome, *, counted: bool, trunk_fault: bool) -> History:
    outcomes = dict(history.outcomes)
    outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return replace(
        history,
        n_attempts=history.n_attempts + counted,
        n_trunk_faults=history.n_trunk_faults + trunk_fault,
        outcomes=outcomes,
    )


def _disposition(settings: CampaignSettings, outcome: Outcome, end: Ended) -> str | None:
    """Without agents the last key says what the person wants; of a conversation the agent does."""
    if outcome is not Outcome.MESSAGE_PLAYED or not end.keys:
        return None
    rule = settings.agentless.rule_of(end.keys[-1])
    return (rule.disposition or str(rule.action)) if rule else None


def _rule_of_key(
    settings: CampaignSettings, outcome: Outcome, end: Ended
) -> DispositionRule | None:
    code = _disposition(settings, outcome, end)
    if code is None or end.opted_out:
        return None
    return next((rule for rule in settings.dispositions if rule.code == code), None)


def _heard(record: AttemptRecord) -> Heard:
    """With the person of the record: a late outcome finds no live call that could name it."""
    return Heard(record.phone, record.person_key or "", record.outcome)


def _attempt_of(record: AttemptRecord, epoch: int, now: datetime) -> LiveAttempt:
    return LiveAttempt(
        attempt_id=record.attempt_id,
        contact_id=record.contact_id,
        phone=record.phone,
        number=record.number,
        stage=AttemptStage.SENT,
        claimed_at=record.started_at,
        sent_at=record.started_at,
        lease_until=now,
        caller_id=record.caller_id,
        trunk=record.trunk,
        node=record.node,
        epoch=epoch,
    )


def _was_placed(call: Call) -> bool:
    return call.state.was_seen or call.state.fate is not Fate.NEVER_LEFT


def _seconds(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else max(0.0, round((end - start).total_seconds(), 3))
