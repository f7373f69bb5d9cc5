"""A campaign's calling lists: an import or a connector each, and 0 for what came one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.core.errors import NotFound
from engine.store import codec
from engine.store.audit import campaign_entry
from engine.store.changes import change
from engine.store.keys import Keys
from engine.store.link import Link

SINGLE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingList:
    list_id: int
    #: single (contacts that came one by one), import or connector.
    kind: str
    #: As somebody named it, else the file's name or the connector's id.
    name: str
    #: The import's or the connector's id.
    source_id: str
    created_at: datetime | None
    #: Turns against other lists, at equal priority.
    weight: int
    n_contacts: int


class RedisLists:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def all(self, campaign_id: int) -> Sequence[CallingList]:
        """By number; the first one is that of single contacts."""
        names = ("lists", "list_weights", "list_counts", "list_names")
        keys = [self._keys.campaign(campaign_id, name) for name in names]
        flats = await self._link.batch([("HGETALL", key) for key in keys])
        lists, weights, counts, given = map(codec.pairs, flats)
        found = {SINGLE: codec.to_json(["single", "", "", None])}
        found |= {int(number): text for number, text in lists.items()}
        return [
            _list(n, found[n], given.get(str(n)), *_figures(n, weights, counts))
            for n in sorted(found)
        ]

    async def edit(
        self,
        campaign_id: int,
        list_id: int,
        *,
        actor: str,
        now: datetime,
        name: str | None = None,
        weight: int | None = None,
    ) -> CallingList:
        """None leaves as it is; acts on the next claim. Raises NotFound."""
        known = {each.list_id for each in await self.all(campaign_id)}
        if list_id not in known:
            raise NotFound("There is no such list.")
        given = {"name": name, "weight": weight}
        detail = {key: value for key, value in given.items() if value is not None}
        told = {"list_id": list_id, **detail}
        fields = {"name": "list_names", "weight": "list_weights"}
        await self._link.batch([
            *(("HSET", self._keys.campaign(campaign_id, fields[key]), list_id, str(value))
              for key, value in detail.items()),
            campaign_entry(self._keys, campaign_id, now, actor, "list_edit", **told),
            change(self._keys, "campaign", campaign_id, {"what": "contacts"}),
        ])  # fmt: skip
        return next(each for each in await self.all(campaign_id) if each.list_id == list_id)


def list_json(kind: str, name: str, source_id: str, now: datetime) -> str:
    """As the scripts keep a new list."""
    return codec.to_json([kind, name, source_id, codec.to_ms(now)])


def _figures(
    list_id: int, weights: Mapping[str, str], counts: Mapping[str, str]
) -> tuple[int, int]:
    return int(weights.get(str(list_id), 1)), int(counts.get(str(list_id), 0))


def _list(list_id: int, text: str, given: str | None, weight: int, n_contacts: int) -> CallingList:
    kind, name, source_id, created_ms = codec.from_json(text)
    return CallingList(
        list_id=list_id,
        kind=kind,
        name=given or name,
        source_id=source_id,
        created_at=codec.maybe_from_ms(created_ms),
        weight=weight,
        n_contacts=n_contacts,
    )
