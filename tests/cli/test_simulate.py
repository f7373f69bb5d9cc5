from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.answer_rates import rates_of
from cli.main import app

NAMES = {"--lists": "lists", "--attempt-answer-rates": "attempts"}
SHORT = ["simulate", "--agents", "6", "--hours", "0.2", "--answer-rate", "0.4"]


def run(*options: str) -> str:
    result = CliRunner().invoke(app, [*SHORT, *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_ends_with_one_object():
    document = json.loads(run("--compare", "--json", "--shifts", "2").splitlines()[-1])
    alone = document["modes"].pop("agentless")
    assert alone["utilisation"] is None and alone["abandon_rate"] == 0
    assert alone["messages"] > 10 and alone["messages_per_h"] > 0
    assert set(document["modes"]) == {"preview", "progressive", "power", "predictive"}
    assert document["agents"] == 6 and document["shifts"] == 2
    for figures in document["modes"].values():
        assert 0 < figures["utilisation"] <= 100
        assert figures["highest_abandon_rate"] >= 0
        assert figures["talk_min_per_h"] > 0 and figures["calls_per_agent_h"] > 0


def test_a_seed_gives_the_same_figures():
    assert run("--json", "--seed", "3") == run("--json", "--seed", "3")
    assert run("--json", "--seed", "3") != run("--json", "--seed", "4")


@pytest.mark.parametrize("mode", ["preview", "progressive", "power", "predictive"])
def test_a_table_for_one_mode(mode: str):
    shown = run("--mode", mode)
    assert mode in shown
    assert "utilisation %" in shown and "abandoned %" in shown


def test_with_history_and_with_all_that_disturbs():
    shown = run("--warm", "--amd", "2", "--pauses", "3", "--pick-up", "0.5", "--json")
    assert "predictive" in json.loads(shown)["modes"]


def test_agents_who_look_first():
    asked = ("--mode", "preview", "--preview", "30", "--skip", "0.2", "--json")
    figures = json.loads(run(*asked))["modes"]["preview"]
    assert figures["preview_min_per_h"] > 10 and figures["skipped"] > 0
    assert "skipped by agents" in run(*asked[:-1])


def test_without_agents_there_are_messages_and_nobody_is_busy():
    asked = ("--mode", "agentless", "--message", "15", "--max-channels", "10", "--max-cps", "3")
    shown = run(*asked)
    assert "messages / hour" in shown and "–" in shown
    few, more = (
        json.loads(run(*asked[:-3], n, "--json"))["modes"]["agentless"]["messages"]
        for n in ("10", "20")
    )
    assert more > 1.5 * few > 0


def simulated(*options: str) -> dict[str, Any]:
    command = ["simulate", "--agents", "6", "--hours", "0.2", "--json", *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_lists_and_attempts_of_their_own_rates():
    document = simulated(
        "--lists", "0.6:3,0.2:1", "--attempt-answer-rates", "0.4,0.2", "--redial", "60"
    )  # fmt: skip
    assert document["answer_rate"] == 0.5
    assert document["attempt_answer_rates"] == [0.4, 0.2]
    assert document["lists"] == [
        {"answer_rate": 0.6, "weight": 3.0}, {"answer_rate": 0.2, "weight": 1.0}
    ]  # fmt: skip
    figures = document["modes"]["predictive"]
    assert 0.2 < figures["answered"] / figures["placed"] < 0.6


def test_a_rate_for_each_attempt_alone():
    document = simulated("--attempt-answer-rates", "0.5,0.1", "--redial", "30")
    assert document["answer_rate"] == 0.5 and document["lists"] is None
    assert simulated("--lists", "0.3")["lists"] == [{"answer_rate": 0.3, "weight": 1.0}]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--lists", "x:1", "'x' is not a number"),
        ("--lists", "0.4:0", "a weight is above 0"),
        ("--lists", "0.4:nan", "a weight is above 0"),
        ("--lists", "1.4:1", "'1.4' is not between 0 and 1"),
        ("--lists", "0:1,0:2", "somebody must answer"),
        ("--lists", "", "'' is not a number"),
        ("--lists", ",".join(["0.1"] * 51), "at most 50 lists"),
        ("--attempt-answer-rates", "0.4,,0.1", "'' is not a number"),
        ("--attempt-answer-rates", "0,0.1", "somebody must answer first attempts"),
        ("--attempt-answer-rates", "0.4,-1", "'-1' is not between 0 and 1"),
        ("--attempt-answer-rates", ",".join(["0.1"] * 21), "at most 20 attempts"),
    ],
)
def test_says_what_is_wrong_with_rates(option: str, value: str, said: str):
    with pytest.raises(typer.BadParameter) as refused:
        rates_of(**{"attempts": None, "lists": None} | {NAMES[option]: value})
    assert said in refused.value.message
    assert CliRunner().invoke(app, ["simulate", option, value]).exit_code == 2


def test_refuses_what_cannot_be():
    assert CliRunner().invoke(app, ["simulate", "--answer-rate", "0"]).exit_code == 2
    assert CliRunner().invoke(app, ["simulate", "--mode", "wild"]).exit_code == 2
    both = ["simulate", "--answer-rate", "0.3", "--lists", "0.3:1"]
    assert CliRunner().invoke(app, both).exit_code == 2
