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
        "attempts", "destination", *STANDING, "scheduled", "callback_agent", "calling_hours",
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
