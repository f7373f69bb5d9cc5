from __future__ import annotations

import json
import os
import signal
import socket

import pytest

from cli.demo_campaign import STALL_S, DemoOptions, Patience, limit_of, settings_of
from cli.demo_screen import line_of
from cli.demo_stack import Interrupted, Interruption, Stack
from cli.demo_summary import Picture, Summary, as_json
from engine.core.settings import CampaignSettings
from engine.store.loopback import HOST, free_port

STATS = {
    "status": "completed",
    "status_reason": "",
    "progress": 100.0,
    "n_contacts": 3,
    "n_complete": 3,
    "attempts": 4,
    "calls": {"ringing": 1, "talking": 0},
    "agents": {"available": 2},
    "outcomes": {"busy": 4},
    "idle_reasons": [],
}


@pytest.mark.parametrize("mode", ["progressive", "power", "predictive"])
def test_the_settings_are_ones_that_the_dialer_takes(mode: str) -> None:
    options = DemoOptions(mode=mode)  # type: ignore[arg-type]
    settings = CampaignSettings.model_validate(settings_of(options))
    assert settings.pacing.mode == mode
    assert settings.dialing.ring_timeout_s == 6


def test_a_campaign_without_change_ends_the_patience() -> None:
    patience = Patience(began=100.0, limit_s=1000.0)
    assert not patience.is_over(100.0, (0, 0))
    assert not patience.is_over(150.0, (1, 0))
    assert not patience.is_over(150.0 + STALL_S, (1, 0))
    assert patience.is_over(151.0 + STALL_S, (1, 0))


def test_a_campaign_that_goes_on_for_ever_ends_the_patience_too() -> None:
    patience = Patience(began=0.0, limit_s=limit_of(DemoOptions()))
    assert not patience.is_over(239.0, 1)
    assert patience.is_over(241.0, 2)


def test_a_bigger_demo_may_take_longer() -> None:
    assert limit_of(DemoOptions(n_contacts=1000, n_agents=10)) == 2400.0


def test_a_moment_on_one_line() -> None:
    stats = STATS | {"status": "active", "idle_reasons": ["no_agents"]}
    line = line_of(Picture({}, stats, elapsed_s=7.0))
    assert "Active – waiting: no agents logged in" in line
    assert "calls: 1 ringing |" in line


def test_the_result_has_exactly_the_keys_of_the_contract() -> None:
    picture = Picture({}, STATS, 1.0)
    summary = Summary(picture, {"busy": 4}, 4, 0, 0.0, None, None, None, checks=())
    assert json.loads(as_json(summary, wall_s=12.345)) == {
        "status": "completed",
        "contacts": 3,
        "progress": 100.0,
        "attempts": 4,
        "outcomes": {"busy": 4},
        "bridged": 0,
        "abandon_rate": 0.0,
        "connect_ms": {"p50": None, "p99": None},
        "wall_s": 12.3,
    }


def test_a_signal_ends_every_wait_and_its_handler_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        interruption.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted):
            interruption.wait_until(lambda: False, 60)
        assert interruption.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as sock:
        sock.bind((HOST, free_port()))


def test_the_folder_goes_unless_it_is_worth_a_look() -> None:
    with Stack(1) as stack:
        assert stack.folder.is_dir()
    assert not stack.folder.exists()
    with Stack(1) as kept:
        kept.keep_folder = True
    assert kept.folder.is_dir()
    kept.folder.rmdir()
