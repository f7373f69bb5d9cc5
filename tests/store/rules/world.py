"""Two campaigns on a real store, and what people do to them."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Self

from crm import import_run
from engine.core.campaign import CampaignStatus, Transition
from engine.core.contact import COMPLETE, Contact, NewContact
from engine.core.hours import hours_class
from engine.ports import Fence
from engine.store import RedisStore

from .books import NOW, ZONES, Books, Dialled, Side, people, rules
from .judging import judge_contact

#: The most rows of one list.
ROWS = 4


class World:
    """The clock, the store, and the books of what happened."""

    def __init__(self, store: RedisStore) -> None:
        self.store, self.now, self.serial = store, NOW, 0
        self.books, self.sides = Books(), list[Side]()
        self.n_lists = 0

    @classmethod
    async def begin(cls, url: str) -> Self:
        world = cls(await RedisStore.connect(url, prefix=f"r{secrets.token_hex(6)}"))
        for number, name in enumerate("AB", 1):
            campaign = await world.store.campaigns.create(name, rules(), [], "m", NOW)
            step = Transition(CampaignStatus.DRAFT, CampaignStatus.ACTIVE, "")
            await world.store.campaigns.move(campaign.id, step, "m", NOW)
            await world.store.campaigns.fence(campaign.id, Fence(owner="e1", epoch=1))
            new = list(people(number))
            await world.store.contacts.add(campaign.id, new, NOW)
            world.sides.append(Side(campaign.id, dict(enumerate(new, 1))))
        return world

    def side_of(self, dial: Dialled) -> Side:
        return next(side for side in self.sides if side.id == dial.side)

    async def contacts(self, side: Side) -> list[Contact]:
        return list((await self.store.contacts.list(side.id, limit=1000))[0])

    # ----------------------------------------------------------------------------- people

    async def edit_caps(self, side: Side, cap: int, hard: int) -> None:
        side.settings = rules(cap, hard)
        side.least_cap = (min(cap, side.least_cap[0]), min(hard, side.least_cap[1]))
        await self.store.campaigns.update(side.id, settings=side.settings, actor="m", now=self.now)

    async def withdraw(self, side: Side, contact_id: int) -> None:
        await self.store.contacts.withdraw(side.id, contact_id, "m", self.now)
        side.withdrawn.add(contact_id)

    async def set_active(self, side: Side, contact_id: int, *, active: bool) -> None:
        await self.store.contacts.edit(side.id, contact_id, actor="m", now=self.now, active=active)
        (side.inactive.discard if active else side.inactive.add)(contact_id)

    async def forbid(self, what: str, scope: str, *, prefix: bool = False) -> None:
        add = self.store.dnc.add_prefix if prefix else self.store.dnc.add
        await add(what, source="x", actor="m", now=self.now, scope=scope)
        self.books.listed.add((what, scope))
        self.books.ever_listed.add(what)

    async def free(self, what: str, scope: str, *, prefix: bool = False) -> None:
        remove = self.store.dnc.remove_prefix if prefix else self.store.dnc.remove
        await remove(what, "m", self.now, scope=scope)
        self.books.listed.discard((what, scope))

    async def pause_or_play(self, side: Side) -> None:
        both = (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
        step = Transition(*(both if side.active else both[::-1]), "manual" if side.active else "")
        await self.store.campaigns.move(side.id, step, "m", self.now)
        side.active = not side.active

    # ------------------------------------------------------------------------------ lists

    async def upload(self, side: Side, n: int, *, again: bool) -> None:
        """A list of n people, or the one before once more; a worker reads it later."""
        self.n_lists += not again
        if not self.n_lists:
            return
        rows = [_person(self.n_lists, i) for i in range(n if not again else ROWS)]
        lines = [f"{row.phone},{row.timezone},{row.person_key}" for row in rows]
        text = "\n".join(["phone,timezone,person_key", *lines, lines[0], "x,,", ""])
        imports = self.store.imports
        name = f"{self.n_lists}.csv"
        import_id = await imports.create(side.id, filename=name, now=datetime.now(NOW.tzinfo))
        for part in (text[:40], text[40:]):
            await imports.append(import_id, part.encode(), datetime.now(NOW.tzinfo))
        await imports.seal(import_id, datetime.now(NOW.tzinfo))
        side.imports[import_id] = rows

    async def read_list(self, side: Side, *, dies: bool) -> None:
        """A worker reads a list to its end, or dies after its first part."""
        import_id, rows = next(iter(side.imports.items()))
        parts = iter((True, False))
        may_go_on = (lambda: next(parts, False)) if dies else (lambda: True)
        ended = await import_run.run(self.store, import_id, may_go_on)
        await self._enter(side, rows)
        if ended != "done":
            return
        side.imports.pop(import_id)
        told = await self.store.imports.get(side.id, import_id)
        assert told.created + told.duplicates + told.rejected == len(rows) + 2, told
        free = [row.phone for row in rows if not self.books.was_listed(row.phone)]
        assert len(free) < len(rows) or told.rejected == 1, told
        phones = [contact.phone for contact in side.contacts.values()]
        assert all(phones.count(phone) == 1 for phone in free), "a row was lost or came twice"

    async def _enter(self, side: Side, rows: list[NewContact]) -> None:
        of_phone = {row.phone: row for row in rows}
        for contact in await self.contacts(side):
            if contact.contact_id not in side.contacts:
                side.contacts[contact.contact_id] = of_phone[contact.phone]

    # ---------------------------------------------------------------------------- judging

    async def complete(self, side: Side) -> None:
        states = [contact.state for contact in await self.contacts(side)]
        over = all(state in COMPLETE for state in states) and not side.imports
        done = await self.store.campaigns.complete_if_exhausted(side.id, self.now)
        assert done == (over and side.active and not side.done)
        side.done |= done

    async def judge(self) -> None:
        for side in self.sides:
            contacts = await self.contacts(side)
            campaign = await self.store.campaigns.get(side.id)
            n_over = sum(contact.state in COMPLETE for contact in contacts)
            progress = n_over * 1000 // len(contacts) / 10
            assert (campaign.n_complete, campaign.progress) == (n_over, progress)
            for contact in contacts:
                judge_contact(self.books, side, contact)


def _person(n_list: int, i: int) -> NewContact:
    phone, zone = f"+1212{2_340_000 + n_list * 10 + i}", ZONES[i % 3]
    return NewContact(
        phone=phone, timezone=zone, person_key=f"L{n_list}-{i}",
        hours_class=hours_class(phone, zone),
    )  # fmt: skip
