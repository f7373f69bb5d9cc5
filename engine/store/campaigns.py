"""Campaigns: what an administrator sets, the status, and who may dial for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from engine.core.campaign import FINAL, Campaign, CampaignStatus, Transition
from engine.core.errors import (
    CampaignFinal,
    Fenced,
    InvalidTransition,
    NotFound,
    VersionConflict,
)
from engine.core.settings import CampaignSettings, SystemSettings
from engine.ports import Fence
from engine.store import codec
from engine.store.agents import assign, ids_of
from engine.store.audit import campaign_entry
from engine.store.campaign_heads import CampaignHeads
from engine.store.campaign_list import Filter, page_of
from engine.store.changes import change
from engine.store.keys import N_PHONE_SHARDS, Keys
from engine.store.last_hour import Sample, sample_command, samples
from engine.store.ledger import joining
from engine.store.link import Argument, Command, Link
from engine.store.page import Page
from engine.store.scripts import invoke
from engine.store.system import parsed

LIVE_FIGURES_S: Final = 5
#: Keys removed in one round trip when a draft is deleted.
REMOVED_AT_ONCE: Final = 1000


class RedisCampaigns:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys
        self._heads = CampaignHeads(link, keys)

    async def create(
        self,
        name: str,
        settings: CampaignSettings,
        agent_ids: Sequence[int],
        actor: str,
        now: datetime,
    ) -> Campaign:
        campaign_id = int(await self._link.call("INCR", self._keys.campaigns("seq")))
        fields = _new_fields(campaign_id, name, settings, now)
        key = self._keys.campaign(campaign_id, "campaign")
        await self._link.batch([
            *joining(self._keys, campaign_id, settings),
            ("HSET", key, *_flat(fields)),
            campaign_entry(self._keys, campaign_id, now, actor, "create", name=name),
        ])  # fmt: skip
        # Last, so that a kill before leaves nothing that a list would show.
        await self._link.batch([
            ("SADD", self._keys.campaigns("ids"), campaign_id),
            self._heads.changed(),
            assign(self._keys, "campaign", campaign_id, agent_ids),
            change(self._keys, "campaign", campaign_id, {"what": "created"}),
        ])  # fmt: skip
        return await self.get(campaign_id)

    async def get(self, campaign_id: int) -> Campaign:
        """Raises NotFound."""
        found = await self._load([campaign_id])
        if not found:
            raise NotFound("There is no such campaign.")
        return found[0]

    async def list(
        self,
        *,
        status: Collection[str] = (),
        name: str | None = None,
        live: bool | None = None,
        sort: str = "-created_at",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Campaign]:
        """Raises Invalid for a bad cursor or sort."""
        heads = await self._heads.all()
        page = page_of(heads, Filter(frozenset(status), name, live), sort, limit, cursor)
        return Page(await self._load([head.id for head in page.items]), page.next_cursor)

    async def update(
        self,
        campaign_id: int,
        *,
        name: str | None = None,
        settings: CampaignSettings | None = None,
        agent_ids: Sequence[int] | None = None,
        version: int | None = None,
        actor: str,
        now: datetime,
    ) -> Campaign:
        """Raises NotFound, CampaignFinal, VersionConflict."""
        fields = _edited_fields(name, settings)
        detail = sorted(fields) + (["agent_ids"] if agent_ids is not None else [])
        head = ("" if version is None else version, codec.to_ms(now), actor)
        base = [self._keys.campaign(campaign_id)]
        arguments = (*head, codec.to_json({"fields": detail}), *_flat(fields))
        if settings is not None:
            await self._link.batch(joining(self._keys, campaign_id, settings))
        _raise_refusal((await self._link.batch([invoke("update_campaign", base, *arguments)]))[0])
        commands = [
            change(self._keys, "campaign", campaign_id, {"what": "edited"}),
            self._heads.changed(),
        ]
        if agent_ids is not None:
            commands.insert(0, assign(self._keys, "campaign", campaign_id, agent_ids))
            commands.append(change(self._keys, "agent", "", {"what": "assigned"}))
        await self._link.batch(commands)
        return await self.get(campaign_id)

    async def delete(self, campaign_id: int, actor: str, now: datetime) -> None:
        """Of a draft. Raises NotFound, InvalidTransition."""
        base = self._keys.campaign(campaign_id)
        n_contacts = (await self._link.batch([invoke("delete_campaign", [base])]))[0]
        if n_contacts == -1:
            raise NotFound("There is no such campaign.")
        if n_contacts == -2:
            raise InvalidTransition("Only a draft can be deleted.")
        await self._link.batch([
            ("SREM", self._keys.campaigns("ids"), campaign_id),
            self._heads.changed(),
            ("SREM", self._keys.campaigns("open"), campaign_id),
            assign(self._keys, "campaign", campaign_id, ()),
            change(self._keys, "campaign", campaign_id, {"what": "deleted"}),
        ])  # fmt: skip
        await self._remove_contacts(campaign_id, n_contacts)

    async def all_ids(self) -> Sequence[int]:
        return sorted(map(int, await self._link.call("SMEMBERS", self._keys.campaigns("ids"))))

    async def open_ids(self) -> Sequence[int]:
        """Active, paused, and stopped ones with live attempts or wrap-ups to end."""
        ids = sorted(map(int, await self._link.call("SMEMBERS", self._keys.campaigns("open"))))
        commands: list[Command] = []
        for campaign_id in ids:
            commands += [
                ("HGET", self._keys.campaign(campaign_id, "campaign"), "status"),
                ("ZCARD", self._keys.campaign(campaign_id, "leases")),
                ("ZCARD", self._keys.campaign(campaign_id, "wrapping")),
            ]
        answers = await self._link.batch(commands)
        rows = zip(ids, answers[::3], answers[1::3], answers[2::3], strict=True)
        verdicts = [(i, _is_open(status, live + wrapping)) for i, status, live, wrapping in rows]
        over = [i for i, is_open in verdicts if is_open is None]
        if over:
            await self._link.call("SREM", self._keys.campaigns("open"), *over)
        return [i for i, is_open in verdicts if is_open]

    async def fence(self, campaign_id: int, fence: Fence) -> None:
        base = [self._keys.campaign(campaign_id)]
        fenced = (await self._link.batch([invoke("fence", base, fence.epoch)]))[0]
        if fenced == -1:
            raise NotFound("There is no such campaign.")
        if not fenced:
            raise Fenced

    async def move(
        self, campaign_id: int, transition: Transition, actor: str, now: datetime
    ) -> Campaign:
        from_, to = transition.from_status, transition.to_status
        had = "" if transition.from_reason is None else f"={transition.from_reason}"
        arguments = (from_, to, transition.reason, actor, codec.to_ms(now), had)
        *_, moved = await self._link.batch([
            # First: whoever is active is always found by `open_ids`.
            ("SADD", self._keys.campaigns("open"), campaign_id),
            invoke("move", [self._keys.campaign(campaign_id)], *arguments),
        ])  # fmt: skip
        if moved == -1:
            raise NotFound("There is no such campaign.")
        if not moved:
            raise InvalidTransition(f"The campaign is not {from_} any more.")
        payload = {"what": "status", "status": to, "status_reason": transition.reason}
        told = change(self._keys, "campaign", campaign_id, payload)
        await self._link.batch([self._heads.changed(), told])
        return await self.get(campaign_id)

    async def statuses(self, campaign_ids: Sequence[int]) -> Sequence[str | None]:
        """None for one that does not exist any more."""
        keys = [self._keys.campaign(each, "campaign") for each in campaign_ids]
        return await self._link.batch([("HGET", key, "status") for key in keys])

    async def complete_if_exhausted(self, campaign_id: int, now: datetime) -> bool:
        base = [self._keys.campaign(campaign_id)]
        done = (await self._link.batch([invoke("complete", base, codec.to_ms(now))]))[0]
        if done:
            payload = {"what": "status", "status": "completed", "status_reason": ""}
            told = change(self._keys, "campaign", campaign_id, payload)
            await self._link.batch([self._heads.changed(), told])
        return bool(done)

    async def publish_live(self, campaign_id: int, figures: Mapping[str, object]) -> None:
        await self.publish_live_of({campaign_id: figures})

    async def publish_live_of(self, figures_of: Mapping[int, Mapping[str, object]]) -> None:
        await self._link.batch(
            [command for each in figures_of.items() for command in self._published(*each)]
        )

    def _published(self, campaign_id: int, figures: Mapping[str, object]) -> Sequence[Command]:
        key = self._keys.campaign(campaign_id, "live")
        commands: list[Command] = [("SET", key, codec.to_json(figures), "EX", LIVE_FIGURES_S)]
        if "at_s" in figures:
            commands.append(sample_command(self._keys.campaign(campaign_id, "hour"), figures))
        return commands

    async def live_figures(self, campaign_id: int) -> Mapping[str, object] | None:
        text = await self._link.call("GET", self._keys.campaign(campaign_id, "live"))
        figures: Mapping[str, object] | None = codec.from_json(text) if text else None
        return figures

    async def live_figures_of(
        self, campaign_ids: Sequence[int]
    ) -> Mapping[int, Mapping[str, object]]:
        """Of those that have any, in one round trip."""
        keys = [self._keys.campaign(campaign_id, "live") for campaign_id in campaign_ids]
        texts = await self._link.batch([("GET", key) for key in keys])
        pairs = zip(campaign_ids, texts, strict=True)
        return {campaign_id: codec.from_json(text) for campaign_id, text in pairs if text}

    async def last_hour(self, campaign_id: int, now: datetime) -> Sequence[Sample]:
        """What was published in the last hour, a sample for every few seconds, oldest first."""
        texts = await self._link.call("HVALS", self._keys.campaign(campaign_id, "hour"))
        return samples(texts, now.timestamp())

    async def assign_queue(self, campaign_id: int, queue: str) -> None:
        await self._link.batch([
            ("HSET", self._keys.campaign(campaign_id, "campaign"), "queue", queue),
            self._heads.changed(),
            change(self._keys, "campaign", campaign_id, {"what": "queue", "queue": queue}),
        ])  # fmt: skip

    async def pool_queues_in_use(self) -> Mapping[str, int]:
        """Queue name → campaign, over those that are not final."""
        heads = await self._heads.read()
        return {h.queue: h.id for h in heads if h.queue and h.status not in FINAL}

    async def _load(self, ids: Sequence[int]) -> Sequence[Campaign]:
        commands: list[Command] = [("GET", self._keys.system)]
        for campaign_id in ids:
            commands += [
                ("HGETALL", self._keys.campaign(campaign_id, "campaign")),
                ("HMGET", self._keys.campaign(campaign_id, "counts"), "contacts", "complete"),
                ("HGET", self._keys.agents("of_campaign"), campaign_id),
            ]
        system, *answers = await self._link.batch(commands)
        rows = zip(answers[::3], answers[1::3], answers[2::3], strict=True)
        return [_campaign(codec.pairs(flat), n, agents, system) for flat, n, agents in rows if flat]

    async def _remove_contacts(self, campaign_id: int, n_contacts: int) -> None:
        names = ["counts", "classes", "class_names", "waiting", "added", "audit", "live", "states"]
        places = await self._link.call("SMEMBERS", self._keys.campaign(campaign_id, "ready_places"))
        names += ["ready_places", "lists", "list_of", "list_counts", "list_weights", "list_names"]
        names += [f"ready:{place}" for place in places]
        names += [f"phones:{shard}" for shard in range(N_PHONE_SHARDS)]
        names += [f"k:{contact_id}" for contact_id in range(1, n_contacts + 1)]
        keys = [self._keys.campaign(campaign_id, name) for name in names]
        for start in range(0, len(keys), REMOVED_AT_ONCE):
            await self._link.call("UNLINK", *keys[start : start + REMOVED_AT_ONCE])


@lru_cache(maxsize=8)
def _system(json: str | None) -> SystemSettings:
    return parsed(json)


@lru_cache(maxsize=512)
def _settings(json: str) -> CampaignSettings:
    """Parsing costs more than reading, and engines read a campaign several times a second."""
    return CampaignSettings.model_validate_json(json)


def _new_fields(
    campaign_id: int, name: str, settings: CampaignSettings, now: datetime
) -> Mapping[str, Argument]:
    at = codec.to_ms(now)
    head: dict[str, Argument] = {
        "id": campaign_id,
        "created_at": at,
        "updated_at": at,
        "version": 1,
    }
    status: dict[str, Argument] = {
        "status": CampaignStatus.DRAFT.value,
        "reason": "",
        "queue": "",
        "importing": 0,
    }
    return {**head, **status, **_edited_fields(name, settings)}


def _edited_fields(name: str | None, settings: CampaignSettings | None) -> dict[str, Argument]:
    fields: dict[str, Argument] = {}
    if name is not None:
        fields["name"] = name
    if settings is not None:
        fields |= {"settings": settings.model_dump_json(), "live": int(settings.list.live)}
        # A CRM list is read once; the campaign does not complete before.
        fields["pulls"] = (
            (settings.list.connector_id or "") if settings.list.method == "crm" else ""
        )
    return fields


def _flat(fields: Mapping[str, Argument]) -> list[Argument]:
    return [part for pair in fields.items() for part in pair]


def _raise_refusal(answer: int) -> None:
    match answer:
        case -1:
            raise NotFound("There is no such campaign.")
        case -2:
            raise CampaignFinal
        case -3:
            raise VersionConflict


def _is_open(status: str | None, n_to_end: int) -> bool | None:
    """None: it can never be open again."""
    if status in (CampaignStatus.ACTIVE, CampaignStatus.PAUSED):
        return True
    if status == CampaignStatus.DRAFT:
        return False
    return True if n_to_end else None


def _campaign(
    f: Mapping[str, str], n: Sequence[str | None], agents: str | None, system: str | None
) -> Campaign:
    return Campaign(
        id=int(f["id"]),
        name=f["name"],
        created_at=codec.from_ms(f["created_at"]),
        updated_at=codec.from_ms(f["updated_at"]),
        version=int(f["version"]),
        status=CampaignStatus(f["status"]),
        status_reason=f["reason"],
        settings=_settings(f["settings"]),
        agent_ids=ids_of(agents),
        n_contacts=int(n[0] or 0),
        n_complete=int(n[1] or 0),
        n_importing=int(f.get("importing", 0)),
        queue=f.get("queue", ""),
        system=_system(system),
    )
