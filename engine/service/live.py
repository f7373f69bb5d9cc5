"""Live campaigns pause and go on by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from engine.core.agent import AgentState
from engine.core.campaign import MANUAL, AutoPause, CampaignStatus
from engine.core.errors import InvalidTransition
from engine.core.hours import is_open
from engine.core.live import LiveFacts, decide_live, reason_to_pause
from engine.service.calls import Phase
from engine.service.reporting import AWAY
from engine.service.world import CampaignView, World

log = structlog.get_logger()


#: After one look at paused campaigns the next causes are gathered for so long.
GATHER_S = 0.1


class LiveKeeper:
    def __init__(self, world: World) -> None:
        self._world = world
        self._woken = world.wake.ear()
        #: The reason that holds now and since when, by campaign.
        self._reasons: dict[int, tuple[AutoPause | None, datetime]] = {}

    async def cause(self) -> None:
        """Until something has happened that a paused campaign may go on for."""
        await self._woken.wait()
        self._woken.clear()

    async def resume(self) -> None:
        """Look at those that paused by themselves: going on waits for no tick."""
        await self._look(lambda view: view.campaign.status is CampaignStatus.PAUSED)

    async def keep(self) -> None:
        """Look at every Live campaign that was not paused by hand: time passes, hours open."""
        await self._look(lambda _view: True)

    async def _look(self, wanted: Callable[[CampaignView], bool]) -> None:
        if not self._world.is_synced:
            return
        for view in list(self._world.campaigns.values()):
            campaign = view.campaign
            paused_by_hand = campaign.status_reason == MANUAL
            is_kept = campaign.live and not campaign.is_final and not paused_by_hand
            if is_kept and wanted(view):
                await self._keep(view)

    async def _keep(self, view: CampaignView) -> None:
        world, campaign, now = self._world, view.campaign, self._world.clock.now()
        if campaign.status is CampaignStatus.DRAFT:
            return
        reason = reason_to_pause(await self._facts(view, now))
        known = self._reasons.get(campaign.id)
        if known is None or known[0] is not reason:
            self._reasons[campaign.id] = known = (reason, now)
        change = decide_live(campaign, reason, known[1], now)
        if change is None:
            return
        try:
            moved = await world.store.campaigns.move(campaign.id, change, "engine", now)
        except InvalidTransition:
            return  # somebody was faster; the next look sees it
        log.info("live_campaign", campaign_id=campaign.id, to=change.to_status, reason=reason)
        view.refresh(moved, now)
        world.wake.set()

    async def _facts(self, view: CampaignView, now: datetime) -> LiveFacts:
        states = self._world.roster.states(view.campaign.agent_ids)
        classes = await self._world.store.calls.ready_classes(view.campaign.id, now)
        open_ = [is_open(view.campaign.settings.hours, each, now) for each in classes]
        phases = self._world.calls.phases(view.campaign.id)
        return LiveFacts(
            n_logged_in=sum(states.get(state, 0) for state in AgentState if state not in AWAY),
            needs_agents=view.campaign.settings.pacing.needs_agents,
            has_callable=any(open_),
            has_closed=not all(open_),
            n_in_flight=phases.total() - phases[Phase.ENDED] + len(view.offers),
        )
