"""An engine that dies between any two steps: recovery leaves nothing held and loses nobody."""

from __future__ import annotations

import pytest

from engine.core.attempt import AttemptStage
from engine.core.outcome import Outcome
from engine.core.settings import LimitSettings

LIMITS = LimitSettings(max_per_24h=2)
STEPS = ["claim", "reserve", "mark", "settle", "release"]


async def call(rig, n_steps: int) -> bool:
    """One dial that ends busy, cut off after so many steps."""
    claims = await rig.claim()
    if not claims:
        return False
    (claim,), numbers = claims, rig.store.numbers
    held = (claim.phone, claim.attempt_id)
    if n_steps > 1:
        assert await numbers.reserve([held], LIMITS, rig.now) == [None]
    if n_steps > 2:
        assert await rig.mark(claim) == [True]
    if n_steps > 3:
        await rig.settle(claim, Outcome.BUSY, rig.in_s(1))
    if n_steps > 4:
        await numbers.release([(*held, True)])
    return True


async def reap(rig) -> None:
    """What a recovering engine does, in the order of the design; may itself be cut off anywhere."""
    for live in await rig.store.calls.expired(rig.campaign_id, rig.now):
        sent = live.stage is AttemptStage.SENT
        if sent:
            await rig.settle(live, Outcome.UNKNOWN, rig.in_s(1))
        else:
            calls = rig.store.calls
            await calls.give_back(rig.campaign_id, live.attempt_id, None, rig.now)
        await rig.store.numbers.release([(live.phone, live.attempt_id, sent)])


@pytest.mark.parametrize("n_steps", range(1, len(STEPS) + 1), ids=STEPS)
async def test_after_every_step(rig, n_steps):
    await rig.add(1)
    (contact,) = (await rig.store.contacts.list(rig.campaign_id))[0]
    await call(rig, n_steps)
    rig.pass_s(11)
    await reap(rig)
    assert await rig.store.calls.live(rig.campaign_id) == []
    if n_steps != STEPS.index("settle") + 1:  # there the next one who wants the number frees it
        assert await rig.store.numbers.live_owner(contact.phone) is None
    rig.pass_s(1)
    n_sent = int(n_steps > 2)
    assert (await rig.counts()).get("attempts", 0) == n_sent == len(await rig.records())
    assert await call(rig, len(STEPS)), "the contact can be dialled again"
    assert (await rig.counts())["attempts"] == n_sent + 1
    third = await rig.store.numbers.reserve([(contact.phone, "other")], LIMITS, rig.now)
    assert (third[0] is None) == (n_sent == 0), "only what was placed stays in the history"
