"""A campaign's contacts: added, read, withdrawn. Their calls are in `calls`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.core.contact import Contact, ContactState, NewContact
from engine.core.errors import CampaignFinal, Conflict, NotFound
from engine.store import codec
from engine.store.changes import change
from engine.store.contact_fields import STATE_CODES, contact_of, fields_of
from engine.store.contact_texts import name_line, texts_in, variables_line, variables_line_in
from engine.store.keys import Keys, digits, phone_shard
from engine.store.link import Argument, Command, Link
from engine.store.scripts import invoke

#: One script call blocks the server for less than a ms. What larger ones write to the append-only
#: file has left the processor's cache before it is written: 500 took a tenth longer.
BATCH: Final = 100
#: Batches in one round trip; the server serves others between two of them.
AT_ONCE: Final = 50
#: Contacts that a filtered page looks at one by one, where a campaign is from before their states
#: were kept together.
MAX_LOOKED_AT: Final = 2000
#: So often an edit is made anew because somebody else was faster.
MAX_EDITS: Final = 10
_ANY: Final = "-"
HOUR_MS: Final = 3_600_000
#: How long the answer to a batch with a token is kept for a repetition.
TOKEN_LIFETIME_S: Final = 86_400


class RedisContacts:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def add(
        self, campaign_id: int, contacts: Sequence[NewContact], now: datetime
    ) -> Sequence[int | None]:
        """Ids, None where the campaign has the number already. Raises NotFound, CampaignFinal."""
        return await self.add_ready(campaign_id, self.ready(campaign_id, contacts, now))

    def ready(
        self,
        campaign_id: int,
        contacts: Sequence[NewContact],
        now: datetime,
        *,
        token: str | None = None,
        list_id: int = 0,
    ) -> Sequence[Command]:
        """What `add_ready` sends: an import makes it while the part before is being added.

        With a token, repeating the same contacts gives the first answer: for an import that was
        killed between adding and taking note of it.
        """
        return [
            self._adding(
                campaign_id,
                contacts[start : start + BATCH],
                f"{token}:{start}" if token else "",
                now,
                list_id,
            )
            for start in range(0, len(contacts), BATCH)
        ]

    async def add_ready(
        self, campaign_id: int, commands: Sequence[Command]
    ) -> Sequence[int | None]:
        """As `add`. Several batches share a round trip: the server does not wait between them."""
        ids: list[int | None] = []
        told = change(self._keys, "campaign", campaign_id, {"what": "contacts"})
        for start in range(0, len(commands), AT_ONCE):
            some = commands[start : start + AT_ONCE]
            for answer in (await self._link.batch([*some, told]))[:-1]:
                if isinstance(answer, int):
                    raise NotFound("There is no such campaign.") if answer == -1 else CampaignFinal
                ids += [one or None for one in answer]
        return ids

    async def get(self, campaign_id: int, contact_id: int) -> Contact:
        """Raises NotFound."""
        _, *found = await self._read(campaign_id, contact_id, 1, "")
        if not found:
            raise NotFound("There is no such contact.")
        return _contact(found[0])

    async def list(
        self,
        campaign_id: int,
        *,
        after: int = 0,
        limit: int = 100,
        state: ContactState | None = None,
    ) -> tuple[Sequence[Contact], int | None]:
        """By id, and the id to go on after; None at the end. A filtered page may be short."""
        code = STATE_CODES[state] if state else ""
        last, *found = await self._read(campaign_id, after + 1, limit, code)
        return [_contact(one) for one in found], int(last) or None

    async def withdraw(
        self, campaign_id: int, contact_id: int, actor: str, now: datetime
    ) -> Contact:
        """Dialled no more, at once; an attempt in flight goes on. Raises NotFound."""
        base = [self._keys.campaign(campaign_id)]
        withdrawn, _ = await self._link.batch([
            invoke("withdraw", base, contact_id, codec.to_ms(now), actor),
            change(self._keys, "campaign", campaign_id, {"what": "withdrawn"}),
        ])  # fmt: skip
        if withdrawn == -1:
            raise NotFound("There is no such contact.")
        return await self.get(campaign_id, contact_id)

    async def edit(
        self,
        campaign_id: int,
        contact_id: int,
        *,
        actor: str,
        now: datetime,
        name: str | None = None,
        priority: int | None = None,
        active: bool | None = None,
        variables: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None,
    ) -> Contact:
        """None leaves as it is; acts on the next claim. `variables` makes the new ones from those
        that there are, and is asked again where somebody else changed them meanwhile.

        Raises NotFound, Conflict, and what `variables` raises.
        """
        given = {"name": name, "priority": priority, "active": active}
        for _ in range(MAX_EDITS):
            after, line = None, _ANY
            if variables is not None:
                before, line = await self._variables_of(campaign_id, contact_id)
                after = variables(before)
            edit = _Edit(contact_id, actor, now, {**given, "variables": after}, line)
            if await self._edited(campaign_id, edit):
                return await self.get(campaign_id, contact_id)
        raise Conflict("Others change this contact all the time: try again.")

    async def _edited(self, campaign_id: int, edit: _Edit) -> bool:
        """False: the variables are others by now."""
        base = [self._keys.campaign(campaign_id)]
        edited, _ = await self._link.batch([
            invoke("edit_contact", base, *edit.arguments),
            change(self._keys, "campaign", campaign_id, {"what": "contacts"}),
        ])  # fmt: skip
        if edited == -1:
            raise NotFound("There is no such contact.")
        return bool(edited != -2)

    async def _variables_of(self, campaign_id: int, contact_id: int) -> tuple[dict[str, str], str]:
        """And the line that they stand in. Raises NotFound."""
        _, *found = await self._read(campaign_id, contact_id, 1, "")
        if not found:
            raise NotFound("There is no such contact.")
        fields = codec.pairs(found[0][2:])
        return texts_in(fields).get("v", {}), variables_line_in(fields)

    async def holders(
        self, campaign_ids: Sequence[int], phones: Sequence[str], since: datetime | None
    ) -> Sequence[int | None]:
        """For each phone the first of the campaigns that has it, by a contact added since."""
        held: list[int | None] = [None] * len(phones)
        for campaign_id in reversed(campaign_ids):
            added = await self._added(campaign_id) if since else ()
            for i, contact_id in enumerate(await self._contacts_of(campaign_id, phones)):
                if contact_id and (since is None or _is_since(contact_id, added, since)):
                    held[i] = campaign_id
        return held

    async def _contacts_of(self, campaign_id: int, phones: Sequence[str]) -> Sequence[int]:
        """The contact that each phone belongs to; 0 for none."""
        tables = [self._keys.campaign(campaign_id, f"phones:{phone_shard(p)}") for p in phones]
        asked = [("HGET", key, digits(p)) for key, p in zip(tables, phones, strict=True)]
        return [int(one or 0) for one in await self._link.batch(asked)]

    async def _added(self, campaign_id: int) -> Sequence[tuple[int, int]]:
        """Of each hour in which contacts came, the first contact and the hour since 1970."""
        key = self._keys.campaign(campaign_id, "added")
        flat = codec.pairs(await self._link.call("ZRANGE", key, 0, -1, "WITHSCORES"))
        return [(int(first), int(hour)) for hour, first in flat.items()]

    def _adding(
        self,
        campaign_id: int,
        contacts: Sequence[NewContact],
        token: str,
        now: datetime,
        list_id: int,
    ) -> Command:
        head = (token, TOKEN_LIFETIME_S * 1000, codec.to_ms(now), list_id)
        return invoke("add_contacts", [self._keys.campaign(campaign_id)], *head, _packed(contacts))

    async def _read(self, campaign_id: int, first: int, n: int, state: str) -> Any:
        base = [self._keys.campaign(campaign_id)]
        return (await self._link.batch([invoke("contacts", base, first, n, state, MAX_LOOKED_AT)]))[
            0
        ]


@dataclass(frozen=True, slots=True)
class _Edit:
    """`before`: the line of the variables that the new ones were made from, or _ANY."""

    contact_id: int
    actor: str
    now: datetime
    given: Mapping[str, Any]
    before: str

    @property
    def arguments(self) -> Sequence[Argument]:
        name, priority, active, variables = self.given.values()
        detail = {key: value for key, value in self.given.items() if value is not None}
        told = codec.to_json({"contact_id": self.contact_id, **detail})
        flag = "" if active is None else int(active)
        texts = [] if name is None else ["nm", name_line(name)]
        texts += [] if variables is None else ["v", variables_line(variables)]
        head = (self.contact_id, codec.to_ms(self.now), self.actor, told, priority or "", flag)
        return (*head, self.before, *texts)


def _packed(contacts: Sequence[NewContact]) -> str:
    """All in one argument: a dozen for each contact cost the server a fifth of an import."""
    flat: list[str | int] = []
    for contact in contacts:
        phone, fields = contact.phone, fields_of(contact)
        flat += (contact.hours_class, digits(phone), str(phone_shard(phone)), contact.priority)
        flat += (len(contact.phones) * 2, len(fields) * 2)
        for other in contact.phones:
            flat += (digits(other), str(phone_shard(other)))
        for pair in fields.items():
            flat += pair
    return codec.to_json(flat)


def _is_since(contact_id: int, added: Sequence[tuple[int, int]], since: datetime) -> bool:
    """The contact came in an hour that was not over at `since`."""
    place = bisect_right(added, contact_id, key=lambda each: each[0]) - 1
    return place >= 0 and codec.from_ms((added[place][1] + 1) * HOUR_MS) > since


def _contact(one: Sequence[Any]) -> Contact:
    contact_id, hours_class, *flat = one
    return contact_of(int(contact_id), hours_class, codec.pairs(flat))
