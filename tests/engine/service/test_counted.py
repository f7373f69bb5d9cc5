"""What is sure of calls that the store has not counted, while they live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.core.call_events import AmdDecided, Answered, Connected, HungUp, MessageStarted, Ringing
from engine.core.call_state import CallState
from engine.core.ledger import Counts, total
from engine.service.calls import Call, CallTable, sure_of

START = datetime(2026, 1, 5, 15, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def table(*attempt_ids: str, amd: bool = False) -> CallTable:
    calls = CallTable()
    for attempt_id in attempt_ids:
        state = CallState(attempt_id=attempt_id, sent_at=START)
        calls.add(
            Call(
                campaign_id=1,
                contact_id=1,
                phone=attempt_id,
                number=1,
                caller_id="",
                trunk="",
                node="",
                queue="q",
                amd=amd,
                started_at=START,
                state=state,
            )
        )
    return calls


def test_a_person_counts_from_the_answer_on():
    calls = table("a")
    assert calls.sure(1) == Counts()
    calls.apply(Answered("a", at(0)))
    assert calls.sure(1) == Counts(n_people=1)
    calls.apply(Connected("a", at(1), "1001"))
    assert calls.sure(1) == Counts(n_people=1, n_connected=1)


def test_who_is_connected_late_or_hears_the_message_is_abandoned():
    calls = table("late", "unserved")
    for attempt_id in ("late", "unserved"):
        calls.apply(Answered(attempt_id, at(0)))
    calls.apply(Connected("late", at(2.1), "1001"))
    calls.apply(MessageStarted("unserved", at(2)))
    assert calls.sure(1) == Counts(n_people=2, n_abandoned=2, n_connected=1)


def test_a_machine_is_nobody_and_a_judged_call_is_in_doubt():
    calls = table("a", amd=True)
    calls.apply(Answered("a", at(0)))
    assert calls.sure(1) == Counts()
    calls.apply(AmdDecided("a", at(2), "MACHINE"))
    assert calls.sure(1) == Counts()


def test_what_the_store_counted_counts_no_more():
    calls = table("a", "b")
    for attempt_id in ("a", "b"):
        calls.apply(Answered(attempt_id, at(0)))
    calls.counted("a")
    calls.apply(HungUp("a", at(3), None, None))
    calls.counted("unknown")
    assert calls.sure(1) == Counts(n_people=1)
    calls.remove("a")
    assert calls.sure(1) == Counts(n_people=1)
    calls.remove("b")
    assert calls.sure(1) == Counts()


names = st.sampled_from("abcd")
moves = st.one_of(
    st.builds(Ringing, names, st.just(at(0))),
    st.builds(Answered, names, st.just(at(1))),
    st.builds(AmdDecided, names, st.just(at(2)), st.sampled_from(["HUMAN", "MACHINE"])),
    st.builds(Connected, names, st.sampled_from([at(2), at(5)]), st.just("1001")),
    st.builds(MessageStarted, names, st.just(at(3))),
    st.builds(HungUp, names, st.just(at(6)), st.none(), st.none()),
    st.tuples(st.sampled_from(["counted", "remove"]), names),
)


@given(st.lists(moves, max_size=30), st.booleans())
def test_the_running_sum_is_that_of_the_calls(script, amd):
    calls = table(*"abcd", amd=amd)
    for move in script:
        if isinstance(move, tuple):
            getattr(calls, move[0])(move[1])
        else:
            calls.apply(move)
        assert calls.sure(1) == total(map(sure_of, calls))
