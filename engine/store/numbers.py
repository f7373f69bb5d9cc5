"""What holds for a phone number, and for a person, across campaigns: live call, how often called.

No entry expires into a permission. A number stays held until its attempt is over; where an engine
died between settling and release, the next one that wants the number frees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from engine.core import limits as rules
from engine.core.ids import campaign_of
from engine.core.limits import Refusal
from engine.core.settings import LimitSettings
from engine.ports import Heard, Wanted
from engine.store.dnc import RedisDnc
from engine.store.keys import Keys, digits, person_digest
from engine.store.limit_commands import LimitCommands, pairs, refusals
from engine.store.link import Command, Link


class RedisNumbers:
    def __init__(self, link: Link, keys: Keys, dnc: RedisDnc) -> None:
        self._link, self._keys, self._dnc = link, keys, dnc
        self._scripts = LimitCommands(keys)

    async def reserve(
        self,
        wanted: Sequence[Wanted | tuple[str, str]],
        limits: LimitSettings,
        now: datetime,
        *,
        again: bool = False,
    ) -> Sequence[Refusal | None]:
        """None where number and person are the attempt's now; counted in their histories."""
        all_wanted, how = [Wanted(*one) for one in wanted], "again" if again else ""
        against = await self._of_numbers(all_wanted, limits, now, how=how)
        free = [i for i, found in enumerate(against) if not found]
        persons = await self._of_persons([all_wanted[i] for i in free], limits, now, how=how)
        for i, found in zip(free, persons, strict=True):
            against[i] = found
        refused = [all_wanted[i] for i in free if against[i]]
        await self.release([(one.phone, one.attempt_id, False) for one in refused])
        return [rules.decisive(found) for found in against]

    async def take(self, made: Sequence[tuple[Wanted, datetime]]) -> None:
        """For calls that were made: held and counted at these instants whatever is against it."""
        free = LimitSettings()
        numbers = [self._scripts.number(one, free, at, how="force") for one, at in made]
        persons = [
            self._scripts.person(one, free, at, how="force") for one, at in made if one.person
        ]
        await self._link.batch([*numbers, *persons])

    async def standing(
        self, asked: Sequence[Wanted], limits: LimitSettings, now: datetime
    ) -> Sequence[Sequence[Refusal]]:
        """All that stands against each now, by the same script; nothing is reserved."""
        mere = [one._replace(attempt_id="") for one in asked]
        numbers = await self._of_numbers(mere, limits, now)
        limited = [one if _limits_person(one, limits) else one._replace(person="") for one in mere]
        persons = await self._of_persons(limited, limits, now)
        return [[*pair[0], *pair[1]] for pair in zip(numbers, persons, strict=True)]

    async def remember(self, heard: Sequence[tuple[Heard, datetime]]) -> None:
        """At its instant each, before they are settled: what lock-outs ask for."""
        known = [(one, at) for one, at in heard if one.outcome in rules.REMEMBERED]
        numbers = [self._scripts.note_number(one, at) for one, at in known]
        persons = [self._scripts.note_person(one, at) for one, at in known if one.person]
        await self._link.batch([*numbers, *persons])

    async def release(self, held: Sequence[tuple[str, str, bool]]) -> None:
        """(phone, attempt id, was placed) each; the attempt's person is released with it."""
        persons = await self._link.batch([self._scripts.release_number(*one) for one in held])
        await self._release_persons(
            (person, attempt, placed)
            for person, (_, attempt, placed) in zip(persons, held, strict=True)
            if person
        )

    async def add_dnc(self, phone: str, source: str, actor: str, now: datetime) -> bool:
        return await self._dnc.add(phone, source=source, actor=actor, now=now)

    async def on_dnc(self, asked: Sequence[tuple[str, Sequence[str]]]) -> Sequence[bool]:
        """(phone, scopes) each: whether a do-not-call list has it now."""
        return await self._dnc.listed(asked)

    async def live_owner(self, phone: str) -> str | None:
        """The attempt that holds the number now."""
        owner = await self._link.call("HGET", self._keys.number(phone).live, digits(phone))
        return owner.partition("|")[0] if owner else None

    async def _of_numbers(
        self, wanted: Sequence[Wanted], limits: LimitSettings, now: datetime, *, how: str = ""
    ) -> list[list[Refusal]]:
        commands = [self._scripts.number(one, limits, now, how=how) for one in wanted]
        answers, prefixed = await self._dnc.with_prefixes(
            commands, [(one.phone, one.scopes) for one in wanted]
        )
        over = await self._holders_that_are_over(answers)
        if over:
            await self.release([(wanted[i].phone, holder, True) for i, holder in over])
            await self._repeat(commands, answers, {i for i, _ in over})
        return await self._with_prefixes(wanted, [refusals(a) for a in answers], prefixed)

    async def _with_prefixes(
        self, wanted: Sequence[Wanted], found: list[list[Refusal]], prefixed: Sequence[bool]
    ) -> list[list[Refusal]]:
        hit = [i for i, is_hit in enumerate(prefixed) if is_hit]
        taken = [(wanted[i].phone, wanted[i].attempt_id, False) for i in hit if not found[i]]
        await self.release([one for one in taken if one[1]])
        for i in hit:
            rest = [refusal for refusal in found[i] if refusal.reason != "dnc"]
            found[i] = [Refusal(reason="dnc", until=None), *rest]
        return found

    async def _of_persons(
        self, wanted: Sequence[Wanted], limits: LimitSettings, now: datetime, *, how: str = ""
    ) -> list[list[Refusal]]:
        asked = [(i, one) for i, one in enumerate(wanted) if one.person]
        commands = [self._scripts.person(one, limits, now, how=how) for _, one in asked]
        answers = await self._link.batch(commands)
        over = await self._holders_that_are_over(answers)
        if over:
            await self._release_persons(
                (person_digest(asked[i][1].person), holder, True) for i, holder in over
            )
            await self._repeat(commands, answers, {i for i, _ in over})
        found: list[list[Refusal]] = [[] for _ in wanted]
        for (i, _), answer in zip(asked, answers, strict=True):
            found[i] = refusals(answer, "person_")
        return found

    async def _repeat(
        self, commands: Sequence[Command], answers: list[Any], places: Iterable[int]
    ) -> None:
        """Ask those again, in the order in which they were asked first."""
        ordered = sorted(places)
        again = await self._link.batch([commands[i] for i in ordered])
        for i, answer in zip(ordered, again, strict=True):
            answers[i] = answer

    async def _release_persons(self, held: Iterable[tuple[str, str, bool]]) -> None:
        await self._link.batch([self._scripts.release_person(*one) for one in held])

    async def _holders_that_are_over(
        self, answers: Sequence[Sequence[str]]
    ) -> Sequence[tuple[int, str]]:
        """Place in the answers and holder, where the holder is no live attempt any more.

        An attempt is live in the store from before it reserves until it is settled or given back,
        and its id is never used again.
        """
        held = [
            (i, holder)
            for i, answer in enumerate(answers)
            for reason, holder in pairs(answer)
            if reason == "live"
        ]
        named = [(i, holder, campaign_of(holder)) for i, holder in held]
        known = [(i, holder, campaign) for i, holder, campaign in named if campaign is not None]
        keys = [self._keys.campaign(campaign, f"a:{holder}") for _, holder, campaign in known]
        exist = await self._link.batch([("EXISTS", key) for key in keys])
        return [(i, holder) for (i, holder, _), live in zip(known, exist, strict=True) if not live]


def _limits_person(one: Wanted, limits: LimitSettings) -> bool:
    return rules.of_person(limits, one.hours_class).is_any
