"""Reading back what became of calls after a link, a process or Redis was lost.

The rule, in this order: a channel that lives is a call in progress; a hangup record is its
outcome; neither, and Asterisk runs since before the call was sent: it never left; else unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from engine.core.agent import WRAP_UP
from engine.core.attempt import AttemptStage, LiveAttempt
from engine.core.call_events import (
    Answered,
    Connected,
    Device,
    Fate,
    HangupRecord,
    Recorded,
    RecordLost,
    Vanished,
)
from engine.core.call_state import CallState
from engine.core.contact import Contact
from engine.core.errors import NotFound
from engine.core.ids import campaign_of, minted_at
from engine.core.preview import Offer, OfferState
from engine.core.redial import RedialAt
from engine.core.seat import Seat, can_be_reserved, offered_again
from engine.ports import LiveCall, Wanted
from engine.service.calls import Call
from engine.service.settling import Settler
from engine.service.world import CampaignView, World

log = structlog.get_logger()

#: An originate on its way when its session was cut may still show up for so long.
STILL_ON_ITS_WAY = timedelta(seconds=5)
#: A hangup whose record did not come with it is asked for after this.
#: An offer's claim outlives its timer by this, so that its end is ours to decide.
OFFER_GRACE = timedelta(seconds=60)
RECORD_GRACE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What Asterisk shows now."""

    live: Mapping[str, LiveCall]
    records: Mapping[str, HangupRecord]


class Recovery:
    def __init__(self, world: World, settler: Settler) -> None:
        self._world = world
        self._settler = settler

    async def read_back(self) -> Seen:
        """Channels first: a call that ends between the two readings is in the records."""
        live = await self._world.telephony.live_calls()
        records = await self._world.telephony.records()
        return Seen({call.attempt_id: call for call in live}, records)

    async def run(self) -> None:
        """Bring every attempt that the store or memory holds in line with Asterisk."""
        world = self._world
        seen = await self.read_back()
        await self.look_for_trunks()
        members = await world.telephony.members()
        ours = [each for each in members if each.queue in world.our_queues]
        world.roster.reset_queues(ours, world.clock.now())
        for view in list(world.campaigns.values()):
            await self._recover_campaign(view, seen)
        await self._adopt_strangers(seen)
        self._free_agents(seen)
        self._hold_agents()
        log.info("recovered", live=len(seen.live), records=len(seen.records))

    async def look_for_trunks(self) -> None:
        """Ask Asterisk for the trunks that campaigns name: a typing error must not use them up."""
        world = self._world
        named = {view.campaign.settings.dialing.trunk for view in world.campaigns.values()}
        world.unknown_trunks = {
            trunk for trunk in named if trunk and not await world.telephony.has_trunk(trunk)
        }

    async def look_again(self) -> None:
        """Calls whose lease has passed, or that ended without a record: ask Asterisk."""
        overdue = await self._overdue()
        if not overdue:
            return
        seen = await self.read_back()
        for call in overdue:
            await self._judge(call, seen)

    async def _recover_campaign(self, view: CampaignView, seen: Seen) -> None:
        world = self._world
        await self._adopt(view)
        offered = await self._take_up_offers(view)
        for attempt in await world.store.calls.live(view.campaign.id):
            if attempt.attempt_id not in offered:
                await self._take_up(view, attempt)
        # Also those that the store holds no more: another engine may have settled them.
        for call in world.calls.of_campaign(view.campaign.id):
            if not call.settling:
                await self._judge(call, seen)

    async def _take_up_offers(self, view: CampaignView) -> set[str]:
        """Contacts that agents look at, now ours to dial."""
        found = set[str]()
        offers = await self._world.store.offers.list(view.campaign.id)
        view.offers = {offer.attempt_id: offer for offer in offers}
        for offer in offers:
            if offer.state is not OfferState.DIALLED and await self._keep_offer(view, offer):
                found.add(offer.attempt_id)
        return found

    def _hold_agents(self) -> None:
        """Who looks at an offer, or waits for its call, stays reserved."""
        roster = self._world.roster
        for view in self._world.campaigns.values():
            for offer in view.offers.values():
                seat = roster.get(offer.agent_id)
                if seat is not None and (held := _held(seat, offer)) is not None:
                    roster.put(held)

    async def _keep_offer(self, view: CampaignView, offer: Offer) -> bool:
        if self._world.fence is None:
            return False
        until = offer.expires_at + OFFER_GRACE
        epoch = self._world.fence.epoch
        return await self._world.store.offers.keep(view.campaign.id, offer.attempt_id, epoch, until)

    async def _take_up(self, view: CampaignView, attempt: LiveAttempt) -> Call | None:
        """The call of a live attempt; None where there is none to look after."""
        call = self._world.calls.get(attempt.attempt_id)
        if call is not None or self._settler.has_settled(attempt.attempt_id):
            return call
        if attempt.stage is AttemptStage.CLAIMED:
            await self._give_back(view, attempt)
            return None
        call = _restored(view, attempt)
        self._world.calls.add(call)
        return call

    async def _adopt(self, view: CampaignView) -> None:
        """Calls that we hold and a Redis that lost its last second does not know."""
        calls = [c for c in self._world.calls.of_campaign(view.campaign.id) if not c.settling]
        if calls and self._world.fence:
            now, epoch = self._world.clock.now(), self._world.fence.epoch
            attempts = [_attempt(call, epoch, now) for call in calls]
            await self._world.store.calls.adopt(view.campaign.id, attempts, now)
            await self._take(calls)

    async def _take(self, calls: Sequence[Call], at: datetime | None = None) -> None:
        """They are made, whatever limits say by now: each counts, and holds number and person."""
        for call in calls:
            if call.history is None:
                await self._read_whom(call)
        await self._world.store.numbers.take([
            (Wanted(c.phone, c.attempt_id, c.person_key, c.hours_class), at or c.started_at)
            for c in calls
        ])  # fmt: skip

    async def _read_whom(self, call: Call) -> None:
        """Another engine placed it. Its history is read when it ends, as it is then."""
        with suppress(NotFound):
            call.is_for(await self._world.store.calls.contact(call.campaign_id, call.contact_id))

    def _free_agents(self, seen: Seen) -> None:
        """Conversations that ended unheard: their agents wrap up from that end on."""
        roster = self._world.roster
        latest = _latest_call_of_agents(seen)
        for seat in roster:
            attempt_id = seat.attempt_id
            if attempt_id is None and _waits_for_the_end(seat):
                attempt_id = latest.get(seat.agent.extension)
            if attempt_id and attempt_id not in seen.live:
                roster.wrap_up(seat, attempt_id, self._wrap_up_until(attempt_id, seen))

    def _wrap_up_until(self, attempt_id: str, seen: Seen) -> datetime:
        record = seen.records.get(attempt_id)
        ended_at = record.ended_at if record else self._world.clock.now()
        view = self._world.campaigns.get(campaign_of(attempt_id) or 0)
        return ended_at + timedelta(seconds=view.campaign.settings.wrap_up_s if view else 0)

    async def _give_back(self, view: CampaignView, attempt: LiveAttempt) -> None:
        """It was claimed by an engine that is fenced now, and nothing was sent."""
        world, now = self._world, self._world.clock.now()
        soon = RedialAt(now) if attempt.number > 1 else None
        await world.store.calls.give_back(view.campaign.id, attempt.attempt_id, soon, now)
        await world.store.numbers.release([(attempt.phone, attempt.attempt_id, False)])

    async def _judge(self, call: Call, seen: Seen) -> None:
        now, attempt_id = self._world.clock.now(), call.attempt_id
        if attempt_id in seen.live:
            await self._goes_on(call, seen.live[attempt_id], now)
        elif attempt_id in seen.records:
            self._settler.see(Recorded(attempt_id, now, seen.records[attempt_id]))
        elif call.state.hung_up_at:
            self._settler.see(RecordLost(attempt_id, now))
        elif now >= (certain_at := self._certain_at(call)):
            self._settler.see(Vanished(attempt_id, now, self._fate(call)))
        else:
            call.check_at = certain_at

    async def _goes_on(self, call: Call, live: LiveCall, now: datetime) -> None:
        call.check_at = None
        if live.is_up:
            self._settler.see(Answered(call.attempt_id, now))
        if live.is_bridged and not call.state.connected_at:
            seat = next((s for s in self._world.roster if s.attempt_id == call.attempt_id), None)
            agent = seat.agent.extension if seat else ""
            self._settler.see(Connected(call.attempt_id, now, agent))
        lease_s = call_lease_s(self._world, call)
        await self._world.store.calls.extend(call.campaign_id, [call.attempt_id], now, lease_s)

    def _certain_at(self, call: Call) -> datetime:
        """From when on a call that does not show up will not do so any more.

        What was written into a network that stalled arrives when it works again, so the time
        counts from the link's return; an Asterisk that was restarted got none of it.
        """
        back_at = _of_node(self._world.link_up_at, call.node)
        if back_at is None or not self._is_same_asterisk(call):
            return call.started_at + STILL_ON_ITS_WAY
        return max(call.started_at, back_at) + STILL_ON_ITS_WAY

    def _fate(self, call: Call) -> Fate:
        """It was answered or ran on an Asterisk that has been restarted since: unknown."""
        never = self._is_same_asterisk(call) and not call.state.was_seen
        return Fate.NEVER_LEFT if never else Fate.UNKNOWN

    def _is_same_asterisk(self, call: Call) -> bool:
        booted_at = _of_node(self._world.pbx_started_at, call.node)
        return booted_at is not None and booted_at < call.started_at

    async def _overdue(self) -> Sequence[Call]:
        world, now = self._world, self._world.clock.now()
        calls = {c.attempt_id: c for c in world.calls if _is_in_doubt(c, now)}
        views = dict(world.campaigns)
        expired = await world.store.calls.expired_of(list(views), now)
        for campaign_id, attempts in expired.items():
            view = views[campaign_id]
            for attempt in attempts:
                call = await self._take_up(view, attempt)
                if call and not call.settling:
                    calls[call.attempt_id] = call
        return list(calls.values())

    async def _adopt_strangers(self, seen: Seen) -> None:
        """Calls and records that neither we nor the store hold as live.

        Most are settled already, and only the deletion of their record was lost. The others were
        placed within the last second of a Redis that died, by an engine that died as well: the
        call itself says whom it was for.
        """
        adopted = list[Call]()
        for attempt_id in seen.live.keys() | seen.records.keys():
            if attempt_id in self._world.calls:
                continue
            call = await self._adopt_stranger(attempt_id, seen)
            if call is not None:
                adopted.append(call)
            elif attempt_id in seen.records:
                self._settler.acknowledge_later([attempt_id])
        if adopted:
            # Who ended before we listened for it shows now; of the others we hear.
            seen = await self.read_back()
        for call in adopted:
            if not call.settling:
                await self._judge(call, seen)

    async def _adopt_stranger(self, attempt_id: str, seen: Seen) -> Call | None:
        world, now = self._world, self._world.clock.now()
        campaign_id, whom = campaign_of(attempt_id), await self._whom(attempt_id, seen)
        view = world.campaigns.get(campaign_id) if campaign_id is not None else None
        contact = await self._contact(view, *whom) if view and whom else None
        if not (view and contact and world.fence):
            return None
        attempt = _stranger(world, view, attempt_id, contact, now)
        [adopted] = await world.store.calls.adopt(view.campaign.id, [attempt], now)
        if not adopted:
            return None
        log.warning("adopted", attempt_id=attempt_id)
        call = _restored(view, attempt)
        world.calls.add(call)
        await self._take([call], _at_the_latest(attempt_id, seen, now))
        return call

    async def _whom(self, attempt_id: str, seen: Seen) -> tuple[int, str] | None:
        """Contact and phone; one that has ended since has its record only now."""
        if attempt_id not in seen.live:
            return _whom(seen.records.get(attempt_id))
        whom = await self._world.telephony.whom(attempt_id)
        return whom or _whom((await self._world.telephony.records()).get(attempt_id))

    async def _contact(self, view: CampaignView, contact_id: int, phone: str) -> Contact | None:
        """None for somebody else: Asterisk may remember calls of a Redis that is no more."""
        try:
            contact = await self._world.store.calls.contact(view.campaign.id, contact_id)
        except NotFound:
            return None
        return contact if contact.phone == phone else None


def _at_the_latest(attempt_id: str, seen: Seen, now: datetime) -> datetime:
    """A call that was sent at an instant that nobody knows: a limit must not end early."""
    record = seen.records.get(attempt_id)
    return now if record is None or attempt_id in seen.live else min(now, record.ended_at)


def _latest_call_of_agents(seen: Seen) -> Mapping[str, str]:
    """Extension to attempt id, over the calls that have ended."""
    ended = [(each.ended_at, each.agent, at) for at, each in seen.records.items() if each.agent]
    return {agent: attempt_id for _, agent, attempt_id in sorted(ended)}


def _waits_for_the_end(seat: Seat) -> bool:
    """Asterisk paused the agent for a wrap-up that nobody here knows of, and the line is free."""
    members = seat.queues.values()
    paused = any(each.paused and each.pause_reason == WRAP_UP for each in members)
    busy = any(each.device is Device.IN_USE for each in members)
    return paused and not busy and seat.wrap_up_until is None


def _held(seat: Seat, offer: Offer) -> Seat | None:
    if offer.state is not OfferState.DIALLED:
        return offered_again(seat, offer.attempt_id)
    return replace(seat, reserved_for=offer.attempt_id) if can_be_reserved(seat) else None


def _of_node(instants: Mapping[str, datetime], node: str) -> datetime | None:
    """Of the call's node; of the latest where that one is not known."""
    return instants.get(node) or max(instants.values(), default=None)


def _whom(record: HangupRecord | None) -> tuple[int, str] | None:
    if record is None or record.contact_id is None or record.phone is None:
        return None
    return record.contact_id, record.phone


def _stranger(
    world: World, view: CampaignView, attempt_id: str, contact: Contact, now: datetime
) -> LiveAttempt:
    dialing = view.campaign.settings.dialing
    assert world.fence is not None
    return LiveAttempt(
        attempt_id=attempt_id,
        contact_id=contact.contact_id,
        phone=contact.phone,
        number=contact.n_attempts + contact.n_trunk_faults + 1,
        stage=AttemptStage.SENT,
        claimed_at=minted_at(attempt_id),
        sent_at=minted_at(attempt_id),
        lease_until=now + timedelta(seconds=60),
        caller_id="",
        trunk=dialing.trunk or "",
        node=world.settings.node,
        epoch=world.fence.epoch,
    )


def call_lease_s(world: World, call: Call) -> float:
    """A conversation is looked at again once a minute; a ringing call after its longest set-up."""
    view = world.campaigns.get(call.campaign_id)
    if call.state.is_answered or view is None:
        return 60.0
    return view.campaign.settings.dialing.dial_timeout_s + world.settings.set_up_s


def _is_in_doubt(call: Call, now: datetime) -> bool:
    if call.settling:
        return False
    hung_up_at = call.state.hung_up_at
    lacks_record = hung_up_at is not None and now - hung_up_at >= RECORD_GRACE
    return lacks_record or (call.check_at is not None and call.check_at <= now)


def _restored(view: CampaignView, attempt: LiveAttempt) -> Call:
    return Call(
        campaign_id=view.campaign.id,
        contact_id=attempt.contact_id,
        phone=attempt.phone,
        number=attempt.number,
        caller_id=attempt.caller_id,
        trunk=attempt.trunk,
        node=attempt.node,
        queue=view.campaign.queue,
        amd=False,
        started_at=attempt.sent_at or attempt.claimed_at,
        rules=str(view.campaign.version),
        state=CallState(attempt_id=attempt.attempt_id, sent_at=attempt.sent_at),
    )


def _attempt(call: Call, epoch: int, now: datetime) -> LiveAttempt:
    return LiveAttempt(
        attempt_id=call.attempt_id,
        contact_id=call.contact_id,
        phone=call.phone,
        number=call.number,
        stage=AttemptStage.SENT,
        claimed_at=call.started_at,
        sent_at=call.started_at,
        lease_until=now + timedelta(seconds=60),
        caller_id=call.caller_id,
        trunk=call.trunk,
        node=call.node,
        epoch=epoch,
    )
