"""Who leads: one lease with an epoch that proves it."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.ports import Fence
from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke


class RedisLeadership:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def acquire(self, owner: str, now: datetime, lease_s: float) -> Fence | None:
        epoch = await self._lead(owner, now, lease_s, "")
        return Fence(owner=owner, epoch=epoch) if epoch else None

    async def renew(self, fence: Fence, now: datetime, lease_s: float) -> bool:
        """False when the lease has ended, even if nobody else leads: acquire again."""
        return bool(await self._lead(fence.owner, now, lease_s, str(fence.epoch)))

    async def release(self, fence: Fence) -> None:
        await self._link.batch([invoke("resign", [self._keys.leader], fence.owner, fence.epoch)])

    async def _lead(self, owner: str, now: datetime, lease_s: float, epoch: str) -> int:
        until = codec.to_ms(now + timedelta(seconds=lease_s))
        arguments = (owner, codec.to_ms(now), until, epoch)
        return int((await self._link.batch([invoke("lead", [self._keys.leader], *arguments)]))[0])
