"""Off-hook agents who are not on the line although we were told so are called again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.agent import Agent
from engine.core.call_events import AgentSeen, Device
from engine.core.seat import LOGIN_RETRY, LogIn, plan
from engine.service.roster import Roster

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def roster_with(device: Device) -> Roster:
    """One agent whom the store calls available, in a queue of an Asterisk that knows better."""
    roster = Roster()
    agent = Agent(
        id=1, name="a", extension="1001", mode="off_hook", campaign_ids=(1,), wanted_in=True,
        state="available", state_since=NOW,
    )  # type: ignore[arg-type]  # fmt: skip
    roster.load([agent])
    roster.apply(AgentSeen("pbx", "1001", "dialer-1", device, False, "", NOW))
    return roster


def test_a_line_that_stays_unavailable_is_called_again():
    seat = roster_with(Device.UNAVAILABLE).get(1)
    assert LogIn() not in plan(seat, {"dialer-1"}, NOW + LOGIN_RETRY - SECOND), "its probation"
    assert LogIn() in plan(seat, {"dialer-1"}, NOW + LOGIN_RETRY)


def test_a_line_that_works_is_left_alone():
    seat = roster_with(Device.NOT_IN_USE).get(1)
    assert LogIn() not in plan(seat, {"dialer-1"}, NOW + 10 * LOGIN_RETRY)


def test_after_a_restart_of_asterisk_everybody_is_called_at_once():
    roster = roster_with(Device.NOT_IN_USE)
    roster.lines_lost()
    assert LogIn() in plan(roster.get(1), {"dialer-1"}, NOW + SECOND)
