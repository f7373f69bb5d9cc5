"""When the calling hours of everybody who waits end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from engine.core.hours import open_until
from engine.core.settings import CampaignSettings
from engine.service import world
from engine.service.world import CampaignView

NOON = datetime(2026, 1, 5, 17, tzinfo=UTC)
EAST, WEST, HELD = "America/New_York", "America/Los_Angeles", ""


@pytest.fixture
def asked(monkeypatch):
    asked = []

    def noted(hours, classes, now):
        asked.extend(classes)
        return open_until(hours, classes, now)

    monkeypatch.setattr(world, "open_until", noted)
    return asked


@pytest.fixture
def view():
    campaign = SimpleNamespace(settings=CampaignSettings())
    return CampaignView(campaign, pacing=None, bucket=None, epoch=1)


def test_as_the_core_says_for_all_classes_at_once(view):
    for classes in ((), (EAST,), (EAST, WEST), (WEST, HELD)):
        view.classes = classes
        last = open_until(view.campaign.settings.hours, classes, NOON)
        assert view.closes_in_s(NOON) == (last - NOON).total_seconds()


def test_a_class_is_looked_up_once_in_a_minute_while_others_come_and_go(view, asked):
    for second, classes in enumerate([(EAST,), (EAST, WEST), (WEST,), (EAST, WEST)]):
        view.classes = classes
        view.closes_in_s(NOON + timedelta(seconds=second))
    assert asked == [EAST, WEST]


def test_it_is_looked_up_again_in_the_next_minute(view, asked):
    view.classes = (EAST,)
    for minute in range(2):
        view.closes_in_s(NOON + timedelta(minutes=minute))
    assert asked == [EAST, EAST]
