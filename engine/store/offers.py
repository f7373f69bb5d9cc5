"""Offers of preview campaigns: whom an agent may call next, kept over every restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from engine.core.errors import Conflict
from engine.core.preview import Offer, OfferState
from engine.store import codec
from engine.store.changes import change
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke


class RedisOffers:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def put(self, offer: Offer) -> None:
        """A new one, or its next state."""
        await self._link.batch([
            ("HSET", self._offers(offer.campaign_id), offer.attempt_id, _to_json(offer)),
            self._change(offer.agent_id),
        ])  # fmt: skip

    async def remove(self, offer: Offer) -> None:
        await self._link.batch([
            ("HDEL", self._offers(offer.campaign_id), offer.attempt_id),
            self._change(offer.agent_id),
        ])  # fmt: skip

    async def list(self, campaign_id: int) -> Sequence[Offer]:
        """The oldest first."""
        rows = await self._link.call("HVALS", self._offers(campaign_id))
        return sorted(map(_of_json, rows), key=lambda offer: (offer.offered_at, offer.attempt_id))

    async def of_agent(self, agent_id: int, campaign_ids: Sequence[int]) -> Offer | None:
        """The one that waits for this agent's answer, or that is being dialled for it."""
        for campaign_id in campaign_ids:
            for offer in await self.list(campaign_id):
                if offer.agent_id == agent_id and offer.state is not OfferState.SKIPPED:
                    return offer
        return None

    async def answer(
        self, offer: Offer, answer: Literal["accepted", "skipped"], max_skips: int
    ) -> None:
        """Raises Conflict where it waits for no answer any more, or must not be skipped."""
        base = [self._keys.campaign(offer.campaign_id)]
        arguments = (offer.attempt_id, offer.agent_id, answer, max_skips)
        taken, _ = await self._link.batch([
            invoke("answer_offer", base, *arguments),
            self._change(offer.agent_id),
        ])  # fmt: skip
        if taken == -1:
            raise Conflict("This contact has been skipped as often as the campaign allows.")
        if not taken:
            raise Conflict("This offer does not wait for an answer any more.")

    async def n_skips(self, offer: Offer) -> int:
        """How often this contact was skipped, by anybody."""
        key = self._keys.campaign(offer.campaign_id, "skips")
        return int(await self._link.call("HGET", key, offer.contact_id) or 0)

    async def keep(
        self, campaign_id: int, attempt_id: str, epoch: int, lease_until: datetime
    ) -> bool:
        """A new leader goes on with it. False where its contact is not claimed any more."""
        base = [self._keys.campaign(campaign_id)]
        command = invoke("keep_offer", base, attempt_id, epoch, codec.to_ms(lease_until))
        return bool((await self._link.batch([command]))[0])

    def _offers(self, campaign_id: int) -> str:
        return self._keys.campaign(campaign_id, "offers")

    def _change(self, agent_id: int) -> tuple[Any, ...]:
        return tuple(change(self._keys, "agent", agent_id, {"what": "offer"}))


def _to_json(offer: Offer) -> str:
    instants = {name: codec.to_ms(getattr(offer, name)) for name in ("offered_at", "expires_at")}
    return codec.to_json({**asdict(offer), **instants})


def _of_json(text: str) -> Offer:
    values: dict[str, Any] = codec.from_json(text)
    for name in ("offered_at", "expires_at"):
        values[name] = codec.from_ms(int(values[name]))
    values["state"] = OfferState(values["state"])
    # Lua writes no null: an absent text is one.
    values["external_id"] = values.get("external_id") or None
    return Offer(**values)
