"""Preview campaigns: contacts are offered to agents, who are reserved before anybody is dialled."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from engine.core.agent import AgentState
from engine.core.attempt import Claim
from engine.core.preview import Offer, OfferState, Step, after_miss, after_skip, next_step
from engine.core.redial import History, Next, RedialAt
from engine.core.seat import state_of
from engine.core.why_not import AGENT_RETRY
from engine.service.dialing import Dialer
from engine.service.world import CampaignView, World

log = structlog.get_logger()

#: A claim lives so much longer than its offer: nobody else may give it back before we do.
LEASE_MORE_S = 60.0
#: Why an agent is paused who let an offer pass.
MISSED = "offer_missed"


class Previewer:
    def __init__(self, world: World, dialer: Dialer) -> None:
        self._world, self._dialer = world, dialer
        #: Attempts whose agent is reserved and whose offer is not in the store yet.
        self._offering = set[str]()

    # -------------------------------------------------------------------------- offering

    async def offer(self, view: CampaignView, n: int) -> int:
        """Show up to n contacts to free agents; returns how many."""
        free = self._free(view)
        lease_s = view.campaign.settings.preview.timer_s + LEASE_MORE_S
        claims = await self._dialer.reserve(view, min(n, len(free)), lease_s)
        for claim in claims:
            await self._offer_one(view, claim)
        return len(claims)

    async def _offer_one(self, view: CampaignView, claim: Claim) -> None:
        """To the agent of a callback where there is one, else to whoever is free."""
        world, now = self._world, self._world.clock.now()
        agent_id = self._agent_for(view, claim)
        if agent_id is None:
            is_first = claim.number == 1 and claim.callback_at is None
            later = None if is_first else RedialAt(now + AGENT_RETRY)
            await self._dialer.give_back(view, claim, later)
            return
        offer = _offer_of(view, claim, agent_id, now)
        # First the seat: no other decision may count on this agent.
        world.roster.reserve(agent_id, claim.attempt_id)
        world.seat_changed(agent_id)
        self._offering.add(offer.attempt_id)
        try:
            await world.store.offers.put(offer)
        finally:
            self._offering.discard(offer.attempt_id)
            self._dialer.promised.discard(offer.attempt_id)
        view.offers[offer.attempt_id] = offer

    def _free(self, view: CampaignView) -> Set[int]:
        """Of the campaign's own agents: its queue may have those of another as well."""
        return self._world.roster.available(view.campaign.queue) & set(view.campaign.agent_ids)

    def _agent_for(self, view: CampaignView, claim: Claim) -> int | None:
        free = self._free(view)
        if claim.attempt_id in self._dialer.promised or claim.agent_id in free:
            return claim.agent_id
        return min(free, default=None)

    # --------------------------------------------------------------------------- keeping

    async def keep(self) -> None:
        """Look at every offer: what an agent answered, what ran out, what is over."""
        if not self._world.may_dial:
            return
        # Whoever is reserved while we look may have an offer that we read too early to see.
        reserved = {seat.reserved_for for seat in self._world.roster} - self._offering - {None}
        for view in list(self._world.campaigns.values()):
            if view.offers or view.campaign.settings.pacing.mode == "preview":
                await self._keep(view)
        self._free_stray_seats(reserved)

    async def _keep(self, view: CampaignView) -> None:
        offers = await self._world.store.offers.list(view.campaign.id)
        view.offers = {offer.attempt_id: offer for offer in offers}
        for offer in offers:
            await self._act(view, offer)

    async def _act(self, view: CampaignView, offer: Offer) -> None:
        world, rules = self._world, view.campaign.settings.preview
        now = world.clock.now()
        step = next_step(
            offer,
            rules,
            now,
            may_call=view.is_active,
            agent_is_there=self._holds_agent(offer),
            lives=offer.attempt_id in world.calls,
        )
        match step:
            case Step.DIAL:
                await self._dial(view, offer)
            case Step.SKIP:
                n_skips = await world.store.offers.n_skips(offer)
                await self._return(view, offer, after_skip(n_skips, rules, now))
            case Step.MISS:
                await self._pause(offer)
                await self._return(view, offer, after_miss(rules, now))
            case Step.WITHDRAW:
                await self._return(view, offer, _back(offer, now))
            case Step.FORGET:
                await self._forget(view, offer)

    def _holds_agent(self, offer: Offer) -> bool:
        roster = self._world.roster
        seat = roster.get(offer.agent_id)
        if seat is None or seat.reserved_for != offer.attempt_id:
            return False
        return state_of(seat) is AgentState.RESERVED

    async def _dial(self, view: CampaignView, offer: Offer) -> None:
        """The rules of this moment decide: hours may have closed since it was offered.

        The call counts from now on, not from the offer: a limit must not end early.
        """
        claim = await self._claim_of(view, offer)
        if not self._world.may_place(view):
            return  # the next look tries again, until the trunk is there or the offer withdrawn
        following = await self._dialer.refused_now(view, claim)
        if following is not None:
            await self._return(view, offer, following)
            return
        # Marked before the call leaves: a successor asks Asterisk about it then.
        dialled = replace(offer, state=OfferState.DIALLED)
        await self._world.store.offers.put(dialled)
        view.offers[offer.attempt_id] = dialled
        view.bucket = view.bucket.take(1)
        await self._dialer.send(view, claim)

    async def _claim_of(self, view: CampaignView, offer: Offer) -> Claim:
        contact = await self._world.store.calls.contact(view.campaign.id, offer.contact_id)
        n_others = len(contact.other_phones)
        return Claim(
            attempt_id=offer.attempt_id,
            contact_id=offer.contact_id,
            phone=offer.phone,
            name=contact.name,
            external_id=offer.external_id,
            hours_class=offer.hours_class,
            number=offer.number,
            history=History(contact.n_attempts, contact.n_trunk_faults, contact.outcomes, n_others),
            person_key=offer.person_key,
            list_id=contact.list_id,
            agent_id=offer.agent_id,
            caller_id=contact.caller_id,
        )

    async def _return(self, view: CampaignView, offer: Offer, following: Next | None) -> None:
        await self._dialer.give_back(view, await self._claim_of(view, offer), following)
        await self._forget(view, offer)

    async def _forget(self, view: CampaignView, offer: Offer) -> None:
        await self._world.store.offers.remove(offer)
        view.offers.pop(offer.attempt_id, None)
        self._release(offer.agent_id, offer.attempt_id)

    def _release(self, agent_id: int, attempt_id: str) -> None:
        seat = self._world.roster.get(agent_id)
        if seat is not None and seat.reserved_for == attempt_id:
            self._world.roster.reserve(agent_id, None)
            self._world.seat_changed(agent_id)
            self._world.wake.set()

    def _free_stray_seats(self, reserved: Set[str | None]) -> None:
        """Reserved for an offer or a callback that is no more: of a campaign that has ended, of a
        call that nobody answered, or lost."""
        kept = {each for view in self._world.campaigns.values() for each in view.offers}
        kept |= self._dialer.promised
        for seat in self._world.roster:
            if seat.reserved_for in self._world.calls:
                continue
            if seat.reserved_for in reserved and seat.reserved_for not in kept:
                assert seat.reserved_for is not None
                self._release(seat.agent.id, seat.reserved_for)

    async def _pause(self, offer: Offer) -> None:
        """Who lets an offer pass is not at the desk: the next one would pass as well."""
        await self._world.store.agents.set_wanted(
            offer.agent_id, wanted_in=True, wanted_pause=MISSED, now=self._world.clock.now()
        )
        log.info("offer_missed", agent_id=offer.agent_id, attempt_id=offer.attempt_id)


def _back(offer: Offer, now: datetime) -> Next | None:
    """Ready again at once, in the place that it came from."""
    return RedialAt(now) if offer.number > 1 or offer.is_callback else None


def _offer_of(view: CampaignView, claim: Claim, agent_id: int, now: datetime) -> Offer:
    timer = timedelta(seconds=view.campaign.settings.preview.timer_s)
    return Offer(
        attempt_id=claim.attempt_id,
        campaign_id=view.campaign.id,
        contact_id=claim.contact_id,
        agent_id=agent_id,
        offered_at=now,
        expires_at=now + timer,
        phone=claim.phone,
        hours_class=claim.hours_class,
        number=claim.number,
        external_id=claim.external_id,
        person_key=claim.person_key,
        is_callback=claim.callback_at is not None,
    )


def attempts_of(offers: Sequence[Offer]) -> set[str]:
    """Claimed contacts that an agent looks at."""
    return {offer.attempt_id for offer in offers if offer.state is not OfferState.DIALLED}
