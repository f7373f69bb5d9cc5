"""The engine: leads when it may, keeps a view of each campaign, and runs the loops."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog

from engine.core.campaign import CampaignStatus
from engine.core.errors import Fenced, NotFound, StoreUnavailable, TelephonyError
from engine.ports import Change, Clock, Fence, SoundPlace, Store, Telephony
from engine.service.calls import Phase
from engine.service.dialing import Dialer
from engine.service.endings import Endings
from engine.service.listening import Listener
from engine.service.live import GATHER_S, LiveKeeper
from engine.service.pacing import Pacer
from engine.service.previewing import Previewer
from engine.service.recovery import Recovery
from engine.service.reporting import Reporter
from engine.service.seating import Seating, WrapUps
from engine.service.settling import Settler
from engine.service.teaching import Teacher
from engine.service.world import CampaignView, EngineSettings, World, view_of

log = structlog.get_logger()

HOUSEKEEPING_S = 0.25
REPORT_S = 0.5
LIVE_S = 0.5
SOUNDS_S = 1.0
OFFERS_S = 0.2
LOOK_AGAIN_S = 1.0
ENDINGS_S = 1.0
REREAD_S = 2.0
TRUNKS_S = 10.0
#: After some changes the next ones are gathered for so long: most are our own, one for each call.
CHANGES_GATHER_S = 0.1
#: Unanswered calls at shutdown are waited for so long.
DRAIN_S = 2.0


class Engine:
    """One process. Several may run on the same store: one leads, the others stand by."""

    def __init__(
        self,
        store: Store,
        telephony: Telephony,
        clock: Clock,
        settings: EngineSettings,
        sound_place: SoundPlace | None = None,
    ) -> None:
        self.world = World(store, telephony, clock, settings, sound_place=sound_place)
        self._settler = Settler(self.world)
        self._seating = Seating(self.world)
        self._listener = Listener(self.world, self._settler, self._seating.changed)
        self._recovery = Recovery(self.world, self._settler)
        self.world.seat_changed = self._seating.changed
        dialer = Dialer(self.world, self._settler)
        self._previewer = Previewer(self.world, dialer)
        self._endings = Endings(self.world)
        self._pacer = Pacer(self.world, dialer, self._previewer)
        self._reporter = Reporter(self.world)
        self._wrap_ups = WrapUps(self.world)
        self._live = LiveKeeper(self.world)
        self._teacher = Teacher(self.world)
        self._run_id = ""
        self._redis_was_restarted = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: then no new call leaves, live ones go on in Asterisk, the lease ends.

        A loop that dies ends the engine with its error: a supervisor starts it again, and
        recovery reads back what became of the calls.
        """
        settling_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            settler = group.create_task(self._settler.run(settling_stop), name="settler")
            listener = group.create_task(self._listener.run(stop), name="listener")
            loops = [
                group.create_task(self._lead(stop), name="leader"),
                group.create_task(self._follow_changes(stop), name="changes"),
                group.create_task(self._resync(stop), name="resync"),
                group.create_task(self._pacer.run(stop), name="pacer"),
                group.create_task(self._seating.run(stop), name="seating"),
                group.create_task(self._every(HOUSEKEEPING_S, self._keep_house, stop)),
                group.create_task(self._every(REPORT_S, self._reporter.publish, stop)),
                group.create_task(self._every(LIVE_S, self._live.keep, stop)),
                group.create_task(self._resume(stop), name="resume"),
                group.create_task(self._every(ENDINGS_S, self._endings.look, stop)),
                group.create_task(self._every(OFFERS_S, self._previewer.keep, stop)),
                group.create_task(self._every(SOUNDS_S, self.world.sounds.keep, stop)),
                group.create_task(self._every(LOOK_AGAIN_S, self._look_again, stop)),
                group.create_task(self._every(REREAD_S, self._reread_all, stop)),
                group.create_task(self._every(TRUNKS_S, self._read_trunks, stop)),
            ]
            await stop.wait()
            await asyncio.wait(loops)
            await self._guarded(self._teacher.keep_all)
            if self.world.tasks:
                await asyncio.wait(set(self.world.tasks), timeout=DRAIN_S)
            settling_stop.set()
            await asyncio.wait([settler], timeout=DRAIN_S)
            settler.cancel()
            listener.cancel()
        await self._give_up_lease()

    # ------------------------------------------------------------------ leadership

    async def _lead(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._hold_lease()
            except StoreUnavailable as error:
                log.warning("lease_not_renewed", error=error.message)
            await _sleep(self.world.settings.lease_s / 6, stop)

    async def _hold_lease(self) -> None:
        world = self.world
        asked_at = world.clock.monotonic()
        fence = await world.store.leadership.acquire(
            world.settings.owner, world.clock.now(), world.settings.lease_s
        )
        if fence is None:
            self._stand_by()
            return
        if world.fence != fence:
            # What was in line under another lease may be anything by now.
            log.info("leading", epoch=fence.epoch)
            world.doubt()
        world.fence, world.lead_until = fence, asked_at + world.settings.lease_s
        await self._watch_redis()

    def _stand_by(self) -> None:
        """Somebody else leads: what we hold in memory is theirs to know now."""
        world = self.world
        if world.fence is not None:
            log.info("standing_by")
            world.fence = None
            world.calls.clear()
            world.campaigns.clear()
            world.ledgers.clear()
        world.is_synced = False

    async def _watch_redis(self) -> None:
        """A restarted Redis may have lost its last second: tell it again, then read back."""
        run_id = await self.world.store.run_id()
        if run_id != self._run_id:
            if self._run_id:
                log.warning("redis_restarted")
                self._redis_was_restarted = True
                self.world.ledgers.doubt()
            self._run_id = run_id
            self.world.doubt()

    async def _give_up_lease(self) -> None:
        if self.world.fence is None:
            return
        try:
            await self.world.store.leadership.release(self.world.fence)
        except StoreUnavailable as error:
            log.warning("lease_not_released", error=error.message)

    # -------------------------------------------------------------------- recovery

    async def _resync(self, stop: asyncio.Event) -> None:
        """Whenever something was lost: read everything back before anything is dialled."""
        resync = self.world.resync
        while not stop.is_set():
            await _first(resync.wait(), stop)
            if self.world.fence is None:
                # Whoever comes to lead doubts everything anew: nothing is forgotten by waiting.
                resync.clear()
                continue
            if stop.is_set() or not self.world.leads or not self.world.telephony.is_up():
                await _sleep(0.1, stop)
                continue
            try:
                await self._watch_redis()
                resync.clear()
                await self._reread_all()
                if self._redis_was_restarted:
                    await self._settler.replay()
                await self._recovery.run()
                await self._refresh_ledgers()
                self._redis_was_restarted = False
            except (TelephonyError, StoreUnavailable) as error:
                log.warning("recovery_postponed", error=error.message)
                resync.set()
                await _sleep(0.2, stop)
                continue
            except Fenced:
                self._stand_by()
                continue
            self.world.is_synced = not resync.is_set()
            self._seating.forget()
            await self._guarded(self._tend_all)
            self.world.wake.set()

    async def _refresh_ledgers(self) -> None:
        await self.world.ledgers.refresh([v.campaign for v in self.world.campaigns.values()])

    async def _look_again(self) -> None:
        await self._refresh_ledgers()
        await self._teacher.keep_due()
        if self.world.is_synced and self.world.telephony.is_up():
            await self._recovery.look_again()

    async def _read_trunks(self) -> None:
        if self.world.telephony.is_up():
            await self._recovery.look_for_trunks()

    # ---------------------------------------------------------------- campaigns

    async def _follow_changes(self, stop: asyncio.Event) -> None:
        cursor = "$"
        while not stop.is_set():
            try:
                cursor, changes = await self.world.store.changes.wait(cursor, 0.5)
            except StoreUnavailable:
                # The first to notice a server that dies, which may come back with less.
                self.world.doubt()
                await _sleep(0.2, stop)
                continue
            if self.world.leads and changes:
                await self._guarded(functools.partial(self._act_on, changes))
                await asyncio.sleep(CHANGES_GATHER_S)

    async def _act_on(self, changes: Sequence[Change]) -> None:
        for campaign_id in {change.id for change in changes if change.kind == "campaign"}:
            await self._reread(int(campaign_id))
        for change in changes:
            if change.kind == "attempt" and change.payload.get("disposition"):
                seat = self.world.roster.disposed(change.id, self.world.clock.now())
                if seat:
                    self._seating.changed(seat.agent.id)
        if any(_concerns_agents(change) for change in changes):
            await self._reread_agents()
            self.world.wake.set()

    async def _reread_all(self) -> None:
        """The floor under the change stream: what a lost change would have told."""
        for campaign_id in await self.world.store.campaigns.open_ids():
            await self._reread(campaign_id)
        await self._reread_agents()

    async def _reread_agents(self) -> None:
        self.world.roster.load(await self.world.store.agents.all())

    async def _reread(self, campaign_id: int) -> None:
        world, now = self.world, self.world.clock.now()
        if world.fence is None:
            return
        try:
            campaign = await world.store.campaigns.get(campaign_id)
        except NotFound:
            world.campaigns.pop(campaign_id, None)
            return
        view = world.campaigns.get(campaign_id)
        if view is None or view.epoch != world.fence.epoch:
            if campaign.status is CampaignStatus.DRAFT:
                return
            await self._take_on(campaign_id, world.fence)
        elif campaign != view.campaign:
            other_trunk = campaign.settings.dialing.trunk != view.campaign.settings.dialing.trunk
            await world.ledgers.regroup(campaign)
            view.refresh(campaign, now)
            if other_trunk:
                await self._read_trunks()
        await self._tend(campaign_id)

    async def _take_on(self, campaign_id: int, fence: Fence) -> None:
        """From now on only we may claim and dial for it."""
        world = self.world
        await world.store.campaigns.fence(campaign_id, fence)
        campaign = await world.store.campaigns.get(campaign_id)
        await world.ledgers.load(campaign)
        taught, now = await self._teacher.teach(campaign), world.clock.now()
        world.campaigns[campaign_id] = view_of(campaign, fence.epoch, now, taught)
        await self._read_trunks()

    async def _tend_all(self) -> None:
        for campaign_id in list(self.world.campaigns):
            await self._tend(campaign_id)

    async def _tend(self, campaign_id: int) -> None:
        """A queue while it can have calls; hang-ups and good-bye when it is final."""
        view = self.world.campaigns.get(campaign_id)
        if view is None:
            return  # another loop has said good-bye
        if not view.campaign.is_final:
            await self._give_queue(campaign_id)
            return
        if view.campaign.status is CampaignStatus.STOPPED:
            self._hang_up_unanswered(campaign_id)
        if not await self._has_business(campaign_id):
            if view.campaign.queue:
                await self.world.store.campaigns.assign_queue(campaign_id, "")
            await self._teacher.keep(view)
            self.world.campaigns.pop(campaign_id, None)

    async def _has_business(self, campaign_id: int) -> bool:
        """Calls that live, some of them known only to the store yet, or wrap-ups."""
        calls = self.world.store.calls
        return bool(
            self.world.calls.of_campaign(campaign_id)
            or await calls.live(campaign_id)
            or await calls.wrapping(campaign_id)
        )

    async def _give_queue(self, campaign_id: int) -> None:
        view = self.world.campaigns[campaign_id]
        if not view.campaign.settings.pacing.needs_agents:
            return  # nobody waits in a queue of ours
        if not self.world.is_synced:
            return  # the members of the queues are not known yet
        wanted = view.campaign.settings.dialing.queue
        if view.campaign.queue and (wanted is None or wanted == view.campaign.queue):
            return
        queue = wanted or await self._free_queue()
        if queue is None:
            log.error("no_free_queue", campaign_id=campaign_id)
            return
        await self.world.store.campaigns.assign_queue(campaign_id, queue)
        view.refresh(await self.world.store.campaigns.get(campaign_id), self.world.clock.now())

    async def _free_queue(self) -> str | None:
        """One that nobody waits in, nor answers: agents leave that of a campaign after its end."""
        world = self.world
        in_use = {*await world.store.campaigns.pool_queues_in_use(), *world.roster.queues()}
        in_use |= {view.campaign.queue for view in world.campaigns.values()}
        return next((queue for queue in world.settings.queues if queue not in in_use), None)

    def _hang_up_unanswered(self, campaign_id: int) -> None:
        """After Stop: ringing calls end once they have rung the least that the rules ask."""
        now = self.world.clock.now()
        view = self.world.campaigns[campaign_id]
        min_ring = timedelta(seconds=view.campaign.settings.dialing.min_ring_s)
        for call in self.world.calls.of_campaign(campaign_id):
            unanswered = call.phase in (Phase.DIALING, Phase.RINGING)
            rung_since = call.state.ringing_at or call.started_at
            if unanswered and not call.hang_up_asked and now - rung_since >= min_ring:
                call.hang_up_asked = True
                self.world.spawn(self._hang_up(call.attempt_id), f"hang up {call.attempt_id}")

    async def _hang_up(self, attempt_id: str) -> None:
        try:
            await self.world.telephony.hang_up(attempt_id)
        except TelephonyError as error:
            call = self.world.calls.get(attempt_id)
            if call:
                call.hang_up_asked = False
            log.warning("hang_up_failed", attempt_id=attempt_id, error=error.message)

    # -------------------------------------------------------------------- housekeeping

    async def _resume(self, stop: asyncio.Event) -> None:
        """Live campaigns that paused themselves go on when something happened, not at a tick."""
        while not stop.is_set():
            await _first(self._live.cause(), stop)
            if self.world.leads:
                await self._guarded(self._live.resume)
            await _sleep(GATHER_S, stop)

    async def _keep_house(self) -> None:
        """Wrap-ups that are over, campaigns that are complete, stopped ones that can go."""
        await self._wrap_ups.finish_due()
        for campaign_id, view in list(self.world.campaigns.items()):
            if view.is_active and view.dirty:
                await self._complete(campaign_id, view)
            elif view.campaign.is_final:
                await self._tend(campaign_id)

    async def _complete(self, campaign_id: int, view: CampaignView) -> None:
        """Looked at once after each change; a store that is away must not eat the look."""
        view.dirty = False
        try:
            done = await self.world.store.campaigns.complete_if_exhausted(
                campaign_id, self.world.clock.now()
            )
        except StoreUnavailable:
            view.dirty = True
            raise
        if done:
            log.info("campaign_completed", campaign_id=campaign_id)
            await self._reread(campaign_id)

    async def _every(
        self, seconds: float, work: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            if self.world.leads:
                await self._guarded(work)
            await _sleep(seconds, stop)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Redis or Asterisk away for a while is no reason to die."""
        try:
            await work()
        except (StoreUnavailable, TelephonyError) as error:
            log.warning("postponed", error=error.message)
        except Fenced:
            self.world.deposed()


def _concerns_agents(change: Change) -> bool:
    """The states of agents are what we write ourselves."""
    if change.kind == "agent":
        return change.payload.get("what") != "state"
    return change.kind == "campaign"


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Without a task of its own, as `wait_for` has one: all loops come by here all the time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _first(work: Awaitable[object], stop: asyncio.Event) -> None:
    """Until `work` is done or `stop` is set."""
    tasks = {asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
