"""What becomes of an offer, by its state, its timer and who is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.agent import RESERVED, Agent, AgentState
from engine.core.call_events import AgentSeen, Device
from engine.core.pacing import Preview, Snapshot
from engine.core.preview import Offer, OfferState, Step, after_miss, after_skip, may_skip, next_step
from engine.core.redial import Done, RedialAt
from engine.core.seat import (
    LogOff,
    Pause,
    Seat,
    Unpause,
    can_be_reserved,
    offered_again,
    plan,
    state_of,
)
from engine.core.settings import PreviewSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OFFER = Offer(
    attempt_id="1a", campaign_id=1, contact_id=7, agent_id=3, offered_at=NOW,
    expires_at=NOW + timedelta(seconds=60), phone="+12025550100", hours_class="UTC", number=1,
)  # fmt: skip
LATE = NOW + timedelta(seconds=60)


def step(state: OfferState, now: datetime = NOW, on_timeout: str = "return", **facts: bool) -> Step:
    usual = {"may_call": True, "agent_is_there": True, "lives": False}
    rules = PreviewSettings(on_timeout=on_timeout)  # type: ignore[arg-type]
    return next_step(replace(OFFER, state=state), rules, now, **{**usual, **facts})


def test_an_offer_waits_for_its_timer_and_no_longer() -> None:
    assert step(OfferState.OFFERED) is Step.WAIT
    assert step(OfferState.OFFERED, LATE - timedelta(microseconds=1)) is Step.WAIT
    assert step(OfferState.OFFERED, LATE) is Step.MISS
    assert step(OfferState.OFFERED, LATE, "dial") is Step.DIAL


@pytest.mark.parametrize("now", [NOW, LATE])
def test_an_answer_counts_also_when_the_timer_has_run_out(now: datetime) -> None:
    assert step(OfferState.ACCEPTED, now) is Step.DIAL
    assert step(OfferState.SKIPPED, now) is Step.SKIP


answers = st.sampled_from([OfferState.OFFERED, OfferState.ACCEPTED, OfferState.SKIPPED])


@given(answers, st.booleans(), st.booleans())
def test_nobody_is_dialled_without_campaign_and_agent(
    state: OfferState, may_call: bool, agent_is_there: bool
) -> None:
    found = step(state, LATE, "dial", may_call=may_call, agent_is_there=agent_is_there)
    assert (found is Step.WITHDRAW) == (not (may_call and agent_is_there))


@pytest.mark.parametrize("there", [True, False])
def test_a_dialled_offer_lasts_as_long_as_its_call(there: bool) -> None:
    assert step(OfferState.DIALLED, LATE, agent_is_there=there, lives=True) is Step.WAIT
    assert step(OfferState.DIALLED, LATE, agent_is_there=there, lives=False) is Step.FORGET


def test_skips_are_limited() -> None:
    rules = PreviewSettings(max_skips=2, skip_delay_s=600)
    assert [may_skip(n, rules) for n in range(4)] == [True, True, False, False]
    assert after_skip(2, rules, NOW) == RedialAt(NOW + timedelta(seconds=600))
    ending = PreviewSettings(max_skips=2, after_last_skip="done")
    assert isinstance(after_skip(1, ending, NOW), RedialAt)
    assert after_skip(2, ending, NOW) == Done("skipped")
    assert after_miss(PreviewSettings(return_delay_s=5), NOW) == RedialAt(
        NOW + timedelta(seconds=5)
    )


@given(st.integers(0, 500), st.integers(0, 500), st.integers(-5, 500))
def test_one_offer_for_each_idle_agent(idle: int, ringing: int, room: int) -> None:
    snapshot = Snapshot(
        idle=idle, held=0, ringing=ringing, amd=0, answered=0, abandoned=0, room=room
    )
    assert Preview().decide(snapshot) == max(0, min(idle, room))


def seat(*, paused: str = "", wanted_in: bool = True, reserved_for: str | None = None) -> Seat:
    agent = Agent(
        id=3, name="Ann", extension="1001", mode="off_hook", campaign_ids=(1,),
        wanted_in=wanted_in, state_since=NOW,
    )  # fmt: skip
    seen = AgentSeen("pbx", "1001", "dialer-1", Device.NOT_IN_USE, bool(paused), paused, NOW)
    return Seat(agent=agent, queues={"dialer-1": seen}, on_line=True, reserved_for=reserved_for)


def test_a_reserved_agent_gets_no_other_call() -> None:
    assert state_of(seat(reserved_for="1a")) is AgentState.RESERVED
    assert plan(seat(reserved_for="1a"), {"dialer-1"}, NOW) == [Pause(RESERVED)]
    assert plan(seat(reserved_for="1a", paused=RESERVED), {"dialer-1"}, NOW) == []
    assert plan(seat(paused=RESERVED), {"dialer-1"}, NOW) == [Unpause()]


def test_who_logs_out_while_reserved_leaves_when_the_offer_is_taken_back() -> None:
    assert plan(seat(reserved_for="1a", wanted_in=False), {"dialer-1"}, NOW) == []
    assert LogOff() in plan(seat(wanted_in=False), {"dialer-1"}, NOW)


def test_a_reservation_of_an_earlier_engine_can_be_taken_over() -> None:
    assert can_be_reserved(seat()) and can_be_reserved(seat(paused=RESERVED))
    assert not can_be_reserved(seat(paused="lunch"))
    assert not can_be_reserved(replace(seat(), attempt_id="1b"))
    assert not can_be_reserved(seat(wanted_in=False))


def test_an_offer_finds_its_agent_again_whatever_shows_of_the_call_before() -> None:
    talked = replace(seat(paused="wrap-up"), attempt_id="1b", wrap_up_until=LATE)
    again = offered_again(talked, "1a")
    assert again is not None and state_of(again) is AgentState.RESERVED
    assert again.reserved_for == "1a" and plan(again, {"dialer-1"}, NOW) == [Pause(RESERVED)]
    assert offered_again(seat(paused="lunch"), "1a") is None
    assert offered_again(seat(wanted_in=False), "1a") is None
    busy = replace(seat().queues["dialer-1"], device=Device.IN_USE)
    assert offered_again(replace(seat(), queues={"dialer-1": busy}), "1a") is None
