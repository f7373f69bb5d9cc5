"""Lock-outs, persons and do-not-call lists: what holds for numbers and people across campaigns."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import Invalid
from engine.core.outcome import Outcome
from engine.core.settings import LimitSettings, RegionLimits
from engine.ports import Heard, Wanted
from engine.store import RedisStore

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
PHONE, OTHER = "+12025550100", "+12025550101"
FREE = LimitSettings()
UK = LimitSettings(after_abandon_s=72 * 3600, after_machine_s=24 * 3600)
REG_F = LimitSettings(person_max_per_7d=7, after_conversation_s=7 * 86_400)


async def call(
    store: RedisStore,
    at: datetime,
    limits: LimitSettings = FREE,
    *,
    outcome: Outcome = Outcome.NO_ANSWER,
    attempt: str = "1aX",
    phone: str = PHONE,
    person: str = "",
    hours_class: str = "",
) -> str | None:
    """Reason of the refusal; None where the call was placed, and has ended with this outcome."""
    wanted = [Wanted(phone, attempt, person, hours_class)]
    (refusal,) = await store.numbers.reserve(wanted, limits, at)
    if refusal is None:
        await store.numbers.remember([(Heard(phone, person, outcome), at)])
        await store.numbers.release([(phone, attempt, True)])
    return refusal.reason if refusal else None


@pytest.mark.parametrize(
    ("outcome", "reason", "hours"),
    [
        (Outcome.ABANDONED, "after_abandon", 72),
        (Outcome.MACHINE, "after_machine", 24),
        (Outcome.BUSY, None, 0),
    ],
)
async def test_a_lock_out_holds_to_the_second(
    store: RedisStore, outcome: Outcome, reason: str | None, hours: int
) -> None:
    await call(store, NOW, outcome=outcome)
    end = NOW + timedelta(hours=hours)
    assert await call(store, end - timedelta(seconds=1), UK) == reason
    assert await call(store, end, UK) is None


async def test_what_was_seen_counts_for_rules_that_came_later_and_in_any_campaign(
    store: RedisStore,
) -> None:
    await call(store, NOW, FREE, outcome=Outcome.ABANDONED, attempt="1aX")
    await call(store, NOW + timedelta(hours=1), FREE, outcome=Outcome.BUSY, attempt="2aX")
    assert await call(store, NOW + timedelta(hours=2), UK, attempt="3aX") == "after_abandon"
    assert await call(store, NOW + timedelta(hours=2), FREE, attempt="3aX") is None


async def test_an_older_note_does_not_shorten_a_lock_out(store: RedisStore) -> None:
    await call(store, NOW, outcome=Outcome.MACHINE)
    earlier = NOW - timedelta(days=9)
    await store.numbers.remember([(Heard(PHONE, "", Outcome.MACHINE), earlier)])
    assert await call(store, NOW + timedelta(hours=23), UK) == "after_machine"


async def test_a_person_is_counted_over_phones_and_campaigns(store: RedisStore) -> None:
    for i in range(7):
        phone = (PHONE, OTHER)[i % 2]
        at = NOW + timedelta(hours=i)
        assert await call(store, at, REG_F, attempt=f"{i}aX", phone=phone, person="P1") is None
    assert await call(store, NOW + timedelta(days=1), REG_F, person="P1") == "person_limit_7d"
    assert await call(store, NOW + timedelta(days=1), REG_F, person="P2") is None
    assert await call(store, NOW + timedelta(days=7), REG_F, person="P1") is None


async def test_a_contact_without_a_person_is_limited_by_its_number(store: RedisStore) -> None:
    answers = [await call(store, NOW + timedelta(hours=i), REG_F) for i in range(20)]
    assert answers == [None] * 7 + ["limit_7d"] * 13
    (asked,) = await store.numbers.standing([Wanted(PHONE, "")], REG_F, NOW + timedelta(days=1))
    assert [refusal.reason for refusal in asked] == ["limit_7d"]
    assert await call(store, NOW + timedelta(days=7), REG_F) is None
    assert await call(store, NOW, REG_F, phone=OTHER) is None


async def test_a_campaign_without_limits_of_persons_counts_them_for_others(
    store: RedisStore,
) -> None:
    for i in range(7):
        assert await call(store, NOW, FREE, attempt=f"1a{i}", person="joe") is None
    assert await call(store, NOW, REG_F, phone=OTHER, person="joe") == "person_limit_7d"
    await call(store, NOW, FREE, outcome=Outcome.ANSWERED, person="ann")
    later = NOW + timedelta(days=6)
    refused = await call(store, later, REG_F, phone=OTHER, person="ann")
    assert refused == "person_after_conversation"


async def test_who_is_on_the_phone_is_called_elsewhere_only_where_persons_are_not_limited(
    store: RedisStore,
) -> None:
    """Each live call holds the person by itself, whoever asked for it."""
    reserve, release = store.numbers.reserve, store.numbers.release

    async def asked(phone: str, attempt: str, limits: LimitSettings) -> str | None:
        (refusal,) = await reserve([Wanted(phone, attempt, "joe")], limits, NOW)
        return refusal.reason if refusal else None

    assert await asked(PHONE, "1aX", REG_F) is None
    assert await asked(OTHER, "2aX", FREE) is None, "no rule of this campaign's"
    await release([(OTHER, "2aX", True)])
    assert await asked("+12025550102", "3aX", REG_F) == "person_live", "the first still is"
    assert await asked(OTHER, "2aY", FREE) is None
    await release([(PHONE, "1aX", True)])
    assert await asked("+12025550102", "3aX", REG_F) == "person_live", "the second is"
    await release([(OTHER, "2aY", True)])
    assert await asked("+12025550102", "3aX", REG_F) is None


async def test_what_is_learned_late_locks_the_person_s_other_phones(store: RedisStore) -> None:
    await call(store, NOW, REG_F, outcome=Outcome.UNKNOWN, person="joe")
    await store.numbers.remember([(Heard(PHONE, "joe", Outcome.ANSWERED), NOW)])
    later = NOW + timedelta(days=6)
    refused = await call(store, later, REG_F, phone=OTHER, person="joe")
    assert refused == "person_after_conversation"


async def test_a_person_s_call_that_was_never_placed_uncounts_its_own_instant(
    store: RedisStore,
) -> None:
    limits = LimitSettings(person_max_per_24h=2)
    first, second = Wanted(PHONE, "1aX", "joe"), Wanted(OTHER, "2aX", "joe")
    later = NOW + timedelta(hours=9)
    assert await store.numbers.reserve([first], FREE, NOW) == [None]
    assert await store.numbers.reserve([second, second], FREE, later) == [None, None]
    await store.numbers.release([(PHONE, "1aX", False), (OTHER, "2aX", True)])
    (none,) = await store.numbers.standing([first], limits, later)
    assert none == []
    day = NOW + timedelta(days=1, seconds=1)
    (found,) = await store.numbers.standing([first], LimitSettings(person_max_per_24h=1), day)
    assert [(one.reason, one.until) for one in found] == [
        ("person_limit_24h", later + timedelta(days=1))
    ]


async def test_seven_days_after_a_conversation_on_any_phone(store: RedisStore) -> None:
    await call(store, NOW, REG_F, outcome=Outcome.ANSWERED, phone=PHONE, person="P1")
    sooner, later = NOW + timedelta(days=6), NOW + timedelta(days=7)
    refused = await call(store, sooner, REG_F, phone=OTHER, person="P1")
    assert refused == "person_after_conversation"
    assert await call(store, later, REG_F, phone=OTHER, person="P1") is None


async def test_a_number_that_its_person_may_not_get_is_free_and_uncounted(
    store: RedisStore,
) -> None:
    limits = LimitSettings(person_max_per_24h=1, max_per_24h=1)
    await call(store, NOW, limits, phone=PHONE, person="P1")
    assert await call(store, NOW, limits, phone=OTHER, person="P1") == "person_limit_24h"
    assert await store.numbers.live_owner(OTHER) is None
    assert await call(store, NOW, limits, phone=OTHER, person="P2") is None


async def test_a_call_that_was_never_placed_is_uncounted_for_its_person(store: RedisStore) -> None:
    limits = LimitSettings(person_max_per_24h=1)
    for _ in range(3):
        assert await store.numbers.reserve([Wanted(PHONE, "1aX", "P1")], limits, NOW) == [None]
        await store.numbers.release([(PHONE, "1aX", False)])
    assert await call(store, NOW, limits, person="P1") is None


STRICT = LimitSettings(max_per_24h=1, person_max_per_24h=1, after_abandon_s=60, after_machine_s=60)


async def test_a_call_that_was_made_counts_whatever_stands_against_it(store: RedisStore) -> None:
    """Also its own lock-out, which is noted before it is settled, and limits lowered since."""
    await call(store, NOW - timedelta(hours=1), phone=PHONE, person="P1", outcome=Outcome.MACHINE)
    await store.dnc.add(PHONE, source="x", actor="t", now=NOW)
    made = Wanted(PHONE, "9aX", "P1")
    for _ in range(2):
        await store.numbers.take([(made, NOW)])
    assert await store.numbers.live_owner(PHONE) == "9aX"
    two = LimitSettings(max_per_24h=2, person_max_per_24h=2)
    later = NOW + timedelta(hours=1)
    (found,) = await store.numbers.standing([made], two, later)
    assert {one.reason for one in found} == {
        "dnc", "live", "limit_24h", "person_live", "person_limit_24h",
    }  # fmt: skip
    three = LimitSettings(max_per_24h=3, person_max_per_24h=3)
    (found,) = await store.numbers.standing([made], three, later)
    assert {one.reason for one in found} == {"dnc", "live", "person_live"}, "counted once"
    await store.numbers.release([(PHONE, "9aX", True)])
    (found,) = await store.numbers.standing([Wanted(OTHER, "", "P1")], STRICT, later)
    assert [(one.reason, one.until) for one in found] == [
        ("person_limit_24h", NOW + timedelta(days=1))
    ]


async def test_a_call_that_was_made_takes_nothing_from_another_that_lives(
    store: RedisStore,
) -> None:
    first, second = Wanted(PHONE, "1aX", "P1"), Wanted(PHONE, "2aY", "P1")
    assert await store.numbers.reserve([first], STRICT, NOW) == [None]
    await store.numbers.take([(second, NOW + timedelta(seconds=9))])
    assert await store.numbers.live_owner(PHONE) == "1aX"
    await store.numbers.release([(PHONE, "2aY", True)])
    assert await store.numbers.live_owner(PHONE) == "1aX"
    await store.numbers.take([(second, NOW)])
    await store.numbers.release([(PHONE, "1aX", False)])
    assert await store.numbers.live_owner(PHONE) == "2aY"
    (found,) = await store.numbers.standing([Wanted(PHONE, "", "P1")], STRICT, NOW)
    assert [one.reason for one in found] == ["live", "limit_24h", "person_live", "person_limit_24h"]
    await store.numbers.release([(PHONE, "2aY", True)])
    assert await store.numbers.live_owner(PHONE) is None


async def test_what_is_reserved_again_counts_from_then_on(store: RedisStore) -> None:
    limits = LimitSettings(max_per_24h=1, person_max_per_24h=1)
    offered = Wanted(PHONE, "1aX", "joe")
    dialled_at = NOW + timedelta(minutes=50)
    assert await store.numbers.reserve([offered], limits, NOW) == [None]
    for _ in range(2):
        assert await store.numbers.reserve([offered], limits, dialled_at, again=True) == [None]
    await store.numbers.release([(PHONE, "1aX", True)])
    end = dialled_at + timedelta(days=1)
    for free in (limits, LimitSettings(max_per_24h=2)):
        (found,) = await store.numbers.standing([offered], free, end - timedelta(seconds=1))
        assert {one.until for one in found} == ({end} if free is limits else set()), "once"
    (found,) = await store.numbers.standing([offered], limits, end)
    assert found == []


@pytest.mark.parametrize("limits", [LimitSettings(max_per_24h=1), STRICT, REG_F])
async def test_what_is_refused_when_reserved_again_is_free_and_uncounted(
    store: RedisStore, limits: LimitSettings
) -> None:
    """Of a limit lowered since, of the number's or the person's; or of a lock-out."""
    at = NOW - timedelta(hours=1)
    await call(store, at, outcome=Outcome.ANSWERED, person="joe")
    offered = Wanted(PHONE, "2aX", "joe")
    assert await store.numbers.reserve([offered], FREE, NOW) == [None]
    (refusal,) = await store.numbers.reserve([offered], limits, NOW, again=True)
    assert refusal is not None
    await store.numbers.release([(PHONE, "2aX", False)])
    assert await store.numbers.live_owner(PHONE) is None
    two = LimitSettings(max_per_24h=2, person_max_per_24h=2)
    (found,) = await store.numbers.standing([offered], two, NOW)
    assert found == []


async def test_two_phones_of_one_person_race_for_the_last_call(store: RedisStore) -> None:
    limits = LimitSettings(person_max_per_7d=1)
    wanted = [[Wanted(f"+120255501{i:02}", f"{i}aX", "P1")] for i in range(20)]
    answers = await asyncio.gather(*(store.numbers.reserve(w, limits, NOW) for w in wanted))
    assert [answer[0] for answer in answers].count(None) == 1


async def test_a_state_s_limit_holds_for_its_numbers_only(store: RedisStore) -> None:
    limits = LimitSettings(regions={"US-FL": RegionLimits(max_per_24h=3)})
    florida, elsewhere = "America/New_York;US-FL", "America/New_York;US-NY"
    for i in range(3):
        assert await call(store, NOW, limits, attempt=f"{i}aX", hours_class=florida) is None
    assert await call(store, NOW, limits, hours_class=florida) == "limit_24h"
    assert await call(store, NOW, limits, hours_class=elsewhere) is None


async def test_a_state_s_limit_for_a_person_counts_all_phones(store: RedisStore) -> None:
    limits = LimitSettings(regions={"US-FL": RegionLimits(person_max_per_24h=3)})
    florida, elsewhere = "America/New_York;US-FL", "America/New_York;US-NY"
    for i in range(3):
        phone = (PHONE, OTHER)[i % 2]
        answer = await call(
            store, NOW, limits, attempt=f"{i}aX", phone=phone, person="P1", hours_class=florida
        )
        assert answer is None
    for phone in (PHONE, OTHER):
        refused = await call(store, NOW, limits, phone=phone, person="P1", hours_class=florida)
        assert refused == "person_limit_24h"
    assert await call(store, NOW, limits, person="P2", hours_class=florida) is None
    assert await call(store, NOW, limits, person="P1", hours_class=elsewhere) is None


async def test_a_mere_question_gets_every_reason_and_changes_nothing(store: RedisStore) -> None:
    limits = LimitSettings(max_per_24h=1, max_per_7d=1, after_abandon_s=60, person_max_per_24h=1)
    await call(store, NOW, limits, outcome=Outcome.ABANDONED, person="P1")
    await store.dnc.add(PHONE, source="x", actor="t", now=NOW)
    for _ in range(2):
        (found,) = await store.numbers.standing([Wanted(PHONE, "", "P1")], limits, NOW)
        assert [refusal.reason for refusal in found] == [
            "dnc", "limit_7d", "limit_24h", "after_abandon", "person_limit_24h",
            "person_after_abandon",
        ]  # fmt: skip
    (none,) = await store.numbers.standing([Wanted(OTHER, "")], limits, NOW)
    assert none == []
    assert await call(store, NOW, limits, phone=OTHER) is None


# -------------------------------------------------------------------------- do not call


async def refused(store: RedisStore, phone: str, *scopes: str) -> bool:
    (answer,) = await store.numbers.reserve([Wanted(phone, "1aX", scopes=scopes)], FREE, NOW)
    await store.numbers.release([(phone, "1aX", False)])
    listed = (await store.numbers.on_dnc([(phone, scopes)]))[0]
    assert listed == (answer is not None and answer.reason == "dnc")
    return listed


async def test_a_campaigns_list_holds_for_it_alone(store: RedisStore) -> None:
    assert await store.dnc.add(PHONE, source="x", actor="t", now=NOW, scope="c5")
    assert await refused(store, PHONE, "c5")
    assert await refused(store, PHONE, "c5", "kcrm")
    assert not await refused(store, PHONE, "c6")
    assert not await refused(store, PHONE)
    assert [e.phone for e in (await store.dnc.list(scope="c5")).items] == [PHONE]
    assert not (await store.dnc.list()).items
    assert await store.dnc.remove(PHONE, "t", NOW, scope="c5")
    assert not await refused(store, PHONE, "c5")


async def test_a_prefix_acts_at_once_in_every_process(store: RedisStore, valkey_url: str) -> None:
    other = await RedisStore.connect(valkey_url, prefix=store._keys.prefix)
    try:
        assert not await refused(other, "+19002345678")
        assert await store.dnc.add_prefix("+1900", source="x", actor="t", now=NOW)
        assert not await store.dnc.add_prefix("+1900", source="x", actor="t", now=NOW)
        assert await refused(other, "+19002345678")
        assert await other.numbers.live_owner("+19002345678") is None
        assert not await refused(other, PHONE)
        await store.dnc.add_prefix("+1202", source="x", actor="t", now=NOW, scope="c5")
        assert await refused(other, PHONE, "c5")
        assert not await refused(other, PHONE, "c6")
        assert [e.phone for e in await other.dnc.prefixes()] == ["+1900"]
        assert await other.dnc.remove_prefix("+1900", "t", NOW)
        assert not await refused(store, "+19002345678")
    finally:
        await other.close()


@pytest.mark.parametrize("prefix", ["", "+", "+1x", "1" * 16, "٣"])
async def test_a_prefix_is_digits(store: RedisStore, prefix: str) -> None:
    with pytest.raises(Invalid):
        await store.dnc.add_prefix(prefix, source="x", actor="t", now=NOW)


async def test_a_registry_s_file_is_packed_and_keeps_what_was_there(store: RedisStore) -> None:
    await store.dnc.add(PHONE, source="agent", actor="t", now=NOW)
    phones = [f"+1202555{i:04}" for i in range(1500)]
    later = NOW + timedelta(days=1)
    assert await store.dnc.add_many(phones, source="registry", actor="t", now=later) == 1499
    assert await store.dnc.add_many(phones, source="again", actor="t", now=later) == 0
    assert await refused(store, phones[-1])
    found, cursor = [], None
    while True:
        page = await store.dnc.list(limit=1000, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    by_phone = {entry.phone: entry for entry in found}
    assert set(by_phone) == set(phones)
    assert (by_phone[PHONE].source, by_phone[PHONE].added_at) == ("agent", NOW)
    assert (by_phone[phones[7]].source, by_phone[phones[7]].added_at) == ("registry", later)


async def test_every_removal_is_audited(store: RedisStore) -> None:
    await store.dnc.add(PHONE, source="x", actor="t", now=NOW)
    await store.dnc.remove(PHONE, "anna", NOW)
    await store.dnc.add_prefix("+1900", source="x", actor="t", now=NOW)
    await store.dnc.remove_prefix("+1900", "anna", NOW)
    told = {(e.actor, e.action, e.subject) for e in (await store.audit.list(limit=10)).items}
    assert {("anna", "dnc_remove", PHONE), ("anna", "dnc_remove_prefix", "+1900")} <= told


async def test_an_entry_of_a_full_registry_takes_at_most_15_bytes(store: RedisStore) -> None:
    """305 numbers to a shard are 10^7 in all: measured on a few shards, everything included."""
    key = store._keys.shard(1).dnc
    numbers = range(12_000_000_000, 12_000_000_305)
    await store._link.call("HSET", key, *(part for n in numbers for part in (n, 100)))
    assert await store._link.call("OBJECT", "ENCODING", key) == "listpack"
    assert int(await store._link.call("MEMORY", "USAGE", key)) / 305 <= 15
