"""A month's calls break no rule, lose nobody, and end when nothing is possible any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from engine.core.attempt import AttemptRecord
from engine.core.campaign import CampaignStatus
from engine.core.contact import COMPLETE, Contact, NewContact
from engine.core.outcome import Outcome
from engine.store import RedisStore

from .engine import Month
from .judge import POSTAL, Log, log_of, lost, never_again, violations

#: Where an engine can die, and what it leaves: claims, reserved numbers, calls that may have left,
#: calls that ended, attempts that were settled and still hold their numbers.
STEPS = ("claimed", "reserved", "marked", "ended", "settled")


async def attempts_of(store: RedisStore, campaign_id: int) -> list[AttemptRecord]:
    found: list[AttemptRecord] = []
    after: str | None = None
    while True:
        page, after = await store.attempts.list(campaign_id, after=after, limit=1000)
        found += page
        if after is None:
            return found


async def contacts_of(store: RedisStore, campaign_id: int) -> list[Contact]:
    found: list[Contact] = []
    next_id: int | None = 0
    while next_id is not None:
        page, next_id = await store.contacts.list(campaign_id, after=next_id, limit=1000)
        found += page
    return found


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "n_contacts", [5_000, pytest.param(100_000, marks=pytest.mark.soak)], ids=["short", "full"]
)
async def test_a_month_breaks_no_rule(store: RedisStore, month: Month, n_contacts: int) -> None:
    began = perf_counter()
    await month.run(n_contacts)
    log = await log_of(store, month.id, month.contacts)
    attempts = await attempts_of(store, month.id)
    contacts = await contacts_of(store, month.id)
    print(f"{n_contacts} contacts, {len(attempts)} calls: {perf_counter() - began:.0f} s")
    assert list(violations(attempts, log, ("", *month.scopes))) == []
    assert len(attempts) > 2 * n_contacts
    assert sorted(month.n_died) == sorted(STEPS)
    assert len(log.forbidden) > 100 and log.withdrawn
    counted = await store.calls.counts(month.id)
    assert (counted["attempts"], counted.get("in_flight", 0)) == (len(attempts), 0)
    assert (await store.calls.live(month.id), month.n_stale) == ([], month.n_died.total())
    complete = [contact.state in COMPLETE for contact in contacts]
    assert list(lost(attempts, log, complete, month.now)) == []
    await _judge_the_end(store, month, attempts, contacts, log)


async def _judge_the_end(
    store: RedisStore,
    month: Month,
    attempts: list[AttemptRecord],
    contacts: list[Contact],
    log: Log,
) -> None:
    """It has completed, and every contact that is complete had nothing possible any more."""
    of_contact: dict[int, list[AttemptRecord]] = {}
    for one in sorted(attempts, key=lambda one: one.started_at):
        of_contact.setdefault(one.contact_id, []).append(one)
    for contact in contacts:
        is_over = never_again(contact.contact_id, of_contact.get(contact.contact_id, []), log)
        assert is_over or contact.state not in COMPLETE, contact
    found = await store.campaigns.get(month.id)
    n_complete = sum(contact.state in COMPLETE for contact in contacts)
    assert (len(contacts), n_complete) == (found.n_contacts, found.n_complete)
    assert found.progress == n_complete * 1000 // len(contacts) / 10
    assert (month.is_over, found.status) == (True, CampaignStatus.COMPLETED)


def test_the_checker_sees_what_is_wrong(two_people: list[NewContact]) -> None:
    """It must be able to fail: each of these breaks one rule."""
    log = Log(contacts=two_people)
    contact = log.contacts[0]
    noon = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo(str(contact.timezone))).astimezone(UTC)

    def call(number: int, at: datetime, outcome: Outcome = Outcome.UNKNOWN) -> AttemptRecord:
        return AttemptRecord(
            attempt_id=f"1a{number}", campaign_id=1, contact_id=1, number=number,
            phone=contact.phone, caller_id="", trunk="", node="", started_at=at,
            ended_at=at + timedelta(seconds=30), outcome=outcome, next_dial_at=at,
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
        [call(1, noon, Outcome.ANSWERED), call(2, noon + 25 * hour)],
        [call(1, noon, Outcome.REJECTED), call(2, noon + 25 * hour)],
        [call(n + 1, noon + n * 50 * hour) for n in range(4)],
        [call(n + 1, noon + n * 47 * hour) for n in range(6)],
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


def test_the_checker_sees_who_is_lost_and_who_is_over(two_people: list[NewContact]) -> None:
    log = Log(contacts=two_people)
    phone, noon = two_people[0].phone, datetime(2026, 3, 4, 18, tzinfo=UTC)

    def call(outcome: Outcome, then: datetime | None) -> AttemptRecord:
        return AttemptRecord(
            attempt_id="1a1", campaign_id=1, contact_id=1, number=1, phone=phone, caller_id="",
            trunk="", node="", started_at=noon, ended_at=noon, outcome=outcome, next_dial_at=then,
        )  # fmt: skip

    waits, ended = call(Outcome.BUSY, noon), call(Outcome.REJECTED, None)
    for days, n_lost in ((10, 0), (11, 1)):
        assert len(list(lost([waits], log, [False, True], noon + timedelta(days=days)))) == n_lost
    assert not never_again(1, [], log) and not never_again(1, [waits] * 5, log)
    assert never_again(1, [ended], log) and never_again(1, [waits] * 6, log)
    assert never_again(1, [call(Outcome.NO_ANSWER, noon)] * 4, log)
    for forbidden, is_over in ((phone[:9], True), ("+4930", False)):
        log.forbidden = {(forbidden, ""): [noon]}
        others = two_people[0].phones
        assert never_again(1, [], log) == (is_over and all(o[:9] == phone[:9] for o in others))
    log.withdrawn = {1: noon}
    assert never_again(1, [], log)
