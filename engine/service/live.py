"""Live campaigns pause and go on by themselves."""

from __future__ import annotations

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


class LiveKeeper:
    def __init__(self, world: World) -> None:
        self._world = world
        #: The reason that holds now and since when, by campaign.
        self._reasons: dict[int, tuple[AutoPause | None, datetime]] = {}

    async def keep(self) -> None:
        """Look at every Live campaign that was not paused by hand."""
        if not self._world.is_synced:
            return
        for view in list(self._world.campaigns.values()):
            campaign = view.campaign
            paused_by_hand = campaign.status_reason == MANUAL
            if campaign.live and not campaign.is_final and not paused_by_hand:
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
