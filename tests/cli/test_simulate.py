from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.main import app

SHORT = ["simulate", "--agents", "6", "--hours", "0.2", "--answer-rate", "0.4"]


def run(*options: str) -> str:
    result = CliRunner().invoke(app, [*SHORT, *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_ends_with_one_object():
    document = json.loads(run("--compare", "--json", "--shifts", "2").splitlines()[-1])
    assert set(document["modes"]) == {"progressive", "power", "predictive"}
    assert document["agents"] == 6 and document["shifts"] == 2
    for figures in document["modes"].values():
        assert 0 < figures["utilisation"] <= 100
        assert figures["highest_abandon_rate"] >= 0
        assert figures["talk_min_per_h"] > 0 and figures["calls_per_agent_h"] > 0


def test_a_seed_gives_the_same_figures():
    assert run("--json", "--seed", "3") == run("--json", "--seed", "3")
    assert run("--json", "--seed", "3") != run("--json", "--seed", "4")


@pytest.mark.parametrize("mode", ["progressive", "power", "predictive"])
def test_a_table_for_one_mode(mode: str):
    shown = run("--mode", mode)
    assert mode in shown
    assert "utilisation %" in shown and "abandoned %" in shown


def test_with_history_and_with_all_that_disturbs():
    shown = run("--warm", "--amd", "2", "--pauses", "3", "--pick-up", "0.5", "--json")
    assert "predictive" in json.loads(shown)["modes"]


def test_refuses_what_cannot_be():
    assert CliRunner().invoke(app, ["simulate", "--answer-rate", "0"]).exit_code == 2
    assert CliRunner().invoke(app, ["simulate", "--mode", "wild"]).exit_code == 2
