"""A checker that knows no rule of ours.

It reads the attempts, the contacts as they were imported, and the store's own audit log; it has its
own arithmetic for local time, counts and pauses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from engine.core.attempt import AttemptRecord
from engine.core.contact import NewContact
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
PAUSE_S = {"abandoned": 72 * 3600, "machine": 24 * 3600, "answered": 48 * 3600}
#: From when on a contact has 4 attempts and 6 dials at most in place of 6 and 8.
LOWERED_AT = datetime(2026, 3, 13, 5, tzinfo=UTC)
DELAY_S = {"busy": 300, "no_answer": 3600, "machine": 60, "abandoned": 60, "unknown": 900}


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
        yield from _same_part(some, log.contacts[some[0].contact_id - 1])


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
        pause = PAUSE_S.get(before.outcome)
        for after in some[i + 1 :] if pause else ():
            if (after.started_at - before.ended_at).total_seconds() < (pause or 0):
                yield f"{after.attempt_id}: {after.started_at} after {before.outcome}"
        for after in some[i + 1 : i + 2]:
            if after.started_at < before.ended_at:
                yield f"{after.attempt_id}: while another call was live"


def _bad_life(some: Sequence[AttemptRecord]) -> Iterator[str]:
    n_counted = 0
    for n_dials, one in enumerate(some):
        most = (4, 6) if one.started_at >= LOWERED_AT else (6, 8)
        if n_counted >= most[0] or n_dials >= most[1]:
            yield f"{one.attempt_id}: after {n_counted} attempts and {n_dials} dials"
        n_counted += one.outcome != "busy"
    if [one.number for one in some] != list(range(1, len(some) + 1)):
        yield f"contact {some[0].contact_id}: numbers {[one.number for one in some]}"
    invalid = {one.phone: i for i, one in enumerate(some) if one.outcome == "invalid_number"}
    if any(one.phone in invalid and i > invalid[one.phone] for i, one in enumerate(some)):
        yield f"contact {some[0].contact_id}: a phone that is not in use was dialled again"
    for before, after in pairwise(some):
        delay = DELAY_S.get(before.outcome, 0)
        if (after.started_at - before.ended_at).total_seconds() < delay:
            yield f"{after.attempt_id}: early"
        if before.next_dial_at is None:
            yield f"{after.attempt_id}: after the contact's end, {before.outcome}"
        elif after.started_at < before.next_dial_at:
            yield f"{after.attempt_id}: before what was agreed on, {before.next_dial_at}"
        if before.outcome == "rejected":
            yield f"{after.attempt_id}: after {before.outcome}"


def _same_part(some: Sequence[AttemptRecord], contact: NewContact) -> Iterator[str]:
    """After three dials the next is in another part of the day; a callback keeps its instant."""
    zone = ZoneInfo(_clock(contact))
    for n_dials, (before, after) in enumerate(pairwise(some), 1):
        parts = [_part(each.started_at.astimezone(zone).hour) for each in (before, after)]
        if n_dials >= 3 and before.outcome != "answered" and parts[0] == parts[1]:
            yield f"{after.attempt_id}: {before.outcome} and again in part {parts[0]} of the day"


def _part(hour: int) -> int:
    return 0 if hour < 12 else 1 if hour < 17 else 2


def never_again(contact_id: int, attempts: Sequence[AttemptRecord], log: Log) -> bool:
    """Nothing is possible with this contact any more; `attempts`: all of it, in their order."""
    if contact_id in log.withdrawn:
        return True
    contact = log.contacts[contact_id - 1]
    dead = {one.phone for one in attempts if one.outcome == "invalid_number"}
    phones = {contact.phone, *contact.phones} - dead
    if all(_was_ever_forbidden(phone, log) for phone in phones):
        return True
    n_counted = sum(one.outcome != "busy" for one in attempts)
    is_capped = n_counted >= 4 or len(attempts) >= 6
    return bool(attempts) and (attempts[-1].next_dial_at is None or is_capped)


def _was_ever_forbidden(phone: str, log: Log) -> bool:
    return any(phone.startswith(what) for what, _ in log.forbidden)


def lost(
    attempts: Sequence[AttemptRecord], log: Log, complete: Sequence[bool], now: datetime
) -> Iterator[str]:
    """Contacts that wait although nothing has kept them from a call for a week and a half.

    The longest lock-outs are three days, the longest limits a week; nobody waits for an agent.
    """
    last: dict[int, AttemptRecord] = {}
    by_person: dict[str, datetime] = {}
    for one in attempts:
        if one.contact_id not in last or last[one.contact_id].started_at < one.started_at:
            last[one.contact_id] = one
        person = str(log.contacts[one.contact_id - 1].person_key)
        by_person[person] = max(by_person.get(person, one.ended_at), one.ended_at)
    for contact_id, contact in enumerate(log.contacts, 1):
        if complete[contact_id - 1]:
            continue
        before = last.get(contact_id)
        due = before.next_dial_at if before else None
        quiet = by_person.get(str(contact.person_key))
        since = max(filter(None, (due, quiet)), default=None)
        if since is None or now - since > timedelta(days=10, hours=12):
            yield f"contact {contact_id}: nobody calls, last {before and before.outcome}"
