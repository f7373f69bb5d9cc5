"""Preview: agents see whom they may call, and nobody is dialled before they say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.agent import AgentState
from engine.core.campaign import Command
from engine.core.contact import ContactState, NewContact
from engine.core.errors import Conflict
from engine.core.outcome import Outcome
from engine.core.preview import Offer, OfferState
from engine.core.redial import RedialAt
from engine.core.settings import LimitSettings
from engine.ports import Wanted

PREVIEW = {"pacing": {"mode": "preview"}}


class Desk:
    """What an agent's desk does, without the page."""

    def __init__(self, stage, campaign_id: int) -> None:
        self.stage, self.campaign_id = stage, campaign_id

    async def offer(self, agent_id: int, *, but: str = "") -> Offer:
        """The next offer of this agent that waits for an answer."""
        found: list[Offer] = []

        async def is_there() -> bool:
            offers = await self.stage.store.offers.list(self.campaign_id)
            found[:] = [
                each
                for each in offers
                if each.agent_id == agent_id
                and each.state is OfferState.OFFERED
                and each.attempt_id != but
            ]
            return bool(found)

        await self.stage.until(is_there)
        return found[0]

    async def answer(self, offer: Offer, answer: str, max_skips: int = 3) -> None:
        await self.stage.store.offers.answer(offer, answer, max_skips)


@pytest.fixture
def desk_of(stage):
    return lambda campaign_id: Desk(stage, campaign_id)


async def test_an_accepted_contact_is_called_by_that_agent(stage, numbers, desk_of):
    agents = await stage.hire(2)
    campaign_id = await stage.campaign(numbers(s00=4), agents, **PREVIEW)
    stage.start()
    desk = desk_of(campaign_id)
    offers = [await desk.offer(agent_id) for agent_id in agents]
    assert len({offer.contact_id for offer in offers}) == 2
    assert stage.pbx.placed == [], "nobody is dialled before an agent says so"

    async def are_reserved() -> bool:
        states = [(await stage.store.agents.get(each)).state for each in agents]
        return states == [AgentState.RESERVED] * 2

    await stage.until(are_reserved)
    wanted_agent = {offer.attempt_id: offer.agent_id for offer in offers}
    for offer in offers:
        await desk.answer(offer, "accepted")
    for agent_id, before in zip(agents, offers, strict=True):
        again = await desk.offer(agent_id, but=before.attempt_id)
        wanted_agent[again.attempt_id] = agent_id
        await desk.answer(again, "accepted")
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    assert {each.attempt_id: each.agent_id for each in attempts} == wanted_agent
    assert {each.outcome for each in attempts} == {Outcome.ANSWERED}


async def test_in_a_queue_of_several_campaigns_only_the_own_agents_are_offered(
    stage, numbers, desk_of
):
    """A contact centre's own queue has the agents of every campaign that names it."""
    [other], [own] = await stage.hire(1), await stage.hire(1, log_in=False)
    sales = {"dialing": {"queue": "sales"}}
    await stage.campaign(numbers(s01=1), [other], delay_s=3600, **sales)
    engine = stage.start().engine
    await stage.placed(1)
    campaign_id = await stage.campaign(numbers(s00=2), [own], **sales, **PREVIEW)

    async def could_be_offered() -> bool:
        view = engine.world.campaigns.get(campaign_id)
        is_led = view is not None and view.campaign.queue == "sales"
        return is_led and other in engine.world.roster.available("sales")

    await stage.until(could_be_offered)
    await stage.want(own)
    offer = await desk_of(campaign_id).offer(own)
    assert offer.number == 1 and offer.contact_id == 1
    assert await stage.store.offers.list(campaign_id) == [offer]


async def test_a_number_that_is_offered_is_nobody_elses(stage, numbers, desk_of):
    [agent_id] = await stage.hire(1)
    other = await stage.hire(1)
    called = numbers(s00=1)
    first = await stage.campaign(called, [agent_id], **PREVIEW)
    stage.start()
    desk = desk_of(first)
    offer = await desk.offer(agent_id)
    second = await stage.campaign(called, other)

    async def was_parked() -> bool:
        [contact] = await stage.contacts(second)
        return contact.next_dial_at is not None

    await stage.until(was_parked)
    assert stage.pbx.placed == []
    await desk.answer(offer, "accepted")
    await stage.completed(first)
    await stage.completed(second)
    assert stage.pbx.collisions == []


async def test_a_skipped_contact_comes_again_by_rule_and_is_called_in_the_end(
    stage, numbers, desk_of
):
    [agent_id] = await stage.hire(1)
    rules = {"max_skips": 2, "skip_delay_s": 0}
    campaign_id = await stage.campaign(numbers(s00=1), [agent_id], preview=rules, **PREVIEW)
    stage.start()
    desk, before = desk_of(campaign_id), ""
    for _ in range(2):
        offer = await desk.offer(agent_id, but=before)
        await desk.answer(offer, "skipped", max_skips=2)
        before = offer.attempt_id
    last = await desk.offer(agent_id, but=before)
    with pytest.raises(Conflict):
        await desk.answer(last, "skipped", max_skips=2)
    assert stage.pbx.placed == []
    await desk.answer(last, "accepted")
    await stage.completed(campaign_id)
    assert len(await stage.check(campaign_id)) == 1


async def test_the_last_skip_may_end_a_contact(stage, numbers, desk_of):
    [agent_id] = await stage.hire(1)
    rules = {"max_skips": 1, "after_last_skip": "done"}
    campaign_id = await stage.campaign(numbers(s00=1), [agent_id], preview=rules, **PREVIEW)
    stage.start()
    desk = desk_of(campaign_id)
    await desk.answer(await desk.offer(agent_id), "skipped", max_skips=1)
    await stage.completed(campaign_id)
    [contact] = await stage.contacts(campaign_id)
    assert (contact.state, contact.done_reason) == (ContactState.DONE, "skipped")
    assert stage.pbx.placed == []


async def test_an_offer_that_nobody_answers_goes_back_and_the_agent_pauses(stage, numbers, desk_of):
    [agent_id] = await stage.hire(1)
    rules = {"timer_s": 5, "return_delay_s": 0}
    campaign_id = await stage.campaign(numbers(s00=1), [agent_id], preview=rules, **PREVIEW)
    stage.start()
    desk = desk_of(campaign_id)
    first = await desk.offer(agent_id)

    async def is_paused() -> bool:
        agent = await stage.store.agents.get(agent_id)
        return (agent.state, agent.wanted_pause) == (AgentState.PAUSED, "offer_missed")

    await stage.until(is_paused)
    assert stage.pbx.placed == []
    await stage.want(agent_id)
    again = await desk.offer(agent_id, but=first.attempt_id)
    assert again.contact_id == first.contact_id
    await desk.answer(again, "accepted")
    await stage.completed(campaign_id)


async def test_the_timer_may_dial(stage, numbers):
    [agent_id] = await stage.hire(1)
    rules = {"timer_s": 5, "on_timeout": "dial"}
    campaign_id = await stage.campaign(numbers(s00=1), [agent_id], preview=rules, **PREVIEW)
    stage.start()
    await stage.completed(campaign_id)
    [attempt] = await stage.check(campaign_id)
    assert attempt.agent_id == agent_id


async def test_offers_outlive_an_engine(stage, numbers, desk_of):
    agents = await stage.hire(2)
    campaign_id = await stage.campaign(numbers(s00=2), agents, **PREVIEW)
    first = stage.start("one", lease_s=1.0)
    desk = desk_of(campaign_id)
    offers = [await desk.offer(agent_id) for agent_id in agents]
    await first.crash()
    await desk.answer(offers[0], "accepted")
    stage.start("two", lease_s=1.0)
    await stage.placed(1)
    assert [order.attempt_id for order in stage.pbx.placed] == [offers[0].attempt_id]
    assert (await desk.offer(agents[1])).attempt_id == offers[1].attempt_id, "still the same"
    await desk.answer(offers[1], "accepted")
    await stage.completed(campaign_id)
    attempts = await stage.check(campaign_id)
    assert {each.attempt_id for each in attempts} == {offer.attempt_id for offer in offers}


@pytest.mark.parametrize("shown", [AgentState.ON_CALL, AgentState.WRAP_UP])
async def test_an_offer_stays_where_the_end_of_the_call_before_was_not_noted(
    stage, numbers, desk_of, shown
):
    """Killed right after the offer, an engine leaves in the store what the agent did before."""
    [agent_id] = await stage.hire(1)
    campaign_id = await stage.campaign(numbers(s00=2), [agent_id], wrap_up_s=60, **PREVIEW)
    first = stage.start("one", lease_s=1.0)
    desk = desk_of(campaign_id)
    offer = await desk.offer(agent_id)
    await first.crash()
    for member in stage.pbx.members.values():
        member.paused, member.pause_reason = True, "wrap-up"
    now = datetime.now(UTC)
    later = now + timedelta(seconds=60) if shown is AgentState.WRAP_UP else None
    before = f"{offer.attempt_id[:-1]}0"
    await stage.store.agents.set_state(agent_id, shown, now, attempt_id=before, wrap_up_until=later)
    await desk.answer(offer, "accepted")
    stage.start("two", lease_s=1.0)
    await stage.placed(1)
    assert stage.pbx.placed[0].attempt_id == offer.attempt_id


async def test_the_rules_are_asked_again_when_it_is_dialled(stage, numbers, desk_of):
    [agent_id] = await stage.hire(1)
    campaign_id = await stage.campaign(numbers(s00=2), [agent_id], **PREVIEW)
    running = stage.start()
    desk = desk_of(campaign_id)
    offer = await desk.offer(agent_id)
    await stage.store.numbers.add_dnc(offer.phone, "test", "t", datetime.now(UTC))
    await desk.answer(offer, "accepted")
    other = await desk.offer(agent_id, but=offer.attempt_id)
    assert stage.pbx.placed == [] and other.contact_id != offer.contact_id
    closed = (await stage.get(campaign_id)).settings.model_copy(deep=True)
    closed = type(closed).model_validate(
        closed.model_dump(mode="json") | {"hours": {"windows": []}}
    )
    await stage.store.campaigns.update(
        campaign_id, settings=closed, actor="t", now=offer.offered_at
    )
    views = running.engine.world.campaigns
    await stage.until(lambda: views[campaign_id].campaign.settings == closed)
    await desk.answer(other, "accepted")

    async def nobody_looks() -> bool:
        return not await stage.store.offers.list(campaign_id)

    await stage.until(nobody_looks)
    assert stage.pbx.placed == []


async def test_a_pause_of_campaign_or_agent_takes_offers_back(stage, numbers, desk_of):
    agents = await stage.hire(2)
    campaign_id = await stage.campaign(numbers(s00=2), agents, **PREVIEW)
    stage.start()
    desk = desk_of(campaign_id)
    for agent_id in agents:
        await desk.offer(agent_id)
    await stage.want(agents[0], pause="lunch")

    async def one_is_left() -> bool:
        offers = await stage.store.offers.list(campaign_id)
        return [offer.agent_id for offer in offers] == [agents[1]]

    await stage.until(one_is_left)
    await stage.tell(campaign_id, Command.PAUSE)

    async def all_are_back() -> bool:
        contacts = await stage.contacts(campaign_id)
        in_flight = [each for each in contacts if each.state is ContactState.IN_FLIGHT]
        return not in_flight and not await stage.store.offers.list(campaign_id)

    await stage.until(all_are_back)

    async def is_free() -> bool:
        return (await stage.store.agents.get(agents[1])).state is AgentState.AVAILABLE

    await stage.until(is_free)
    assert stage.pbx.placed == []


async def test_an_agent_gets_the_own_callback(stage, numbers, desk_of):
    agents = await stage.hire(2)
    owner = agents[1]
    campaign_id = await stage.campaign(numbers(s00=1), agents, wrap_up_s=60, **PREVIEW)
    stage.start()
    desk = desk_of(campaign_id)
    first = None
    while first is None:
        offers = await stage.store.offers.list(campaign_id)
        first = next(iter(offers), None)
    await desk.answer(first, "accepted")

    async def wraps_up() -> bool:
        return bool(await stage.store.calls.wrapping(campaign_id))

    await stage.until(wraps_up)
    at = datetime.now(UTC)
    callback = RedialAt(at, is_callback=True, agent_id=owner)
    await stage.store.calls.finish(campaign_id, first.attempt_id, "later", callback, at)
    offer = await desk.offer(owner)
    assert offer.is_callback and offer.contact_id == first.contact_id
    assert offer.expires_at - offer.offered_at == timedelta(seconds=60)


async def test_who_is_not_reached_frees_the_agent_for_the_next(stage, numbers, desk_of):
    [agent_id] = await stage.hire(1)
    called = numbers(s01=1, s00=1)
    redial = {"rules": {}, "max_attempts": 1}
    campaign_id = await stage.campaign(called, [agent_id], redial=redial, **PREVIEW)
    stage.start()
    desk, before = desk_of(campaign_id), ""
    for _ in called:
        offer = await desk.offer(agent_id, but=before)
        await desk.answer(offer, "accepted")
        before = offer.attempt_id
    await stage.completed(campaign_id)
    outcomes = {each.outcome for each in await stage.attempts(campaign_id)}
    assert outcomes == {Outcome.BUSY, Outcome.ANSWERED}


async def test_a_look_at_offers_while_one_is_made_leaves_it_to_its_agent(
    stage, numbers, desk_of, monkeypatch
):
    """The look does not see the offer yet, and the agent must not be thought to be free."""
    [agent_id] = await stage.hire(1)
    campaign_id = await stage.campaign(numbers(s00=2), [agent_id], **PREVIEW)
    engine = stage.start().engine
    put, put_ids = stage.store.offers.put, []

    async def looked_at_before(offer):
        await engine._previewer.keep()
        seat = engine.world.roster.get(agent_id)
        assert seat.reserved_for == offer.attempt_id
        await put(offer)
        put_ids.append(offer.attempt_id)

    monkeypatch.setattr(stage.store.offers, "put", looked_at_before)
    offer = await desk_of(campaign_id).offer(agent_id)
    assert put_ids == [offer.attempt_id]


async def test_a_call_counts_from_when_it_is_dialled_not_from_its_offer(stage, numbers, desk_of):
    [agent_id], daily = await stage.hire(1), {"max_per_24h": 1}
    campaign_id = await stage.campaign(numbers(s04=1), [agent_id], **PREVIEW, limits=daily)
    stage.start()
    offer = await desk_of(campaign_id).offer(agent_id)
    # Longer than the second to which instants are kept.
    await stage.until(lambda: datetime.now(UTC) - offer.offered_at > timedelta(seconds=2.5))
    await desk_of(campaign_id).answer(offer, "accepted")
    await stage.placed(1)
    asked, limits = [Wanted(offer.phone, "")], LimitSettings.model_validate(daily)
    [found] = await stage.store.numbers.standing(asked, limits, datetime.now(UTC))
    [until] = [one.until for one in found if one.reason == "limit_24h"]
    assert until - timedelta(days=1) - offer.offered_at > timedelta(seconds=2)


async def test_a_limit_that_was_lowered_since_the_offer_returns_it(stage, numbers, desk_of):
    [agent_id] = await stage.hire(1)
    [phone] = numbers(s04=1)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    await stage.store.numbers.take([(Wanted(phone, "0aX", "joe"), earlier)])
    await stage.store.numbers.release([(phone, "0aX", True)])
    campaign_id = await stage.campaign([], [agent_id], play=False, **PREVIEW)
    new = NewContact(phone=phone, hours_class="America/New_York", person_key="joe")
    await stage.store.contacts.add(campaign_id, [new], datetime.now(UTC))
    await stage.tell(campaign_id, Command.PLAY)
    engine = stage.start().engine
    offer = await desk_of(campaign_id).offer(agent_id)
    limits = LimitSettings(person_max_per_24h=1)
    stricter = (await stage.get(campaign_id)).settings.model_copy(update={"limits": limits})
    await stage.store.campaigns.update(
        campaign_id, settings=stricter, actor="t", now=datetime.now(UTC)
    )
    views = engine.world.campaigns
    await stage.until(lambda: views[campaign_id].campaign.settings.limits == limits)
    await desk_of(campaign_id).answer(offer, "accepted")

    async def waits_for_tomorrow() -> bool:
        [contact] = await stage.contacts(campaign_id)
        at = contact.next_dial_at
        return bool(at and at - datetime.now(UTC) > timedelta(hours=22))

    await stage.until(waits_for_tomorrow)
    assert stage.pbx.placed == []
    assert await stage.store.numbers.live_owner(phone) is None
