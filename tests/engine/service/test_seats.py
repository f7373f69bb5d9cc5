"""What an agent's seat shows between the log-in and the first call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.core.agent import Agent, AgentState
from engine.core.call_events import AgentLoggedIn, AgentLoggedOff, AgentSeen, Device
from engine.core.seat import EndWrapUp, Leave, LogIn, Seat, can_be_reserved, plan, state_of
from engine.service.roster import Roster

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN = Agent(
    id=3, name="Ann", extension="1001", mode="off_hook", campaign_ids=(1,), wanted_in=True,
    state_since=NOW,
)  # fmt: skip
LOGGED_IN = AgentLoggedIn("pbx", "1001", NOW)


def seen(device: Device) -> AgentSeen:
    return AgentSeen("pbx", "1001", "dialer-1", device, False, "", NOW)


def states(*events, agent: Agent = ANN) -> list[AgentState]:
    """After each event."""
    roster = Roster()
    roster.load([agent])
    return [state_of(roster.apply(event)) for event in events]


def test_who_is_on_the_line_counts_before_asterisk_gives_calls() -> None:
    away, there = seen(Device.UNAVAILABLE), seen(Device.NOT_IN_USE)
    assert states(away, LOGGED_IN, away, there) == [
        AgentState.OFFLINE, AgentState.RESERVED, AgentState.RESERVED, AgentState.AVAILABLE,
    ]  # fmt: skip
    assert states(LOGGED_IN, there, away)[-1] is AgentState.OFFLINE, "the line is gone"
    assert states(away, LOGGED_IN, AgentLoggedOff("pbx", "1001", NOW))[-1] is AgentState.OFFLINE


def test_a_pause_is_shown_also_before() -> None:
    paused = replace(ANN, wanted_pause="lunch")
    assert states(seen(Device.UNAVAILABLE), LOGGED_IN, agent=paused)[-1] is AgentState.PAUSED


def test_no_contact_is_offered_before_and_no_second_login_is_asked_for() -> None:
    roster = Roster()
    roster.load([ANN])
    for event in (seen(Device.UNAVAILABLE), LOGGED_IN):
        seat = roster.apply(event)
    assert seat is not None and not can_be_reserved(seat)
    assert LogIn() not in plan(seat, {"dialer-1"}, NOW)
    assert not roster.available("dialer-1")


def test_a_wrap_up_ends_also_where_the_last_campaign_has_ended() -> None:
    """Without a queue there is no pause to be lifted, and Asterisk would refuse to."""
    there = seen(Device.NOT_IN_USE)
    wrapped = Seat(agent=ANN, on_line=True, queues={"dialer-1": there}, wrap_up_until=NOW)
    assert plan(wrapped, set(), NOW) == [Leave("dialer-1"), EndWrapUp()]
    assert plan(replace(wrapped, queues={}), set(), NOW) == [EndWrapUp()]
    assert plan(replace(wrapped, queues={}), set(), NOW - timedelta(seconds=1)) == []
