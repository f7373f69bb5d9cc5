"""A Live campaign's own pauses: seed, "Live campaigns", and the precedence of the design."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.campaign import MANUAL, AutoPause, Campaign, CampaignStatus
from engine.core.live import DAMPING, LiveFacts, decide_live, reason_to_pause
from engine.core.settings import CampaignSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(minutes=5)


def campaign(status: CampaignStatus, reason: str = "", *, live: bool = True) -> Campaign:
    settings = CampaignSettings.model_validate({"list": {"method": "api", "live": live}})
    return Campaign(
        id=1, name="c", created_at=NOW, updated_at=NOW, version=1, status=status,
        status_reason=reason, settings=settings, agent_ids=(1,), n_contacts=5, n_complete=5,
    )  # fmt: skip


def facts(agents: int = 1, callable_: bool = False, closed: bool = False, flying: int = 0):
    return LiveFacts(
        n_logged_in=agents, has_callable=callable_, has_closed=closed, n_in_flight=flying
    )


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (facts(agents=0, callable_=True), AutoPause.NO_AGENTS),
        (facts(agents=0, closed=True), AutoPause.NO_AGENTS),
        (facts(closed=True), AutoPause.CALLING_HOURS),
        (facts(), AutoPause.NO_CONTACTS),
        (facts(closed=True, flying=1), None),
        (facts(flying=1), None),
        (facts(callable_=True, closed=True), None),
    ],
)
def test_the_first_reason_that_holds(seen: LiveFacts, reason: AutoPause | None) -> None:
    assert reason_to_pause(seen) is reason


def test_pauses_only_after_the_reason_has_held() -> None:
    active = campaign(CampaignStatus.ACTIVE)
    just_now = NOW - DAMPING + timedelta(milliseconds=1)
    assert decide_live(active, AutoPause.NO_AGENTS, just_now, NOW) is None
    change = decide_live(active, AutoPause.NO_AGENTS, NOW - DAMPING, NOW)
    assert change is not None
    assert (change.to_status, change.reason) == (CampaignStatus.PAUSED, "no_agents")


def test_goes_on_at_once() -> None:
    paused = campaign(CampaignStatus.PAUSED, "no_agents")
    change = decide_live(paused, None, NOW, NOW)
    assert change is not None
    assert (change.to_status, change.from_reason) == (CampaignStatus.ACTIVE, "no_agents")


def test_tells_a_new_reason_while_paused() -> None:
    paused = campaign(CampaignStatus.PAUSED, "no_contacts")
    change = decide_live(paused, AutoPause.NO_AGENTS, LONG_AGO, NOW)
    assert change is not None
    assert (change.to_status, change.reason) == (CampaignStatus.PAUSED, "no_agents")


@given(
    reason=st.none() | st.sampled_from(AutoPause),
    status=st.sampled_from(CampaignStatus),
    since=st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=1)),
)
def test_a_pause_by_hand_and_list_campaigns_are_left_alone(
    reason: AutoPause | None, status: CampaignStatus, since: timedelta
) -> None:
    by_hand = campaign(CampaignStatus.PAUSED, MANUAL)
    assert decide_live(by_hand, reason, NOW - since, NOW) is None
    assert decide_live(campaign(status, live=False), reason, NOW - since, NOW) is None
