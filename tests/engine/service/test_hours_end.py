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


def test_a_class_is_looked_up_once_while_others_come_and_go(view, asked):
    for minute, classes in enumerate([(EAST,), (EAST, WEST), (WEST,), (EAST, WEST)]):
        view.classes = classes
        view.closes_in_s(NOON + timedelta(minutes=minute))
    assert asked == [EAST, WEST]


def test_hours_that_open_or_go_on_are_noticed(view):
    always = {"hours": {"windows": [{"start": "00:00", "end": "24:00"}]}}
    view.classes = (EAST,)
    early = NOON.replace(hour=11)
    assert view.closes_in_s(early) == 0
    assert view.closes_in_s(early + timedelta(hours=3)) > 6 * 3600
    view.campaign.settings = CampaignSettings.model_validate(always)
    assert view.closes_in_s(early + timedelta(hours=10)) > 11 * 3600


def test_hours_are_never_thought_to_last_longer_than_they_do(view):
    view.classes = (EAST, WEST)
    for minute in range(0, 20 * 60, 7):
        now = NOON + timedelta(minutes=minute)
        last = open_until(view.campaign.settings.hours, view.classes, now)
        assert view.closes_in_s(now) <= (last - now).total_seconds() + 15 * 60
