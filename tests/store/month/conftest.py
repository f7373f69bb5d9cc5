"""An active campaign whose month is to be run."""

from __future__ import annotations

import random

import pytest

from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import NewContact
from engine.store import RedisStore

from .engine import Month
from .people import RULES, START, people


@pytest.fixture
async def month(store: RedisStore) -> Month:
    """Of an active campaign; `run` makes the calls."""
    campaign = await store.campaigns.create("A", RULES, [], "m", START)
    step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
    await store.campaigns.move(campaign.id, step, "m", START)
    month = Month(store, campaign.id, random.Random(4))
    await store.campaigns.fence(campaign.id, month.fence)
    return month


@pytest.fixture
def two_people() -> list[NewContact]:
    return list(people(2, random.Random(1)))
