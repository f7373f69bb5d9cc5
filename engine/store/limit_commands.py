"""The scripts of limits as commands, for numbers and for persons: ask and hold, note, release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from engine.core import limits as rules
from engine.core.limits import Limits, Refusal
from engine.core.outcome import Outcome
from engine.core.settings import MAX_LOCK_S, LimitSettings
from engine.ports import Heard, Wanted
from engine.store import codec
from engine.store.keys import Keys, digits, person_digest
from engine.store.link import Argument, Command
from engine.store.scripts import invoke

_DAY_S = 86_400


class LimitCommands:
    """`how` are words of `reserve.lua`: force, again. A `person` is a digest."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def number(
        self, one: Wanted, limits: LimitSettings, now: datetime, *, how: str = ""
    ) -> Command:
        keys = self._keys.number(one.phone)
        lists = [keys.dnc_of(scope) for scope in one.scopes]
        person = person_digest(one.person) if one.person else ""
        most = rules.of_number(limits, one.hours_class, has_person=bool(one.person))
        head = (digits(one.phone), one.attempt_id, codec.to_ms(now))
        return invoke("reserve", [*keys.all, *lists], *head, *_tail(most), person, how)

    def person(
        self, one: Wanted, limits: LimitSettings, now: datetime, *, how: str = ""
    ) -> Command:
        person, most = person_digest(one.person), rules.of_person(limits, one.hours_class)
        # Counted also where the campaign limits no persons: another one may, or this one later.
        how = how if most.is_any else f"force {how}"
        head = (person, one.attempt_id, codec.to_ms(now))
        return invoke("reserve", self._keys.person(person).all, *head, *_tail(most), "", how)

    def note_number(self, one: Heard, at: datetime) -> Command:
        return _note(self._keys.number(one.phone).all, digits(one.phone), one.outcome, at)

    def note_person(self, one: Heard, at: datetime) -> Command:
        person = person_digest(one.person)
        return _note(self._keys.person(person).all, person, one.outcome, at)

    def release_number(self, phone: str, attempt: str, placed: bool) -> Command:
        keys = self._keys.number(phone).all
        return invoke("release", keys, digits(phone), attempt, int(placed))

    def release_person(self, person: str, attempt: str, placed: bool) -> Command:
        keys = self._keys.person(person).all
        return invoke("release", keys, person, attempt, int(placed))


def pairs(answer: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Reason and value of each refusal."""
    items = iter(answer)
    return zip(items, items, strict=True)


def refusals(answer: Sequence[Any], prefix: str = "") -> list[Refusal]:
    """A held number has no instant: it is free when the other call ends."""
    return [
        Refusal(
            reason=prefix + reason,
            until=None if reason in ("dnc", "live") else codec.from_ms(value),
        )
        for reason, value in pairs(answer)
    ]


def _note(keys: Sequence[str], id: str, outcome: Outcome, at: datetime) -> Command:
    which, second = rules.REMEMBERED.index(outcome) + 1, -(-codec.to_ms(at) // 1000)
    return invoke("remember", keys, id, which, second, MAX_LOCK_S + _DAY_S)


def _tail(limits: Limits) -> tuple[Argument, ...]:
    return (
        limits.max_per_24h,
        limits.max_per_7d,
        limits.after_abandon_s,
        limits.after_machine_s,
        limits.after_conversation_s,
    )
