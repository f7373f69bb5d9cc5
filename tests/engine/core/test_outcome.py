from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.outcome import TRUNK_FAULT_SIP, Outcome, is_trunk_fault, outcome_of_unanswered

causes = st.integers(0, 127) | st.none()
sips = st.integers(300, 699) | st.none()


def unanswered(cause: int | None, sip: int | None, *, rang: bool = False) -> Outcome:
    return outcome_of_unanswered(cause, sip, timed_out=False, rang=rang)


@pytest.mark.parametrize("sip", [401, 407, 488, 500, 502, 503, 504, 580, 599])
@given(causes, st.booleans())
def test_refusals_of_the_trunk_do_not_count(sip: int, cause: int | None, rang: bool) -> None:
    assert is_trunk_fault(cause, sip)
    assert unanswered(cause, sip, rang=rang) is Outcome.FAILED


@pytest.mark.parametrize("sip", [403, 603, 607, 608])
@given(causes, st.booleans())
def test_refusals_of_the_callee_count(sip: int, cause: int | None, rang: bool) -> None:
    assert not is_trunk_fault(cause, sip)
    assert unanswered(cause, sip, rang=rang) is Outcome.REJECTED


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (1, Outcome.INVALID_NUMBER),
        (17, Outcome.BUSY),
        (18, Outcome.NO_ANSWER),
        (19, Outcome.NO_ANSWER),
        (20, Outcome.FAILED),
        (21, Outcome.REJECTED),
        (22, Outcome.INVALID_NUMBER),
        (28, Outcome.INVALID_NUMBER),
        (31, Outcome.FAILED),
        (34, Outcome.FAILED),
        (38, Outcome.FAILED),
        (127, Outcome.FAILED),
        (None, Outcome.FAILED),
    ],
)
def test_the_cause_decides_where_no_sip_code_is_known(cause: int | None, outcome: Outcome) -> None:
    assert unanswered(cause, None) is outcome


@given(causes, sips, st.booleans())
def test_our_own_timeout_is_no_answer(cause: int | None, sip: int | None, rang: bool) -> None:
    assert outcome_of_unanswered(cause, sip, timed_out=True, rang=rang) is Outcome.NO_ANSWER


@pytest.mark.parametrize("sip", [408, 480])
def test_an_unavailable_phone_did_not_answer_only_when_it_rang(sip: int) -> None:
    assert unanswered(19, sip, rang=True) is Outcome.NO_ANSWER
    assert unanswered(19, sip, rang=False) is Outcome.FAILED
    assert not is_trunk_fault(19, sip)


def test_a_sip_code_beats_the_blurred_cause() -> None:
    assert unanswered(19, 483) is Outcome.FAILED
    assert unanswered(21, 404) is Outcome.INVALID_NUMBER
    assert unanswered(34, 486) is Outcome.BUSY
    assert not is_trunk_fault(34, 486)


@given(causes, sips, st.booleans())
def test_a_call_that_nobody_answered_never_has_an_outcome_of_an_answered_one(
    cause: int | None, sip: int | None, rang: bool
) -> None:
    assert unanswered(cause, sip, rang=rang) in {
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.REJECTED,
        Outcome.INVALID_NUMBER,
        Outcome.FAILED,
    }


@given(causes, sips, st.booleans())
def test_every_trunk_fault_is_failed(cause: int | None, sip: int | None, rang: bool) -> None:
    if is_trunk_fault(cause, sip):
        assert unanswered(cause, sip, rang=rang) is Outcome.FAILED


def test_trunk_faults_are_the_documented_codes() -> None:
    assert {401, 407, 488, *range(500, 600)} == TRUNK_FAULT_SIP
