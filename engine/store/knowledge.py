"""What pacing rules have learned: with each campaign, and the newest of all campaigns together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.core.pacing.knowledge import knowledge_of
from engine.core.pacing.teaching import Taught
from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.scripts import invoke

#: Campaigns whose knowledge others can start from.
N_KEPT: Final = 64
#: A campaign's own knowledge is garbage by then: it fades within weeks.
GARBAGE_S: Final = 180 * 86_400


class RedisKnowledge:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def keep(self, taught: Taught) -> None:
        kept_at, text = codec.to_ms(taught.kept_at), _text(taught)
        shared = [self._keys.knowledge("by_campaign"), self._keys.knowledge("kept_at")]
        await self._link.batch([
            ("SET", self._own(taught.campaign_id), text, "EX", GARBAGE_S),
            invoke("teach", shared, taught.campaign_id, kept_at, text, N_KEPT),
        ])  # fmt: skip

    async def of(self, campaign_id: int) -> Taught | None:
        """None also where it was written in another shape."""
        text = await self._link.call("GET", self._own(campaign_id))
        return _taught(text) if text else None

    async def others(self) -> Sequence[Taught]:
        """The newest of all campaigns, in no order."""
        texts = await self._link.call("HVALS", self._keys.knowledge("by_campaign"))
        found = map(_taught, texts)
        return [each for each in found if each is not None]

    def _own(self, campaign_id: int) -> str:
        return self._keys.campaign(campaign_id, "knowledge")


def _text(taught: Taught) -> str:
    return codec.to_json({
        "campaign_id": taught.campaign_id,
        "kept_at": codec.to_ms(taught.kept_at),
        "agent_ids": sorted(taught.agent_ids),
        "knowledge": taught.knowledge.as_json(),
    })  # fmt: skip


def _taught(text: str) -> Taught | None:
    """None for what another version wrote in another shape: then it is learned anew."""
    document = codec.from_json(text)
    knowledge = knowledge_of(document.get("knowledge", {}))
    if knowledge is None:
        return None
    kept_at = codec.from_ms(document["kept_at"])
    return Taught(document["campaign_id"], kept_at, frozenset(document["agent_ids"]), knowledge)
