"""What a list needs to know of every campaign, kept between lists: with a thousand of them reading
it anew takes most of a list's time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from engine.core.campaign import CampaignStatus
from engine.store.campaign_list import Head
from engine.store.keys import Keys
from engine.store.link import Command, Link

#: What a process that was killed between a change and its mark has left is seen after this.
KEPT_S: Final = 2.0
_FIELDS: Final = ("id", "name", "created_at", "status", "live", "queue")


class CampaignHeads:
    """Every change of a head is followed by `changed`, which other processes see as well."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._version: str | None = None
        self._until = 0.0
        self._heads: Sequence[Head] = ()

    def changed(self) -> Command:
        return ("INCR", self._keys.campaigns("version"))

    async def all(self) -> Sequence[Head]:
        """Never older than the last mark that was set before the call."""
        version = await self._link.call("GET", self._keys.campaigns("version"))
        if version is None or version != self._version or time.monotonic() >= self._until:
            # The version from before the reading: a change meanwhile makes it be read again.
            until = time.monotonic() + KEPT_S
            self._heads = await self.read()
            self._version, self._until = version, until
        return self._heads

    async def read(self) -> Sequence[Head]:
        """From Redis, as they are now."""
        ids = await self._link.call("SMEMBERS", self._keys.campaigns("ids"))
        keys = [self._keys.campaign(int(i), "campaign") for i in ids]
        rows = await self._link.batch([("HMGET", key, *_FIELDS) for key in keys])
        return [_head(row) for row in rows if row[0] is not None]


def _head(row: Sequence[Any]) -> Head:
    campaign_id, name, created_at, status, live, queue = row
    at = int(created_at)
    return Head(int(campaign_id), name, at, CampaignStatus(status), live == "1", queue or "")
