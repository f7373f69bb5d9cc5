"""From campaigns' events to deliveries: what the leader does for outgoing webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from crm.hook_events import message_of
from engine.core.campaign import Campaign
from engine.core.errors import NotFound
from engine.store import Message, RedisStore, Webhook

#: Events of one stream that are looked at in one go.
AT_ONCE = 200


class HookQueue:
    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def fill(self, now: datetime) -> Sequence[str]:
        """Queue what happened since the last time. Returns the webhooks with something to send."""
        webhooks = await self._store.webhooks.list()
        wanted = [one for one in webhooks if one.enabled]
        if not wanted:
            return ()
        done = await self._store.webhooks.done_campaigns()
        ids = sorted(set(await self._store.campaigns.all_ids()) - done)
        last = await self._store.webhooks.last_events(ids)
        is_told = [await self._fill_one(one, last, now) for one in wanted]
        if all(is_told):
            await self._note_done(ids)
        return await self._store.webhooks.has_due([one.id for one in wanted], now)

    async def _fill_one(self, webhook: Webhook, last: Mapping[str, str], now: datetime) -> bool:
        """Whether it was told all there is."""
        cursors = await self._store.webhooks.cursors(webhook.id)
        start = f"{cursors.get('start', '0')}-0"
        behind = [name for name, newest in last.items() if _is_before(cursors, name, start, newest)]
        for stream in behind:
            room = await self._store.webhooks.room(webhook.id)
            if not room:
                return False
            old = cursors.get(stream, start)
            await self._take(webhook, stream, old, min(room, AT_ONCE), now)
        return not behind

    async def _take(
        self, webhook: Webhook, stream: str, old: str, limit: int, now: datetime
    ) -> None:
        entries = await self._store.webhooks.events(stream, old, limit)
        try:
            campaign = await self._store.campaigns.get(int(stream.partition(":")[0]))
        except NotFound:
            return
        if entries:
            messages = _wanted(webhook, campaign, stream, entries)
            await self._store.webhooks.take(webhook.id, stream, old, entries[-1][0], messages, now)

    async def _note_done(self, ids: Sequence[int]) -> None:
        """Ended campaigns with nothing more to come are not looked at any more."""
        still_open = set(await self._store.campaigns.open_ids())
        over = []
        for campaign_id in set(ids) - still_open:
            try:
                if (await self._store.campaigns.get(campaign_id)).is_final:
                    over.append(campaign_id)
            except NotFound:
                continue
        if over:
            await self._store.webhooks.note_done(over)


def _wanted(
    webhook: Webhook,
    campaign: Campaign,
    stream: str,
    entries: Sequence[tuple[str, Mapping[str, str]]],
) -> Sequence[Message]:
    found = (message_of(campaign, stream, place, entry) for place, entry in entries)
    return [one for one in found if one and webhook.wants(one.event, campaign.id)]


def _is_before(cursors: Mapping[str, str], stream: str, start: str, newest: str) -> bool:
    return _place(cursors.get(stream, start)) < _place(newest)


def _place(text: str) -> tuple[int, int]:
    ms, _, sequence = text.partition("-")
    return int(ms), int(sequence)
