"""Plans the polls and hands out what is due. Every worker process runs one; one of them leads."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from crm.crm_jobs import CrmQueue
from crm.hook_queue import HookQueue
from crm.poll_run import polls_at
from engine.core.campaign import Campaign
from engine.core.errors import NotFound, StoreUnavailable
from engine.store import RedisStore

LEASE_S = 5.0
TICK_S, SHORTEST_TICK_S = 0.25, 0.01
#: How often the campaigns are asked what they want, and the outboxes looked at.
PLAN_S = 1.0
RECONNECT_S = 1.0
log = structlog.get_logger(__name__)


def run_schedule(redis_url: str, rq_url: str, ending: threading.Event) -> None:
    """Until `ending`; connects again after a loss."""
    owner = secrets.token_hex(8)
    while not ending.is_set():
        try:
            asyncio.run(_connected(redis_url, rq_url, owner, ending))
        except (StoreUnavailable, RedisError) as error:
            log.warning("schedule_lost_redis", error=str(error))
            ending.wait(RECONNECT_S)
        except Exception:
            # One bad record must not end polls, write-back and webhooks for good.
            log.exception("schedule_failed")
            ending.wait(RECONNECT_S)


async def _connected(redis_url: str, rq_url: str, owner: str, ending: threading.Event) -> None:
    store, queue = await RedisStore.connect(redis_url), CrmQueue.at(rq_url)
    schedule, fence = Schedule(store, queue), None
    try:
        while not ending.is_set():
            fence = await store.polls.lead(owner, _now(), LEASE_S)
            pause_s = TICK_S if fence is None else await schedule.tick()
            await asyncio.sleep(pause_s)
        if fence is not None:
            await store.polls.resign(fence)
    finally:
        queue.close()
        await store.close()


class Schedule:
    """What the leader does. Two at once would do no harm: each step is atomic."""

    def __init__(self, store: RedisStore, queue: CrmQueue) -> None:
        self._store, self._queue, self._hooks = store, queue, HookQueue(store)
        self._planned_at: datetime | None = None
        self._connector_of: Mapping[int, str] = {}

    async def tick(self) -> float:
        """Seconds until the next one: what falls due is handed out at its instant."""
        await self._hand_out_polls()
        now = _now()
        if self._planned_at is None or (now - self._planned_at).total_seconds() >= PLAN_S:
            await self._plan(now)
            await self._hand_out_pushes()
            for webhook_id in await self._hooks.fill(now):
                self._queue.enqueue_hooks(webhook_id)
            self._planned_at = now
            await self._hand_out_polls()
        return _pause_s(await self._store.polls.next_due_at(), _now())

    async def _hand_out_polls(self) -> None:
        for poll in await self._store.polls.pop(_now()):
            self._queue.enqueue_poll(poll, self._connector_of.get(poll.campaign_id, "0"))

    async def _plan(self, now: datetime) -> None:
        wanted: dict[int, float] = {}
        connectors: dict[int, str] = {}
        for campaign in await self._open_campaigns():
            connector_id = campaign.settings.list.connector_id
            if campaign.settings.list.method == "crm" and connector_id:
                connectors[campaign.id] = connector_id
                interval_s = polls_at(campaign, await self._is_read(campaign))
                if interval_s is not None:
                    wanted[campaign.id] = interval_s
        await self._store.polls.plan(wanted, now)
        await self._store.outbox.follow(list(connectors))
        self._connector_of = connectors

    async def _open_campaigns(self) -> list[Campaign]:
        found = []
        for campaign_id in await self._store.campaigns.open_ids():
            try:
                found.append(await self._store.campaigns.get(campaign_id))
            except NotFound:
                continue
        return found

    async def _is_read(self, campaign: Campaign) -> bool:
        if campaign.live:
            return False
        status = await self._store.polls.status(campaign.id)
        wanted = campaign.settings.list.connector_id
        return status is not None and status.done and status.connector_id == wanted

    async def _hand_out_pushes(self) -> None:
        followed = await self._store.outbox.followed()
        counts = await self._store.outbox.waiting(followed)
        for campaign_id, n_waiting in zip(followed, counts, strict=True):
            connector_id = self._connector_of.get(campaign_id)
            if connector_id is None:
                connector_id = await self._connector_of_ended(campaign_id, n_waiting)
            if n_waiting and connector_id:
                self._queue.enqueue_push(campaign_id, connector_id)

    async def _connector_of_ended(self, campaign_id: int, n_waiting: int) -> str | None:
        """A campaign that ended is followed until all is told."""
        try:
            campaign = await self._store.campaigns.get(campaign_id)
        except NotFound:
            await self._store.outbox.unfollow(campaign_id)
            return None
        if campaign.is_final and not n_waiting:
            await self._store.outbox.unfollow(campaign_id)
        return campaign.settings.list.connector_id


def _pause_s(due_at: datetime | None, now: datetime) -> float:
    if due_at is None:
        return TICK_S
    return min(TICK_S, max(SHORTEST_TICK_S, (due_at - now).total_seconds()))


def _now() -> datetime:
    return datetime.now(UTC)
