"""What campaigns that dial have counted, in memory: decisions ask for it many times a second.

The store is the truth. Calls that we settle are added at once; everything is read again now and
then, and when something may have been missed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign
from engine.core.ledger import counts_of, entry_of
from engine.core.ledger_periods import Ledger, together
from engine.ports import Clock, Store

#: What other processes count (dispositions, members of a group elsewhere) is seen within this.
READ_AGAIN_S = 30.0


@dataclass(slots=True)
class Group:
    """Campaigns that share a limit, and their counts together."""

    members: tuple[int, ...]
    ledger: Ledger


@dataclass(slots=True)
class Ledgers:
    """Of the campaigns that are led and of all members of their groups."""

    store: Store
    clock: Clock
    of_campaign: dict[int, Ledger] = field(default_factory=dict)
    of_group: dict[str, Group] = field(default_factory=dict)
    #: Held while calls are settled and counted, and while counts are read: neither sees half of
    #: the other.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _read_at: float = 0.0
    _is_stale: bool = False
    _led: list[Campaign] = field(default_factory=list)

    def of(self, campaign: Campaign) -> Ledger | None:
        """What this campaign's limit is about; None before it was read."""
        group = campaign.settings.pacing.drop_rate_group
        if group is None:
            return self.of_campaign.get(campaign.id)
        return self.of_group[group].ledger if group in self.of_group else None

    def members(self, campaign: Campaign) -> tuple[int, ...]:
        group = self.of_group.get(campaign.settings.pacing.drop_rate_group or "")
        return group.members if group else (campaign.id,)

    def count(self, record: AttemptRecord, *, was_new: bool) -> None:
        """`was_new`: the store counted this settlement, for the first time."""
        if not was_new:
            self._is_stale = True
            return
        entry = entry_of(record)
        if entry is None:
            return
        for ledger in self._concerned(record.campaign_id):
            ledger.first_at = ledger.first_at or record.started_at
            ledger.add(entry.answered_at, counts_of(entry))

    def doubt(self) -> None:
        self._is_stale = True

    async def load(self, campaign: Campaign) -> None:
        """Before the campaign's first decision under this leader."""
        self._led = [each for each in self._led if each.id != campaign.id] + [campaign]
        await self._read([campaign], self.clock.now())

    async def regroup(self, campaign: Campaign) -> None:
        """Before the first decision under edited settings: the group may be another one."""
        if campaign.id not in self.members(campaign) or self.of(campaign) is None:
            await self.load(campaign)

    async def refresh(self, campaigns: list[Campaign]) -> None:
        """Read again when it is time; campaigns that are led no more are forgotten."""
        self._led = list(campaigns)
        if self.clock.monotonic() - self._read_at >= READ_AGAIN_S:
            self._is_stale = True
        await self.catch_up()
        self._forget_all_but(campaigns)

    async def catch_up(self) -> None:
        """Read again where something may have been missed."""
        if not self._is_stale:
            return
        self._is_stale, self._read_at = False, self.clock.monotonic()
        try:
            await self._read(self._led, self.clock.now())
        except BaseException:
            self._is_stale = True
            raise

    def clear(self) -> None:
        self.of_campaign.clear()
        self.of_group.clear()

    async def _read(self, campaigns: list[Campaign], now: datetime) -> None:
        names = {each.settings.pacing.drop_rate_group for each in campaigns} - {None}
        members = {name: await self._members(name, campaigns) for name in names if name}
        wanted = {each.id for each in campaigns}.union(*members.values())
        async with self.lock:
            for campaign_id in wanted:
                self.of_campaign[campaign_id] = await self.store.ledgers.read(campaign_id, now)
            for name, ids in members.items():
                self.of_group[name] = Group(ids, together(self.of_campaign[each] for each in ids))

    async def _members(self, name: str, campaigns: list[Campaign]) -> tuple[int, ...]:
        known = {c.id for c in campaigns if c.settings.pacing.drop_rate_group == name}
        return tuple(sorted(known | set(await self.store.ledgers.members(name))))

    def _concerned(self, campaign_id: int) -> list[Ledger]:
        groups = [each.ledger for each in self.of_group.values() if campaign_id in each.members]
        own = self.of_campaign.get(campaign_id)
        return groups if own is None else [own, *groups]

    def _forget_all_but(self, campaigns: list[Campaign]) -> None:
        names = {each.settings.pacing.drop_rate_group for each in campaigns}
        self.of_group = {n: group for n, group in self.of_group.items() if n in names}
        wanted = {each.id for each in campaigns}.union(*(g.members for g in self.of_group.values()))
        self.of_campaign = {i: each for i, each in self.of_campaign.items() if i in wanted}
