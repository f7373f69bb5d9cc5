"""Live figures for the pages, and why an active campaign dials nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from engine.core.agent import AgentState
from engine.core.hours import is_open
from engine.service.calls import Phase
from engine.service.world import CampaignView, World

#: Agents in these states do not count as logged in.
AWAY = (AgentState.OFFLINE, AgentState.PAUSED)


class Reporter:
    def __init__(self, world: World) -> None:
        self._world = world

    async def publish(self) -> None:
        figures_of: dict[int, Mapping[str, object]] = {}
        for view in list(self._world.campaigns.values()):
            reasons = await self._idle_reasons(view)
            if reasons != view.idle_reasons:
                self._world.wake.set()
            view.idle_reasons = reasons
            at_s = int(self._world.clock.now().timestamp())
            figures = {**self.figures(view), "idle_reasons": list(reasons), "at_s": at_s}
            figures_of[view.campaign.id] = figures
        await self._world.store.campaigns.publish_live_of(figures_of)

    def figures(self, view: CampaignView) -> dict[str, object]:
        agents = self._world.roster.states(view.campaign.agent_ids)
        phases = self._world.calls.phases(view.campaign.id)
        return {
            "agents": {state.value: agents.get(state, 0) for state in AgentState},
            "calls": {p.value: phases[p] for p in Phase if p is not Phase.ENDED},
            "pacing": {
                "mode": view.campaign.settings.pacing.mode,
                "in_flight": phases[Phase.DIALING] + phases[Phase.RINGING],
                "waiting": phases[Phase.WAITING],
                "offers": len(view.offers),
                "explained": asdict(view.explained),
            },
        }

    async def _idle_reasons(self, view: CampaignView) -> tuple[str, ...]:
        """Empty unless the campaign is active. While calls are in flight only what hinders every
        further one: with Asterisk away nobody knows when they end.
        """
        if not view.is_active:
            return ()
        phases = self._world.calls.phases(view.campaign.id)
        found = self._reasons_of_parts(view)
        if phases[Phase.DIALING] + phases[Phase.RINGING] or view.offers:
            return tuple(found)
        found += self._reasons_of_agents(view)
        if not found:
            found = await self._reasons_of_contacts(view, self._world.clock.now())
        return tuple(found)

    def _reasons_of_parts(self, view: CampaignView) -> list[str]:
        world, found = self._world, []
        if not world.telephony.is_up():
            found.append("asterisk_unreachable")
        elif not world.is_synced:
            found.append("recovering")
        if world.trunks[view.campaign.settings.dialing.trunk or ""].is_resting(world.clock.now()):
            found.append("trunk_resting")
        if world.is_synced and not world.knows_trunk(view):
            found.append("unknown_trunk")
        if not world.sounds.has_all(view.campaign.settings):
            found.append("message_missing")
        if not view.has_place:
            needs_agents = view.campaign.settings.pacing.needs_agents
            found.append("no_free_queue" if needs_agents else "no_message")
        if not view.campaign.rules.dialing.caller_ids:
            found.append("no_caller_ids")
        elif view.calls_left is not None and not any(view.calls_left.values()):
            found.append("caller_ids_used_up")
        return found

    def _reasons_of_agents(self, view: CampaignView) -> list[str]:
        if not view.campaign.settings.pacing.needs_agents:
            return []
        states = self._world.roster.states(view.campaign.agent_ids)
        if all(state in AWAY for state in states):
            return ["no_agents"]
        return [] if states.get(AgentState.AVAILABLE) else ["agents_busy"]

    async def _reasons_of_contacts(self, view: CampaignView, now: datetime) -> list[str]:
        calls, hours = self._world.store.calls, view.campaign.settings.hours
        classes = await calls.ready_classes(view.campaign.id, now)
        if any(is_open(hours, each, now) for each in classes):
            return []
        if classes:
            return ["calling_hours"]
        due_at = await calls.next_due_at(view.campaign.id)
        return ["waiting_for_redial"] if due_at else ["no_contacts"]
