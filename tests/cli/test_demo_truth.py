from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cli.asterisk_cdr import CarrierCall
from cli.demo_truth import Check, abandon_rate, checks, connect_ms, outcomes, percentile, rows
from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PERSON = "12025550000"
BUSY = "12025550100"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def attempt(digits: str, outcome: Outcome, start_s: float = 0, **more: object) -> AttemptRecord:
    record = AttemptRecord(
        attempt_id=f"{digits}-{start_s}",
        campaign_id=1,
        contact_id=1,
        number=1,
        phone=f"+{digits}",
        caller_id="+12025550100",
        trunk="carrier",
        node="pbx",
        started_at=at(start_s),
        ended_at=at(start_s + 1),
        outcome=outcome,
    )
    return replace(record, **more)  # type: ignore[arg-type]


def call(
    number: str, start_s: float = 0, end_s: float = 1, answer_s: float | None = None
) -> CarrierCall:
    answered_at = None if answer_s is None else at(answer_s)
    return CarrierCall(number, number[7:9], at(start_s), answered_at, at(end_s), "", f"{start_s}")


def failed(found: list[Check]) -> list[str]:
    return [check.title for check in found if not check.holds]


def test_agreement() -> None:
    attempts = [
        attempt(BUSY, Outcome.BUSY, 0, next_dial_at=at(4)),
        attempt(BUSY, Outcome.BUSY, 5, number=2),
        attempt(PERSON, Outcome.ANSWERED, 0, answered_at=at(1), bridged_at=at(1.003)),
    ]
    calls = [call(BUSY, 0, 1), call(BUSY, 5, 6), call(PERSON, 0, 8, answer_s=1)]
    assert failed(checks(attempts, calls)) == []
    assert [check.n for check in checks(attempts, calls)] == [3, 2, 3, 1, 1]


def test_a_call_that_redis_does_not_know_is_found() -> None:
    assert failed(checks([], [call(BUSY)])) == ["calls the carrier saw = attempts in Redis"]


def test_an_attempt_that_never_reached_the_carrier_is_found() -> None:
    found = checks([attempt(BUSY, Outcome.BUSY)], [])
    assert failed(found) == ["calls the carrier saw = attempts in Redis"]


def test_two_calls_to_one_number_at_once_are_found() -> None:
    attempts = [
        attempt(BUSY, Outcome.BUSY, 0, next_dial_at=at(0)),
        attempt(BUSY, Outcome.BUSY, 0.5),
    ]
    found = checks(attempts, [call(BUSY, 0, 1), call(BUSY, 0.5, 2)])
    assert failed(found) == ["no number had two calls at once"]


def test_an_outcome_that_the_number_cannot_have_is_found() -> None:
    found = checks([attempt(BUSY, Outcome.NO_ANSWER)], [call(BUSY)])
    assert failed(found) == ["outcomes fit what the numbers do"]


def test_a_redial_before_its_time_and_one_that_was_not_to_be_are_found() -> None:
    calls = [call(BUSY, 0, 1), call(BUSY, 5, 6)]
    for due_at in (at(5.1), None):
        attempts = [
            attempt(BUSY, Outcome.BUSY, 0, next_dial_at=due_at),
            attempt(BUSY, Outcome.BUSY, 5, number=2),
        ]
        assert failed(checks(attempts, calls)) == ["redials never before their time"]


def test_a_person_who_got_neither_agent_nor_message_is_found() -> None:
    attempts = [attempt(PERSON, Outcome.ABANDONED)]
    calls = [call(PERSON, 0, 4, answer_s=1)]
    assert failed(checks(attempts, calls)) == ["who answered got an agent or the message"]
    served = [replace(attempts[0], message_played=True)]
    assert failed(checks(served, calls)) == []


def test_an_answer_that_crossed_our_hangup_is_no_person_left_waiting() -> None:
    found = checks([attempt("12025553300", Outcome.NO_ANSWER)], [call("12025553300", 0, 6.003, 6)])
    assert failed(found) == []


def test_rows_set_attempts_beside_the_calls_of_the_same_number_in_order() -> None:
    attempts = [
        attempt(PERSON, Outcome.NO_ANSWER, 0),
        attempt(PERSON, Outcome.ANSWERED, 10),
        attempt(BUSY, Outcome.BUSY, 0),
    ]
    calls = [call(PERSON, 10, 15, answer_s=11), call(PERSON, 0, 6)]
    found = [(r.outcome, r.n_attempts, r.n_calls, r.n_answered) for r in rows(attempts, calls)]
    assert found == [("answered", 1, 1, 1), ("no_answer", 1, 1, 0), ("busy", 1, 0, 0)]


def test_figures() -> None:
    attempts = [
        attempt(PERSON, Outcome.ANSWERED, 0, answered_at=at(1), bridged_at=at(1.004)),
        attempt(PERSON, Outcome.ANSWERED, 9, answered_at=at(10), bridged_at=at(10.002)),
        attempt(PERSON, Outcome.ABANDONED, 20, answered_at=at(21)),
        attempt(PERSON, Outcome.HUNG_UP_EARLY, 30, answered_at=at(31)),
        attempt(BUSY, Outcome.BUSY, 0),
    ]
    assert outcomes(attempts) == {"answered": 2, "abandoned": 1, "busy": 1, "hung_up_early": 1}
    assert connect_ms(attempts) == [2.0, 4.0]
    assert abandon_rate(attempts) == 0.25
    assert abandon_rate([]) == 0.0


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([], 50) is None
    assert percentile([5.0], 99) == 5.0
    hundred = [float(value) for value in range(1, 101)]
    assert [percentile(hundred, p) for p in (0, 50, 99, 100)] == [1.0, 50.0, 99.0, 100.0]
