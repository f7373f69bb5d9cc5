from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.limits import Refusal
from engine.core.outcome import Outcome
from engine.core.redial import Done, History, RedialAt, Turn
from engine.core.settings import CampaignSettings
from engine.core.why_not import AGENT_RETRY, STANDING, Candidate, decide, next_possible_at, verdicts

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 3, tzinfo=UTC)
OPENS = datetime(2026, 11, 24, 13, tzinfo=UTC)
WHO = Candidate("+12125550123", "America/New_York;US-NY", History(0, 0, {}))
RULES = CampaignSettings()


def step(who: Candidate = WHO, now: datetime = NOON, *refusals: Refusal) -> object:
    return decide(verdicts(who, RULES, refusals, now), now)


def refused(reason: str, hours: float | None = None) -> Refusal:
    until = None if hours is None else NOON + timedelta(hours=hours)
    return Refusal(reason=reason, until=until)


def test_every_rule_gives_its_verdict() -> None:
    found = verdicts(WHO, RULES, [], NOON)
    assert [v.rule for v in found] == [
        "attempts", "destination", *STANDING, "scheduled", "callback_agent", "day_part",
        "calling_hours",
    ]  # fmt: skip
    assert all(verdict.allows for verdict in found)
    assert step() is None


def test_a_night_waits_for_the_morning_there() -> None:
    assert step(WHO, NIGHT) == RedialAt(OPENS)


@pytest.mark.parametrize(
    ("refusals", "wanted"),
    [
        ([refused("dnc")], Done("dnc")),
        ([refused("dnc"), refused("limit_24h", 4)], Done("dnc")),
        ([refused("live")], RedialAt(NOON + timedelta(seconds=5))),
        ([refused("limit_24h", 4)], RedialAt(NOON + timedelta(hours=4))),
        (
            [refused("limit_24h", 4), refused("person_limit_7d", 70)],
            RedialAt(NOON + timedelta(hours=70)),
        ),
    ],
)
def test_the_store_s_refusals_park_or_end(refusals: list[Refusal], wanted: object) -> None:
    assert step(WHO, NOON, *refusals) == wanted


def test_a_number_that_must_not_be_called_ends_only_itself() -> None:
    two = replace(WHO, history=replace(WHO.history, n_other_phones=1))
    dropped = RedialAt(NOON, turn=Turn.DROP)
    assert step(two, NOON, refused("dnc")) == dropped
    assert step(two, NOON, refused("dnc"), refused("limit_24h", 4)) == dropped
    premium = replace(two, phone="+19002345678")
    assert step(premium, NOON) == dropped
    assert next_possible_at(premium, RULES, [], NOON) == NOON


def test_a_callback_of_one_agent_waits_for_that_agent_and_in_the_end_for_nobody() -> None:
    wait = timedelta(seconds=RULES.redial.callback_agent_wait_s)
    away = replace(WHO, agreed_at=NOON)
    assert step(away, NOON) == RedialAt(NOON + AGENT_RETRY)
    assert step(away, NOON + wait - timedelta(seconds=2)) == RedialAt(NOON + wait)
    assert step(away, NOON + wait) is None
    assert next_possible_at(away, RULES, [], NOON) == NOON + wait
    (verdict,) = [v for v in verdicts(away, RULES, [], NOON) if v.rule == "callback_agent"]
    assert (verdict.allows, verdict.until) == (False, NOON + wait)


def test_a_lowered_cap_and_a_closed_destination_end() -> None:
    capped = replace(WHO, history=History(3, 0, {Outcome.BUSY: 3}))
    assert step(capped) == Done("max_attempts")
    assert step(replace(WHO, phone="+19002345678")) == Done("destination_premium")


def test_who_is_held_is_not_ended() -> None:
    hold = CampaignSettings.model_validate({"hours": {"unknown_zone": "hold"}})
    found = verdicts(replace(WHO, hours_class=""), hold, [], NOON)
    following = decide(found, NOON)
    assert isinstance(following, RedialAt)
    assert found[-1].detail == "unknown_zone"
    assert next_possible_at(replace(WHO, hours_class=""), hold, [], NOON) is None


@pytest.mark.parametrize(
    ("refusals", "wanted"),
    [
        ([], NOON),
        ([refused("limit_24h", 2)], NOON + timedelta(hours=2)),
        # Free at 1 a.m. in New York: the morning after.
        ([refused("limit_24h", 13)], OPENS),
        ([refused("dnc")], None),
        ([refused("live")], None),
    ],
)
def test_the_next_possible_dial_meets_all_rules(
    refusals: list[Refusal], wanted: datetime | None
) -> None:
    assert next_possible_at(WHO, RULES, refusals, NOON) == wanted


def test_a_redial_that_is_due_at_night_waits_for_the_morning() -> None:
    who = replace(WHO, next_dial_at=NIGHT)
    assert next_possible_at(who, RULES, [], NOON) == OPENS


SPREAD = CampaignSettings.model_validate({"redial": {"spread_after": 2, "max_attempts": 9}})
#: 10 a.m. in New York.
MORNING = datetime(2026, 11, 23, 15, tzinfo=UTC)


def tried(at: datetime | None, n: int = 2, zone: str = "America/New_York") -> Candidate:
    return Candidate("+12125550123", zone, History(n, 0, {Outcome.NO_ANSWER: n}, 0, at))


def spread(who: Candidate, now: datetime, rules: CampaignSettings = SPREAD) -> object:
    return decide(verdicts(who, rules, (), now), now)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        # A lock-out of a day ends at the time of the day that was in vain.
        (MORNING + timedelta(days=1), RedialAt(NOON + timedelta(days=1))),
        (MORNING + timedelta(minutes=5), RedialAt(NOON)),
        (NOON, None),
        (NOON + timedelta(hours=6), None),
    ],
)
def test_the_part_of_the_day_that_was_in_vain_is_left_out(now: datetime, wanted: object) -> None:
    assert spread(tried(MORNING), now) == wanted


def test_the_part_of_the_day_is_that_of_the_contact_s_clock() -> None:
    # 10 a.m. in New York is 4 p.m. in Berlin.
    assert spread(tried(MORNING, zone="Europe/Berlin"), MORNING + timedelta(days=1)) == RedialAt(
        datetime(2026, 11, 24, 16, tzinfo=UTC)
    )


def test_a_day_part_is_refused_only_where_spreading_applies() -> None:
    again = MORNING + timedelta(days=1)
    assert spread(tried(MORNING, n=1), again) is None
    assert spread(tried(None), again) is None
    off = CampaignSettings.model_validate({"redial": {"max_attempts": 9}})
    assert spread(tried(MORNING), again, off) is None


@pytest.mark.parametrize(
    "rules",
    [
        {"redial": {"spread_after": 2, "max_attempts": 9, "day_parts": []}},
        {
            "redial": {"spread_after": 2, "max_attempts": 9},
            "hours": {"windows": [{"start": "09:00", "end": "12:00"}]},
        },
    ],
    ids=["one part", "one part is open"],
)
def test_where_no_other_part_is_open_nobody_waits_for_one(rules: dict[str, object]) -> None:
    only = CampaignSettings.model_validate(rules)
    assert spread(tried(MORNING), MORNING + timedelta(days=1), only) is None


def test_the_next_possible_dial_is_in_another_part_of_the_day() -> None:
    limit = Refusal(reason="limit_24h", until=MORNING + timedelta(days=1))
    found = next_possible_at(tried(MORNING), SPREAD, [limit], MORNING + timedelta(hours=1))
    assert found == NOON + timedelta(days=1)
