"""Decides for each active campaign how many calls to place, at once when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from engine.core.errors import Fenced, StoreUnavailable
from engine.core.pacing import Predictive, Snapshot, at_risk, explained
from engine.core.sharing import share_agents
from engine.service.calls import Phase
from engine.service.dialing import Dialer
from engine.service.limiting import limited
from engine.service.previewing import Previewer
from engine.service.world import CampaignView, World

log = structlog.get_logger()

#: A limit that is reached again and again is logged so often.
TELL_AGAIN_S = 60.0
#: Phases in which a call may still need an agent.
UNSERVED = (Phase.DIALING, Phase.RINGING, Phase.AMD, Phase.WAITING)


class Pacer:
    def __init__(self, world: World, dialer: Dialer, previewer: Previewer) -> None:
        self._world = world
        self._dialer = dialer
        self._previewer = previewer
        self._woken = world.wake.ear()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._wait()
            if not self._world.may_dial:
                continue
            try:
                await self.decide_all()
            except StoreUnavailable as error:
                # It may come back with less than it had.
                log.warning("pacing_waits_for_redis", error=error.message)
                self._world.doubt()
            except Fenced:
                self._world.deposed()

    async def decide_all(self) -> None:
        views = [view for view in self._world.campaigns.values() if view.is_active]
        idle = self._shared(views)
        for view in views:
            await self._decide(view, idle[view.campaign.id])

    def snapshot(self, view: CampaignView, idle: int) -> Snapshot:
        plain = limited(self._world, view, self._plain(view, idle))
        return self._foreseen(view, plain) if isinstance(view.pacing, Predictive) else plain

    def _plain(self, view: CampaignView, idle: int) -> Snapshot:
        phases = self._world.calls.phases_of_shared(view.campaign.id)
        return Snapshot(
            idle=idle,
            held=phases[Phase.WAITING],
            ringing=phases[Phase.DIALING] + phases[Phase.RINGING],
            amd=phases[Phase.AMD],
            answered=0,
            abandoned=0,
            room=self._room(view),
        )

    def _foreseen(self, view: CampaignView, plain: Snapshot) -> Snapshot:
        """With all that a rule needs which looks ahead."""
        world, campaign = self._world, view.campaign
        calls = world.calls.of_campaign(campaign.id)
        seats = [seat for seat in world.roster if campaign.queue in seat.queues]
        queues = [each.campaign.queue for each in world.campaigns.values() if each.is_active]
        now, now_s = world.clock.now(), world.clock.monotonic()
        sight = view.watch.look(calls, seats, queues, now, now_s)
        return replace(
            plain,
            now_s=now_s,
            ringing_ages=sight.ringing_ages,
            ringing_classes=sight.ringing_classes,
            placed=sight.placed,
            hour=view.hour_at(now),
            amd_ages=sight.amd_ages,
            talk_ages=sight.talk_ages,
            wrap_up_ages=sight.wrap_up_ages,
            release_share=sight.release_share,
            pick_up_s=sight.pick_up_s,
            seen=sight.seen,
        )

    async def _wait(self) -> None:
        settings = self._world.settings
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.tick_s):
                await self._woken.wait()
            await asyncio.sleep(settings.gather_s)
        self._woken.clear()

    async def _decide(self, view: CampaignView, idle: int) -> None:
        world, now = self._world, self._world.clock.now()
        view.bucket = view.bucket.at(now)
        snapshot = self.snapshot(view, idle)
        n = view.pacing.decide(snapshot)
        self._explain(view, snapshot, n)
        early = world.clock.monotonic() < view.no_claim_before
        if n <= 0 or early or not world.may_place(view):
            return
        if _is_preview(view):
            n_claimed = await self._previewer.offer(view, n)
        else:
            n_claimed = await self._dialer.dial(view, n)
            view.bucket = view.bucket.take(n_claimed)
        if n_claimed:
            view.placed_at = world.clock.monotonic()

    def _explain(self, view: CampaignView, snapshot: Snapshot, n: int) -> None:
        before, view.explained = view.explained, explained(view.pacing, snapshot, n)
        view.at_risk = at_risk(view.pacing, snapshot, n)
        now_s, after = self._world.clock.monotonic(), view.explained
        if after.why == "limit_reached" != before.why and now_s - view.told_at >= TELL_AGAIN_S:
            view.told_at = now_s
            log.warning("abandon_limit_reached", campaign_id=view.campaign.id, period=after.period)

    def _room(self, view: CampaignView) -> int:
        """What trunk channels and calls per second still allow."""
        live = self._world.calls.phases(view.campaign.id).total()
        channels = view.campaign.settings.dialing.max_channels - live
        return max(0, min(channels, int(view.bucket.tokens)))

    def _unserved(self, view: CampaignView) -> int:
        """Calls that may need one of the available agents; a previewed one has its own."""
        if _is_preview(view):
            return 0
        phases = self._world.calls.phases_of_shared(view.campaign.id)
        return sum(phases[phase] for phase in UNSERVED)

    def _shared(self, views: list[CampaignView]) -> Mapping[int, int]:
        available = {v.campaign.id: self._world.roster.available(v.campaign.queue) for v in views}
        if len(views) == 1:
            return {campaign: len(agents) for campaign, agents in available.items()}
        in_flight = {v.campaign.id: self._unserved(v) for v in views}
        return share_agents(available, in_flight, self._hungry(views))

    def _hungry(self, views: list[CampaignView]) -> list[int]:
        """Campaigns that may find somebody to call; who has waited longest for a call comes first.

        One that waits for redials, or for the morning, keeps no agent from the others.
        """
        now_s = self._world.clock.monotonic()
        could = [v for v in views if now_s >= v.no_claim_before and self._world.may_place(v)]
        return [v.campaign.id for v in sorted(could, key=lambda view: view.placed_at)]


def _is_preview(view: CampaignView) -> bool:
    return view.campaign.settings.pacing.mode == "preview"
