"""Ends contacts that no dial can reach any more, although no claim would look at them.

A claim asks all rules, but it takes only contacts whose hours are open and whose redial is due. A
cap that was lowered acts at once, and a class whose hours never open must not keep its campaign
active for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from engine.core import ids
from engine.core.hours import is_held, next_open_at
from engine.core.redial import Done, reached_cap
from engine.service.world import CampaignView, World

log = structlog.get_logger()

#: Contacts that wait for a redial and are looked at in one go, and those that are ended in one.
AT_ONCE = 500
#: Classes of a campaign are looked at so often, one that is not known yet at a time: to find that
#: one never opens is to search a year.
CLASSES_S = 5.0
LEASE_S = 60.0


class Endings:
    def __init__(self, world: World) -> None:
        self._world = world

    async def look(self) -> None:
        for campaign_id, view in list(self._world.campaigns.items()):
            if not view.is_active or self._world.fence is None:
                continue
            await self._capped(campaign_id, view)
            if self._world.clock.monotonic() - view.classes_judged_at >= CLASSES_S:
                view.classes_judged_at = self._world.clock.monotonic()
                await self._never_open(campaign_id, view)

    async def _capped(self, campaign_id: int, view: CampaignView) -> None:
        """Once for each cap; whoever waits from now on was judged by it when the call ended."""
        rules = view.campaign.settings.redial
        caps = (rules.max_attempts, rules.hard_cap)
        if view.caps_swept == caps:
            return
        n_ended = 0
        for waits_in in await self._world.store.calls.redial_lists(campaign_id):
            n_ended += await self._capped_in(campaign_id, view, waits_in)
        view.caps_swept, view.dirty = caps, view.dirty or n_ended > 0
        if n_ended:
            log.info("contacts_capped", campaign_id=campaign_id, n=n_ended)

    async def _capped_in(self, campaign_id: int, view: CampaignView, waits_in: str) -> int:
        calls, rules = self._world.store.calls, view.campaign.settings.redial
        n_ended = start = 0
        while some := await calls.histories(campaign_id, waits_in, start, AT_ONCE):
            reasons = [(contact_id, reached_cap(history, rules)) for contact_id, history in some]
            over = [(contact_id, reason) for contact_id, reason in reasons if reason]
            n_ended += await calls.end_waiting(campaign_id, over)
            start += len(some) - len(over)
        return n_ended

    async def _never_open(self, campaign_id: int, view: CampaignView) -> None:
        """Not where the campaign has no hours at all: those are still to be written."""
        world, now = self._world, self._world.clock.now()
        if not view.campaign.settings.hours.windows:
            return
        classes = await world.store.calls.hours_classes(campaign_id)
        self._judge_one(view, classes)
        never = [each for each in classes if each in view.never_open]
        if not never or world.fence is None:
            return
        attempt_ids = [
            ids.attempt_id(campaign_id, now, world.settings.entropy(50)) for _ in range(AT_ONCE)
        ]
        claims = await world.store.calls.claim(
            campaign_id, world.fence, attempt_ids, never, now, LEASE_S
        )
        for claim in claims:
            await world.store.calls.give_back(
                campaign_id, claim.attempt_id, Done("never_open"), now
            )
        view.dirty = view.dirty or bool(claims)

    def _judge_one(self, view: CampaignView, classes: Sequence[str]) -> None:
        hours, now = view.campaign.settings.hours, self._world.clock.now()
        for each in classes:
            if each in view.never_open or each in view.may_open or view.is_open(each, now):
                continue
            never = not is_held(hours, each) and next_open_at(hours, each, now) is None
            (view.never_open if never else view.may_open).add(each)
            return
