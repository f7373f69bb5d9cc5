"""What rules learn outlives campaigns, engines and their leadership."""

from __future__ import annotations

from engine.core.campaign import Campaign
from engine.core.pacing import Knowledge, Predictive
from engine.core.pacing.teaching import Taught, chosen
from engine.service.world import CampaignView, World

#: A killed engine has learned for nothing since this.
KEEP_S = 20.0


class Teacher:
    def __init__(self, world: World) -> None:
        self._world = world

    async def teach(self, campaign: Campaign) -> Knowledge | None:
        """What a campaign that is taken on starts from."""
        kept, now = self._world.store.knowledge, self._world.clock.now()
        own, agents = await kept.of(campaign.id), frozenset(campaign.agent_ids)
        others = [each for each in await kept.others() if each.campaign_id != campaign.id]
        return chosen(own, others, agents, now)

    async def keep_due(self) -> None:
        now_s = self._world.clock.monotonic()
        for view in list(self._world.campaigns.values()):
            if now_s - view.kept_at >= KEEP_S:
                await self.keep(view)

    async def keep_all(self) -> None:
        for view in list(self._world.campaigns.values()):
            await self.keep(view)

    async def keep(self, view: CampaignView) -> None:
        """Nothing is written while nothing was learned."""
        view.kept_at = self._world.clock.monotonic()
        rule, campaign = view.pacing, view.campaign
        if not isinstance(rule, Predictive):
            return
        if rule.n_calls_seen in (0, view.n_kept):
            return
        agents, now = frozenset(campaign.agent_ids), self._world.clock.now()
        taught = Taught(campaign.id, now, agents, rule.knowledge())
        await self._world.store.knowledge.keep(taught)
        view.n_kept = rule.n_calls_seen
