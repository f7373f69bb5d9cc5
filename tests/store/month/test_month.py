"""A month's calls judged by a checker that knows no rule of ours.

It reads the attempts, the contacts as they were imported, and the store's own audit log; it has its
own arithmetic for local time, counts and pauses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.core.attempt import AttemptRecord
from engine.core.contact import COMPLETE, NewContact
from engine.core.outcome import Outcome
from engine.store import AuditEntry, RedisStore

HOLIDAY, NEVER = date(2026, 3, 17), datetime(2999, 1, 1, tzinfo=UTC)
#: What the checker knows of postal codes: their clock, and whether Florida's rules hold there.
POSTAL = {
    "10001": ("America/New_York", False), "60601-1234": ("America/Chicago", False),
    "33101": ("America/New_York", True), "80202": ("America/Denver", False),
    "85001": ("America/Phoenix", False), "96813": ("Pacific/Honolulu", False),
}  # fmt: skip
#: The clock of an area code, for contacts of whom nothing else is known.
AREA_CLOCK = {"212": "America/New_York", "305": "America/New_York", "415": "America/Los_Angeles"}
DELAY_S = {"busy": 300, "no_answer": 3600, "machine": 60, "abandoned": 60, "unknown": 900}
#: Where an engine can die, and what it leaves: claims, reserved numbers, calls that may have left,
#: calls that ended, attempts that were settled and still hold their numbers.
STEPS = ("claimed", "reserved", "marked", "ended", "settled")


@dataclass
class Log:
    """What happened from outside, as the store's audit tells it."""

    contacts: list[NewContact] = field(default_factory=list)
    #: By number or prefix and list: when it was forbidden, freed, forbidden, …
    forbidden: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    withdrawn: dict[int, datetime] = field(default_factory=dict)


async def log_of(store: RedisStore, campaign_id: int, contacts: list[NewContact]) -> Log:
    log, entries = Log(contacts), list[AuditEntry]()
    cursor: str | None = None
    while True:
        page = await store.audit.list(limit=1000, cursor=cursor)
        entries += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    for one in reversed(entries):  # they come newest first
        if one.action.startswith(("dnc_add", "dnc_remove")):
            scope = str(one.detail.get("scope", ""))
            log.forbidden.setdefault((one.subject, scope), []).append(one.at)
        elif one.action == "withdraw" and one.subject.startswith(f"contact:{campaign_id}/"):
            log.withdrawn.setdefault(int(one.subject.partition("/")[2]), one.at)
    return log


def violations(
    attempts: Sequence[AttemptRecord], log: Log, scopes: Sequence[str] = ("",)
) -> Iterator[str]:
    by_phone: dict[str, list[AttemptRecord]] = defaultdict(list)
    by_person: dict[str, list[AttemptRecord]] = defaultdict(list)
    by_contact: dict[int, list[AttemptRecord]] = defaultdict(list)
    for one in sorted(attempts, key=lambda a: a.started_at):
        contact = log.contacts[one.contact_id - 1]
        if one.phone not in (contact.phone, *contact.phones):
            yield f"{one.attempt_id}: not a phone of its contact"
        yield from _outside_hours(one, contact)
        if any(_is_forbidden(one, each, log) for each in scopes):
            yield f"{one.attempt_id}: forbidden number"
        if one.started_at >= log.withdrawn.get(one.contact_id, NEVER):
            yield f"{one.attempt_id}: withdrawn"
        by_phone[one.phone].append(one)
        by_person[str(contact.person_key)].append(one)
        by_contact[one.contact_id].append(one)
    for some in by_phone.values():
        most = 3 if any(_in_florida(log.contacts[one.contact_id - 1]) for one in some) else 4
        yield from _too_many(some, most, 86_400)
        yield from _too_many(some, 7, 7 * 86_400)
        yield from _too_soon(some)
    for some in by_person.values():
        yield from _too_many(some, 7, 7 * 86_400)
        yield from _too_soon(some)
    for some in by_contact.values():
        yield from _bad_life(some)


def _is_forbidden(one: AttemptRecord, scope: str, log: Log) -> bool:
    """By the number or by a beginning of it: an odd count of changes up to then is `listed`."""
    for length in range(2, len(one.phone) + 1):
        times = log.forbidden.get((one.phone[:length], scope), ())
        if sum(at <= one.started_at for at in times) % 2:
            return True
    return False


def _outside_hours(one: AttemptRecord, contact: NewContact) -> Iterator[str]:
    local = one.started_at.astimezone(ZoneInfo(_clock(contact)))
    minute = local.hour * 60 + local.minute
    closes = 20 * 60 if _in_florida(contact) else 20 * 60 + 30
    if not 540 <= minute < closes or local.isoweekday() == 7 or local.date() == HOLIDAY:
        yield f"{one.attempt_id}: at {local}"


def _clock(contact: NewContact) -> str:
    coded = POSTAL.get(contact.postal_code or "", ("", False))[0]
    return contact.timezone or coded or AREA_CLOCK[contact.phone[2:5]]


def _in_florida(contact: NewContact) -> bool:
    """By an area code or by the postal code: either may be where the person is."""
    has_number = any(p.startswith("+1305") for p in (contact.phone, *contact.phones))
    return has_number or POSTAL.get(contact.postal_code or "", ("", False))[1]


def _too_many(some: Sequence[AttemptRecord], most: int, span_s: int) -> Iterator[str]:
    at = [one.started_at.timestamp() for one in some]
    for first, last in zip(at, at[most:], strict=False):
        if last - first < span_s:
            yield f"{some[0].phone}: {most + 1} calls in {last - first} s"


def _too_soon(some: Sequence[AttemptRecord]) -> Iterator[str]:
    for i, before in enumerate(some):
        pause = {"abandoned": 72 * 3600, "machine": 24 * 3600}.get(before.outcome)
        for after in some[i + 1 :] if pause else ():
            if (after.started_at - before.ended_at).total_seconds() < (pause or 0):
                yield f"{after.attempt_id}: {after.started_at} after {before.outcome}"
        for after in some[i + 1 : i + 2]:
            if after.started_at < before.ended_at:
                yield f"{after.attempt_id}: while another call was live"


def _bad_life(some: Sequence[AttemptRecord]) -> Iterator[str]:
    if sum(one.outcome != "busy" for one in some) > 6 or len(some) > 8:
        yield f"contact {some[0].contact_id}: {len(some)} dials"
    if [one.number for one in some] != list(range(1, len(some) + 1)):
        yield f"contact {some[0].contact_id}: numbers {[one.number for one in some]}"
    invalid = {one.phone: i for i, one in enumerate(some) if one.outcome == "invalid_number"}
    if any(one.phone in invalid and i > invalid[one.phone] for i, one in enumerate(some)):
        yield f"contact {some[0].contact_id}: a phone that is not in use was dialled again"
    for before, after in pairwise(some):
        delay = DELAY_S.get(before.outcome, 0)
        if (after.started_at - before.ended_at).total_seconds() < delay:
            yield f"{after.attempt_id}: early"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "n_contacts", [5_000, pytest.param(100_000, marks=pytest.mark.soak)], ids=["short", "full"]
)
async def test_a_month_breaks_no_rule(store: RedisStore, month: Any, n_contacts: int) -> None:
    await month.run(n_contacts)
    log = await log_of(store, month.id, month.contacts)
    attempts: list[AttemptRecord] = []
    after: str | None = None
    while True:
        page, after = await store.attempts.list(month.id, after=after, limit=1000)
        attempts += page
        if after is None:
            break
    assert list(violations(attempts, log, ("", *month.scopes))) == []
    assert len(attempts) > 2 * n_contacts
    assert sorted(month.n_died) == sorted(STEPS)
    assert len(log.forbidden) > 100 and log.withdrawn
    states: list[bool] = []
    next_id: int | None = 0
    while next_id is not None:
        contacts, next_id = await store.contacts.list(month.id, after=next_id, limit=1000)
        states += [contact.state in COMPLETE for contact in contacts]
    counted, found = await store.calls.counts(month.id), await store.campaigns.get(month.id)
    assert (counted["attempts"], counted.get("in_flight", 0)) == (len(attempts), 0)
    assert (await store.calls.live(month.id), month.n_stale) == ([], month.n_died.total())
    assert (len(states), sum(states)) == (n_contacts, found.n_complete)


def test_the_checker_sees_what_is_wrong(two_people: list[NewContact]) -> None:
    """It must be able to fail: each of these breaks one rule."""
    log = Log(contacts=two_people)
    contact = log.contacts[0]
    noon = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo(str(contact.timezone))).astimezone(UTC)

    def call(number: int, at: datetime, outcome: Outcome = Outcome.UNKNOWN) -> AttemptRecord:
        return AttemptRecord(
            attempt_id=f"1a{number}", campaign_id=1, contact_id=1, number=number,
            phone=contact.phone, caller_id="", trunk="", node="", started_at=at,
            ended_at=at + timedelta(seconds=30), outcome=outcome,
        )  # fmt: skip

    assert list(violations([call(1, noon)], log)) == []
    hour = timedelta(hours=1)
    wrong = [
        [call(1, noon - 12 * hour)],
        [call(1, noon + 4 * 24 * hour)],
        [call(n + 1, noon + n * hour) for n in range(5)],
        [call(1, noon, Outcome.ABANDONED), call(2, noon + 48 * hour)],
        [call(1, noon, Outcome.MACHINE), call(2, noon + 5 * hour)],
        [call(1, noon), call(2, noon + timedelta(seconds=5))],
        [call(1, noon, Outcome.NO_ANSWER), call(2, noon + timedelta(minutes=59))],
        [call(1, noon, Outcome.INVALID_NUMBER), call(2, noon + hour)],
    ]
    assert [bool(list(violations(some, log))) for some in wrong] == [True] * len(wrong)
    for what, scope, times, is_wrong in (
        (contact.phone, "", [noon - hour], True),
        (contact.phone[:7], "c1", [noon], True),
        (contact.phone, "", [noon - 2 * hour, noon - hour], False),
        (contact.phone, "", [noon - 3 * hour, noon - 2 * hour, noon - hour], True),
        (contact.phone, "c2", [noon - hour], False),
        (contact.phone, "", [noon + hour], False),
    ):
        log.forbidden = {(what, scope): times}
        assert bool(list(violations([call(1, noon)], log, ("", "c1")))) == is_wrong
    log.forbidden, log.withdrawn = {}, {1: noon}
    assert list(violations([call(1, noon)], log)) != []
    log.withdrawn = {}
    for code, hour_there, is_wrong in (
        ("80202", 21, True), ("80202", 20, False), ("33101", 20, True), ("33101", 19, False),
        ("00000", 20, False), ("96813", 8, True),
    ):  # fmt: skip
        log.contacts[0] = contact._replace(timezone=None, postal_code=code)
        clock = ZoneInfo(POSTAL.get(code, ("America/New_York",))[0])
        at = datetime(2026, 3, 4, hour_there, 15, tzinfo=clock).astimezone(UTC)
        assert bool(list(violations([call(1, at)], log))) == is_wrong
