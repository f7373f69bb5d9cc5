from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.outcome import Outcome
from engine.core.redial import (
    Done,
    History,
    Next,
    RedialAt,
    Turn,
    after_disposition,
    counts,
    decide,
    uncounted,
)
from engine.core.settings import DispositionRule, RedialRule, RedialSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEFAULTS = RedialSettings()

outcomes = st.sampled_from(list(Outcome))
#: What a dial can end as: its outcome, and whether our own trunk was at fault.
ends = st.tuples(outcomes, st.just(False)) | st.just((Outcome.FAILED, True))
rule_values = st.builds(RedialRule, delay_s=st.integers(0, 7_776_000), max=st.integers(0, 100))
rules = st.builds(
    RedialSettings,
    max_attempts=st.integers(1, 12),
    rules=st.dictionaries(outcomes, rule_values),
    max_trunk_faults=st.integers(0, 8),
)


class Life:
    """A contact's ended attempts, counted as the store counts them."""

    def __init__(self) -> None:
        self.n_attempts = 0
        self.n_trunk_faults = 0
        self.outcomes: Counter[Outcome] = Counter()

    def end(self, outcome: Outcome, *, trunk_fault: bool) -> History:
        self.outcomes[outcome] += 1
        self.n_attempts += not trunk_fault
        self.n_trunk_faults += trunk_fault
        return History(self.n_attempts, self.n_trunk_faults, dict(self.outcomes))


def history(n_attempts: int = 1, n_trunk_faults: int = 0, **counts: int) -> History:
    return History(n_attempts, n_trunk_faults, {Outcome(key): n for key, n in counts.items()})


@given(rules, st.lists(ends, min_size=25, max_size=25))
def test_a_life_is_bounded_whatever_happens(
    settings: RedialSettings, script: list[tuple[Outcome, bool]]
) -> None:
    life, redials = Life(), Counter[Outcome]()
    for n_dials, (outcome, trunk_fault) in enumerate(script, start=1):
        past = life.end(outcome, trunk_fault=trunk_fault)
        step = decide(outcome, past, settings, NOW, trunk_fault=trunk_fault)
        assert past.n_attempts <= settings.max_attempts
        assert n_dials <= settings.max_attempts + settings.max_trunk_faults
        if isinstance(step, Done):
            break
        redials[outcome] += not trunk_fault
        allowed = settings.rules[outcome].max if redials[outcome] else 0
        assert redials[outcome] <= allowed
    else:
        pytest.fail("the contact is dialled for ever")


@given(st.integers(0, 8), st.integers(1, 5))
def test_trunk_faults_alone_end_as_well(max_trunk_faults: int, max_attempts: int) -> None:
    settings = RedialSettings(max_attempts=max_attempts, max_trunk_faults=max_trunk_faults)
    life, n_dials, step = Life(), 0, None
    while not isinstance(step, Done):
        n_dials += 1
        past = life.end(Outcome.FAILED, trunk_fault=True)
        step = decide(Outcome.FAILED, past, settings, NOW, trunk_fault=True)
    assert n_dials == max_trunk_faults + 1
    assert step == Done("trunk_faults")


@given(rules, outcomes, st.integers(1, 12))
def test_a_redial_comes_exactly_after_its_delay(
    settings: RedialSettings, outcome: Outcome, n_attempts: int
) -> None:
    past = history(n_attempts, **{outcome: 1})
    step = decide(outcome, past, settings, NOW)
    if isinstance(step, RedialAt):
        assert step == RedialAt(NOW + timedelta(seconds=settings.rules[outcome].delay_s))


@pytest.mark.parametrize("n_busy", [1, 2, 3, 4])
def test_max_is_the_number_of_redials_after_an_outcome(n_busy: int) -> None:
    settings = RedialSettings(max_attempts=9, rules={Outcome.BUSY: RedialRule(delay_s=300, max=3)})
    step = decide(Outcome.BUSY, history(n_busy, busy=n_busy), settings, NOW)
    again = RedialAt(NOW + timedelta(seconds=300))
    assert step == (again if n_busy <= 3 else Done("no_redial_after_busy"))


def test_an_outcome_without_a_rule_ends() -> None:
    step = decide(Outcome.INVALID_NUMBER, history(invalid_number=1), DEFAULTS, NOW)
    assert step == Done("no_redial_after_invalid_number")


@given(rules, ends, st.integers(1, 12), st.integers(0, 8))
def test_an_opt_out_ends_at_once(
    settings: RedialSettings, end: tuple[Outcome, bool], n_attempts: int, n_faults: int
) -> None:
    past = history(n_attempts, n_faults, **{end[0]: 1})
    step = decide(end[0], past, settings, NOW, trunk_fault=end[1], opted_out=True)
    assert step == Done("opted_out")


@given(rules, st.integers(1, 12))
def test_an_answered_contact_is_not_dialled_again(
    settings: RedialSettings, n_attempts: int
) -> None:
    step = decide(Outcome.ANSWERED, history(n_attempts, answered=1), settings, NOW)
    assert step == Done("answered")


def test_trunk_faults_do_not_use_up_the_redials_of_a_failed_call() -> None:
    settings = RedialSettings(rules={Outcome.FAILED: RedialRule(delay_s=60, max=1)})
    past = history(1, n_trunk_faults=3, failed=4)
    assert decide(Outcome.FAILED, past, settings, NOW) == RedialAt(NOW + timedelta(seconds=60))
    past = history(2, n_trunk_faults=3, failed=5)
    assert decide(Outcome.FAILED, past, settings, NOW) == Done("no_redial_after_failed")


def test_a_trunk_fault_waits_as_a_failed_call_does() -> None:
    settings = RedialSettings(rules={Outcome.FAILED: RedialRule(delay_s=42)})
    step = decide(Outcome.FAILED, history(0, 1, failed=1), settings, NOW, trunk_fault=True)
    assert step == RedialAt(NOW + timedelta(seconds=42))
    bare = RedialSettings(rules={})
    step = decide(Outcome.FAILED, history(0, 1, failed=1), bare, NOW, trunk_fault=True)
    assert step == RedialAt(NOW + timedelta(seconds=RedialRule().delay_s))


@given(rules, rules, st.lists(ends, max_size=12), ends)
def test_settings_edited_in_mid_life_act_on_the_next_decision(
    before: RedialSettings,
    after: RedialSettings,
    script: list[tuple[Outcome, bool]],
    last: tuple[Outcome, bool],
) -> None:
    life = Life()
    for outcome, trunk_fault in script:
        past = life.end(outcome, trunk_fault=trunk_fault)
        if isinstance(decide(outcome, past, before, NOW, trunk_fault=trunk_fault), Done):
            break
    past = life.end(last[0], trunk_fault=last[1])
    step = decide(last[0], past, after, NOW, trunk_fault=last[1])
    if isinstance(step, RedialAt):
        assert past.n_attempts < after.max_attempts
        assert past.n_trunk_faults <= after.max_trunk_faults or not last[1]
        rule = after.rules.get(last[0], RedialRule())
        assert step.at == NOW + timedelta(seconds=rule.delay_s)


def test_a_lowered_cap_holds_after_a_trunk_fault_too() -> None:
    lowered = RedialSettings(max_attempts=2)
    past = history(2, 1, busy=2, failed=1)
    assert decide(Outcome.FAILED, past, lowered, NOW, trunk_fault=True) == Done("max_attempts")


@pytest.mark.parametrize(
    ("action", "n_attempts", "step"),
    [
        ("done", 1, Done("disposition")),
        ("dnc", 1, Done("do_not_call")),
        ("dnc", 3, Done("do_not_call")),
        ("redial", 2, RedialAt(NOW + timedelta(seconds=90))),
        ("redial", 3, Done("disposition")),
        ("callback", 2, RedialAt(NOW + timedelta(seconds=90), is_callback=True)),
        ("callback", 3, Done("disposition")),
    ],
)
def test_a_disposition_says_what_follows(action: str, n_attempts: int, step: Next) -> None:
    rule = DispositionRule.model_validate({"code": "x", "action": action, "delay_s": 90})
    assert after_disposition(rule, history(n_attempts), DEFAULTS, NOW) == step


def test_without_a_disposition_an_answered_contact_is_done() -> None:
    assert after_disposition(None, history(), DEFAULTS, NOW) == Done("answered")


@given(rules, st.integers(1, 6), st.lists(ends, min_size=25, max_size=25))
def test_nothing_exceeds_the_hard_cap_whatever_counts(
    settings: RedialSettings, hard_cap: int, script: list[tuple[Outcome, bool]]
) -> None:
    free = {
        outcome: rule.model_copy(update={"counts": False})
        for outcome, rule in settings.rules.items()
    }
    settings = settings.model_copy(update={"hard_cap": hard_cap, "rules": free})
    life = Life()
    for n_dials, (outcome, trunk_fault) in enumerate(script, start=1):
        assert n_dials <= hard_cap
        past = life.end(outcome, trunk_fault=trunk_fault)
        if isinstance(decide(outcome, past, settings, NOW, trunk_fault=trunk_fault), Done):
            break
    else:
        pytest.fail("the contact is dialled for ever")


def test_an_outcome_may_not_count() -> None:
    settings = RedialSettings(rules={Outcome.BUSY: RedialRule(counts=False)})
    assert not counts(Outcome.BUSY, settings)
    assert counts(Outcome.NO_ANSWER, settings)
    assert not counts(Outcome.FAILED, settings, trunk_fault=True)


def with_phones(n_other: int, **counts: int) -> History:
    return History(1, 0, {Outcome(key): n for key, n in counts.items()}, n_other)


def test_a_number_not_in_use_ends_the_phone_and_not_the_contact() -> None:
    step = decide(Outcome.INVALID_NUMBER, with_phones(1, invalid_number=1), DEFAULTS, NOW)
    assert step == RedialAt(NOW, turn=Turn.DROP)
    last = decide(Outcome.INVALID_NUMBER, with_phones(0, invalid_number=2), DEFAULTS, NOW)
    assert last == Done("no_redial_after_invalid_number")


def test_a_cap_holds_for_the_phones_of_a_contact_together() -> None:
    past = History(3, 0, {Outcome.INVALID_NUMBER: 3}, 5)
    assert decide(Outcome.INVALID_NUMBER, past, DEFAULTS, NOW) == Done("max_attempts")


@pytest.mark.parametrize(("n_other", "turn"), [(0, Turn.SAME), (2, Turn.NEXT)])
def test_a_rule_may_ask_for_the_next_phone(n_other: int, turn: Turn) -> None:
    settings = RedialSettings(rules={Outcome.BUSY: RedialRule(delay_s=5, phone="next")})
    step = decide(Outcome.BUSY, with_phones(n_other, busy=1), settings, NOW)
    assert step == RedialAt(NOW + timedelta(seconds=5), turn=turn)


def test_a_callback_is_at_the_instant_that_was_agreed_on_for_the_agent_who_agreed() -> None:
    friday = NOW + timedelta(days=4)
    for rule in (None, DispositionRule(code="x"), DispositionRule(code="x", action="callback")):
        step = after_disposition(rule, history(1), DEFAULTS, NOW, callback_at=friday, agent_id=7)
        assert step == RedialAt(friday, is_callback=True, agent_id=7)
    no = DispositionRule(code="x", action="dnc")
    assert after_disposition(no, history(1), DEFAULTS, NOW, callback_at=friday) == Done(
        "do_not_call"
    )
    capped = after_disposition(None, history(3), DEFAULTS, NOW, callback_at=friday)
    assert isinstance(capped, Done)


def rule_of(**more: object) -> DispositionRule:
    return DispositionRule.model_validate({"code": "x", "action": "redial", "delay_s": 9, **more})


@pytest.mark.parametrize("action", ["redial", "callback"])
def test_a_disposition_has_so_many_dials_follow(action: str) -> None:
    """Whatever else had dials follow, and whatever instant was agreed on."""
    rule, calm = rule_of(action=action, max=2), RedialSettings(max_attempts=100)
    for n, goes_on in ((0, True), (1, True), (2, False), (3, False)):
        past = replace(history(4), dispositions={"x": n, "y": 7})
        for at in (None, NOW + timedelta(days=1)):
            step = after_disposition(rule, past, calm, NOW, callback_at=at)
            assert isinstance(step, RedialAt) == goes_on
            assert goes_on or step == Done("no_redial_after_disposition")
    past = replace(history(4), dispositions={"x": 99})
    assert isinstance(after_disposition(rule_of(action=action), past, calm, NOW), RedialAt)


@pytest.mark.parametrize(("n_other", "turn"), [(0, Turn.SAME), (1, Turn.NEXT)])
def test_a_disposition_may_ask_for_the_next_phone(n_other: int, turn: Turn) -> None:
    step = after_disposition(rule_of(phone="next"), with_phones(n_other), DEFAULTS, NOW)
    assert step == RedialAt(NOW + timedelta(seconds=9), turn=turn)


def test_a_disposition_may_not_count() -> None:
    assert isinstance(after_disposition(rule_of(), history(3), DEFAULTS, NOW), Done)
    assert isinstance(
        after_disposition(rule_of(counts=False), uncounted(history(3)), DEFAULTS, NOW), RedialAt
    )
