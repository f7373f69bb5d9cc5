"""Preview on a real Asterisk: who is offered is called when the agent says so, and once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.campaign import Campaign
from engine.core.contact import ContactState
from engine.core.outcome import Outcome
from engine.core.preview import Offer, OfferState
from engine.core.settings import CampaignSettings

PREVIEW = {
    "pacing": {"mode": "preview"},
    "preview": {"timer_s": 5, "on_timeout": "return", "return_delay_s": 0},
}
SHORT = timedelta(seconds=10)
PATIENCE_S = 60.0


class Desk:
    """The one agent's, and the clock of whoever waits beside it."""

    def __init__(self, floor, campaign_id: int) -> None:
        self.floor, self.campaign_id = floor, campaign_id
        [self.agent_id] = floor.agent_ids

    async def until(self, holds: Callable[[], Awaitable[object]], why: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not await holds():
            assert time.monotonic() < deadline, f"{why}\n{self.floor.logs()}"
            await self.floor.until(lambda: True)

    async def open(self) -> Offer:
        """The offer that waits for an answer."""
        found: list[Offer] = []

        async def is_there() -> bool:
            offers = await self.floor.store.offers.list(self.campaign_id)
            found[:] = [each for each in offers if each.state is OfferState.OFFERED]
            return bool(found)

        await self.until(is_there, "no offer")
        assert len(found) == 1, "one agent has one offer"
        return found[0]

    async def missed(self, offer: Offer) -> None:
        """Until the timer has run out: the contact waits again, the agent is paused."""

        async def is_paused() -> bool:
            agent = await self.floor.store.agents.get(self.agent_id)
            offers = await self.floor.store.offers.list(self.campaign_id)
            return agent.wanted_pause == "offer_missed" and not offers

        await self.until(is_paused, "the timer did not run out")
        assert datetime.now(UTC) >= offer.expires_at
        contact = await self.floor.store.contacts.get(self.campaign_id, offer.contact_id)
        assert contact.state is not ContactState.DONE and contact.n_attempts == 0

    async def back(self) -> None:
        await self.floor.store.agents.set_wanted(
            self.agent_id, wanted_in=True, wanted_pause=None, now=datetime.now(UTC)
        )

    async def give_time(self) -> None:
        """Offers to come wait for minutes."""
        campaign: Campaign = await self.floor.store.campaigns.get(self.campaign_id)
        edited = campaign.settings.model_dump(mode="json") | {"preview": {"timer_s": 3600}}
        await self.floor.store.campaigns.update(
            self.campaign_id, settings=CampaignSettings.model_validate(edited), actor="t",
            now=datetime.now(UTC),
        )  # fmt: skip

    async def patient(self) -> Offer:
        """The first offer that was made with time enough."""
        while True:
            await self.back()
            offer = await self.open()
            if offer.expires_at - offer.offered_at > SHORT:
                return offer
            await self.missed(offer)

    async def accept(self, offer: Offer) -> None:
        await self.floor.store.offers.answer(offer, "accepted", 3)

    async def call(self, offer: Offer, n: int) -> None:
        """Accept, until there are n calls.

        Where the machine stood still for so long that the call could not leave any more, the
        contact is offered anew.
        """
        accepted: set[str] = set()

        async def so_many() -> bool:
            for each in await self.floor.store.offers.list(self.campaign_id):
                is_open = each.state is OfferState.OFFERED and each.contact_id == offer.contact_id
                if is_open and each.attempt_id not in accepted:
                    accepted.add(each.attempt_id)
                    await self.accept(each)
            return len(await self.floor.attempts(self.campaign_id)) >= n

        await self.until(so_many, f"not {n} calls")


def n_leases(engine) -> int:
    return engine.log_file.read_text().count("leading")


@pytest.mark.timeout(300)
async def test_offers_are_answered_missed_and_outlive_the_engine(floor):
    await floor.hire(1)
    campaign_id = await floor.campaign(floor.numbers(s00=3), **PREVIEW)
    engine = floor.start()
    desk = Desk(floor, campaign_id)

    await desk.missed(await desk.open())
    await desk.give_time()
    called = await desk.patient()
    await floor.carrier_idle()
    assert not floor.carrier_calls(), "nobody is called before the agent says so"
    await desk.call(called, 1)

    # Killed with an offer open: it is still the agent's, and answered after the restart.
    kept = await desk.open()
    engine.kill()
    engine.start()
    await floor.until(lambda: n_leases(engine) == 2, why="a second lease")
    again = await desk.open()
    assert again.contact_id == kept.contact_id
    await desk.call(again, 2)

    # Killed with an offer open that the agent answers meanwhile.
    last = await desk.open()
    engine.kill()
    await desk.accept(last)
    engine.start()
    await floor.completed(campaign_id)

    attempts = await floor.check(campaign_id)
    assert [attempt.outcome for attempt in attempts] == [Outcome.ANSWERED] * 3
    assert {attempt.agent_id for attempt in attempts} == {desk.agent_id}
    assert len({attempt.contact_id for attempt in attempts}) == 3
