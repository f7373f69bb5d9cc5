"""A campaign that dials, with short ways to say what happens to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from engine.core.attempt import AttemptRecord, Claim
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import Contact, NewContact
from engine.core.outcome import Outcome
from engine.core.redial import Done, Next, RedialAt
from engine.core.settings import CampaignSettings
from engine.ports import Fence, Settlement
from engine.store import RedisStore

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
NEW_YORK, DENVER = "America/New_York", "America/Denver"
LEASE_S = 10.0


@dataclass
class Rig:
    """One campaign, one leader, and the ids of attempts in rising order."""

    store: RedisStore
    campaign_id: int
    fence: Fence
    now: datetime = NOW
    serial: count[int] = field(default_factory=lambda: count(1))

    async def add(
        self, n: int, *, first: int = 0, zone: str = NEW_YORK, **more: object
    ) -> list[int]:
        contacts = [
            NewContact(phone=f"+1202555{i:04}", hours_class=zone, **more)  # type: ignore[arg-type]
            for i in range(first, first + n)
        ]
        ids = await self.store.contacts.add(self.campaign_id, contacts, self.now)
        return [one for one in ids if one is not None]

    async def claim(
        self, n: int = 1, classes: Sequence[str] = (NEW_YORK, DENVER), fence: Fence | None = None
    ) -> Sequence[Claim]:
        ids = [f"{self.campaign_id}a{next(self.serial):020}" for _ in range(n)]
        calls, fence = self.store.calls, fence or self.fence
        return await calls.claim(self.campaign_id, fence, ids, classes, self.now, LEASE_S)

    async def mark(self, *claims: Claim, fence: Fence | None = None) -> Sequence[bool]:
        sent = [(claim.attempt_id, "+12025550100", "carrier", "pbx1") for claim in claims]
        calls, fence = self.store.calls, fence or self.fence
        return await calls.mark_sent(self.campaign_id, fence, sent, self.now, LEASE_S)

    async def dial(self, n: int = 1) -> Sequence[Claim]:
        """Claimed and marked as sent."""
        claims = await self.claim(n)
        assert all(await self.mark(*claims))
        return claims

    def ended(
        self, claim: Claim, outcome: Outcome, next: Next | None = None, **more: object
    ) -> Settlement:
        """`next` None: done, or wrap-up for an answered one."""
        wraps = outcome is Outcome.ANSWERED and next is None
        return Settlement(
            record=self.record(claim, outcome),
            next=None if wraps else next or Done("max_attempts"),
            wrap_up_until=self.now + timedelta(seconds=10) if wraps else None,
            **more,  # type: ignore[arg-type]
        )

    def record(self, claim: Claim, outcome: Outcome) -> AttemptRecord:
        return AttemptRecord(
            attempt_id=claim.attempt_id,
            campaign_id=self.campaign_id,
            contact_id=claim.contact_id,
            number=claim.number,
            phone=claim.phone,
            caller_id="+12025550100",
            trunk="carrier",
            node="pbx1",
            started_at=self.now,
            ended_at=self.now,
            outcome=outcome,
            zones=("America/New_York",),
        )

    async def settle(
        self, claim: Claim, outcome: Outcome, next: Next | None = None, **more: object
    ) -> bool:
        settlement = self.ended(claim, outcome, next, **more)
        return (await self.store.calls.settle(self.campaign_id, [settlement], self.now))[0]

    async def give_back(self, claim: Claim, next: Next | None = None) -> bool:
        calls = self.store.calls
        return await calls.give_back(self.campaign_id, claim.attempt_id, next, self.now)

    async def finish(self, claim: Claim, disposition: str | None, next: Next) -> bool:
        calls, attempt_id = self.store.calls, claim.attempt_id
        return await calls.finish(self.campaign_id, attempt_id, disposition, next, self.now)

    async def contact(self, contact_id: int = 1) -> Contact:
        return await self.store.contacts.get(self.campaign_id, contact_id)

    async def counts(self) -> dict[str, int]:
        """Those that are not 0."""
        counts = await self.store.calls.counts(self.campaign_id)
        return {name: n for name, n in counts.items() if n}

    async def records(self) -> Sequence[AttemptRecord]:
        return (await self.store.attempts.list(self.campaign_id, limit=1000))[0]

    async def move(self, from_: CampaignStatus, to: CampaignStatus, reason: str = "") -> None:
        step = Transition(from_, to, reason)
        await self.store.campaigns.move(self.campaign_id, step, "tester", self.now)

    def in_s(self, seconds: float) -> RedialAt:
        return RedialAt(self.now + timedelta(seconds=seconds))

    def callback_in_s(self, seconds: float) -> RedialAt:
        return RedialAt(self.now + timedelta(seconds=seconds), is_callback=True)

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def rig(store: RedisStore) -> Rig:
    """Active, fenced by its leader, without contacts."""
    campaign = await store.campaigns.create("A", CampaignSettings(), [], "tester", NOW)
    fence = await store.leadership.acquire("engine-1", NOW, 3600)
    assert fence is not None
    rig = Rig(store, campaign.id, fence)
    await rig.move(CampaignStatus.DRAFT, CampaignStatus.ACTIVE)
    await store.campaigns.fence(campaign.id, fence)
    return rig
