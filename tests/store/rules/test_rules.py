"""The machine's runs: hypothesis' own, and long seeded walks; `make soak` makes more of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import DRAWN, RulesMachine

#: Steps of a walk with their weights, and their arguments.
STEPS = {
    "place": (14, "side n dies"), "place_and_end": (6, "side n outcome"), "claim": (2, "side n"),
    "reserve": (3, "pick"), "send": (3, "pick"),
    "end": (14, "pick outcome fault releases after_s"), "dispose": (10, "pick code hours"),
    "become_known": (2, "pick late"), "crash": (1, "side"), "reap": (3, "side"),
    "complete": (2, "side"), "edit_caps": (2, "side cap hard"), "withdraw": (1, "side pick"),
    "set_active": (3, "side pick active"), "forbid": (1, "pick prefix scope"),
    "free": (2, "pick prefix scope"), "pause_or_play": (2, "side"), "upload": (1, "side n again"),
    "read_list": (3, "killed"), "wait": (12, "seconds"), "jump_back": (3, "back_s"),
    "morning": (8, ""),
}  # fmt: skip
WEIGHTS = [weight for weight, _ in STEPS.values()]


def may(machine: RulesMachine, name: str) -> bool:
    """What hypothesis asks of itself."""
    rules = {rule.function.__name__: rule for rule in machine.rules}
    return all(precondition(machine) for precondition in rules[name].preconditions)


@pytest.mark.parametrize(
    "walk", [*range(10), *(pytest.param(n, marks=pytest.mark.soak) for n in range(10, 300))]
)
def test_a_long_walk(valkey_url: str, walk: int) -> None:
    """Hypothesis' steps rarely meet in one call; weighted ones make calls all the time."""
    dice, machine = random.Random(walk), RulesMachine()
    machine.url = valkey_url
    machine.begin()
    try:
        for _ in range(300):
            (name,) = dice.choices(list(STEPS), WEIGHTS)
            if may(machine, name):
                arguments = {each: dice.choice(DRAWN[each]) for each in STEPS[name][1].split()}
                getattr(machine, name)(**arguments)
                machine.everything_has_a_reason()
        assert len(machine.world.books.calls) > 3
    finally:
        machine.teardown()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [6, pytest.param(400, marks=pytest.mark.soak)])
def test_whatever_happens_by_the_rules(valkey_url: str, examples: int) -> None:
    class Machine(RulesMachine):
        url = valkey_url

    run_state_machine_as_test(
        seed(examples)(Machine),
        settings=settings(
            phases=(Phase.generate,), max_examples=examples, stateful_step_count=50,
            deadline=None, suppress_health_check=list(HealthCheck), print_blob=False,
            database=None,
        ),
    )  # fmt: skip
