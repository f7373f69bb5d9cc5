"""Shifts with offers and without agents, and contacts of several lists and attempts."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from engine.core.pacing import Agentless, Preview, Progressive, Snapshot
from engine.core.simulation import Result, Scenario, simulate
from engine.core.simulation.calling import Calling
from engine.core.simulation.compare import MODES, Comparison, compare
from engine.core.simulation.previewed import PreviewedShift
from engine.core.simulation.unattended import UnattendedShift

SHORT = Scenario(agents=10, hours=0.5, answer_rate=0.3, tick_s=1.0)
DISTURBED = replace(
    SHORT, amd_s=2.0, amd_error=0.05, pauses_per_h=12, pause_s=120, pick_up_s=0.7, max_lines=6,
    max_cps=0.3, skip_share=0.2, outages=((600, 700),), breaks=((900, 8, 200),),
)  # fmt: skip


def previewed(scenario: Scenario, seed: int = 1) -> Result:
    return simulate(scenario, Preview(), random.Random(seed))


def unattended(scenario: Scenario, seed: int = 1) -> Result:
    return simulate(scenario, Agentless(), random.Random(seed))


class Sees:
    """What a rule was shown, and the calls that lived then."""

    def __init__(self, rule: Preview | Agentless) -> None:
        self._rule, self.shown = rule, list[Snapshot]()

    def decide(self, snapshot: Snapshot) -> int:
        self.shown.append(snapshot)
        return self._rule.decide(snapshot)


# ---------------------------------------------------------------------------------- preview


@pytest.mark.parametrize("scenario", [SHORT, DISTURBED])
def test_with_offers_nobody_is_abandoned_and_all_time_is_accounted_for(scenario: Scenario):
    result = previewed(scenario)
    assert result == previewed(scenario) != previewed(scenario, 2)
    assert result.n_abandoned == 0 and result.n_answered > 20
    assert 0 <= result.n_answered - result.n_connected - result.n_misjudged <= 6, "judged yet"
    spent = result.talk_s + result.wrap_up_s + result.idle_s + result.preview_s
    assert spent == pytest.approx(result.logged_s, rel=1e-6)
    if not scenario.pauses_per_h:
        assert result.logged_s == pytest.approx(scenario.agents * scenario.end_s)


def test_a_call_served_costs_looking_and_ringing_for_each_attempt():
    """utilisation = S / (S + (L + D) / p): L seconds of looking and D of dialling, S of service."""
    scenario = Scenario(agents=20, hours=10, answer_rate=0.4, tick_s=0.5, preview_s=15.0)
    ringing_s = 2 + 9, 2 + 14, 3, 2 + 22
    weights = 0.4, 0.6 * 0.25, 0.6 * 0.15, 0.6 * 0.6
    dial_s = sum(w * s for w, s in zip(weights, ringing_s, strict=True)) + 0.25
    expected = 110 / (110 + (15 + dial_s) / 0.4)
    assert previewed(scenario).utilisation == pytest.approx(expected, abs=0.02)


def test_without_looking_it_is_as_busy_as_progressive():
    scenario = replace(SHORT, hours=2.0, preview_s=0.0)
    one_each = simulate(scenario, Progressive(), random.Random(1))
    assert previewed(scenario).utilisation == pytest.approx(one_each.utilisation, abs=0.03)


def test_agents_pass_on_some_and_are_asked_about_them_again():
    scenario = replace(SHORT, skip_share=0.25, hours=2.0)
    result = previewed(scenario)
    assert result.n_skipped / (result.n_skipped + result.n_placed) == pytest.approx(0.25, abs=0.03)
    few = previewed(replace(scenario, contacts=40, redial_s=60.0))
    assert few.n_placed == 40 and few.n_skipped > 4


def test_no_agent_is_in_two_places():
    sees = Sees(Preview())
    shift = PreviewedShift(DISTURBED, sees, random.Random(3))
    shift.run()
    for one in sees.shown:
        busy = sum(one.talk_ages.values()) + sum(one.wrap_up_ages.values())
        assert one.idle + one.ringing + one.amd + busy <= DISTURBED.agents
        assert one.ringing + one.amd + sum(one.talk_ages.values()) <= DISTURBED.max_lines
        assert one.held == 0


def test_a_pause_takes_an_offer_back_and_the_contact_comes_next():
    scenario = replace(
        SHORT, agents=1, contacts=1, preview_s=60.0, preview_cv=0.0, breaks=((30, 1, 100),)
    )
    sees = Sees(Preview())
    shift = PreviewedShift(scenario, sees, random.Random(1))
    result = shift.run()
    assert result.n_placed == 1 and result.preview_s == pytest.approx(30 + 60)
    first = next(one.now_s for one in sees.shown if one.ringing)
    assert first == pytest.approx(130 + 60, abs=2)


# ----------------------------------------------------------------------------- without agents


def test_without_agents_lines_bound_the_messages():
    scenario = replace(SHORT, max_lines=20, hours=1.0, message_s=30.0)
    sees = Sees(Agentless())
    shift = UnattendedShift(scenario, sees, random.Random(1))
    result = shift.run()
    assert result.logged_s == result.n_abandoned == result.n_connected == 0
    assert 0 <= result.n_answered - result.n_messages <= 20, "those who listen at the end"
    assert min(one.room for one in sees.shown) == 0
    line_s = 0.3 * (11 + 30) + 0.7 * (0.25 * (16 + 30) + 0.15 * 3 + 0.6 * 24) + 0.5
    assert result.n_placed == pytest.approx(20 * 3600 / line_s, rel=0.05)


def test_without_agents_calls_per_second_bound_them():
    result = unattended(replace(SHORT, max_lines=1000, max_cps=2.0, hours=1.0))
    assert result.n_placed == pytest.approx(7200, rel=0.01)
    assert result.figures()["messages_per_h"] == pytest.approx(result.n_messages, abs=0.1)


def test_who_has_no_patience_does_not_hear_it_all():
    result = unattended(replace(SHORT, max_lines=30, patience_s=20.0, hours=1.0))
    heard = result.n_messages / (result.n_messages + result.n_hung_up)
    assert heard == pytest.approx(0.37, abs=0.05), "exp(-1): the message takes as long"


def test_machine_detection_leaves_machines_no_line():
    lines = replace(SHORT, max_lines=20, message_s=60.0, machine_share=0.8)
    assert unattended(replace(lines, amd_s=2.0)).n_placed > 1.3 * unattended(lines).n_placed


# ------------------------------------------------------------------------------- side by side


def test_all_modes_side_by_side():
    comparison = Comparison(
        scenario=replace(SHORT, hours=0.2), modes=MODES, dial_level=1.5, max_abandon_rate=0.03
    )
    found = compare(comparison, lambda number: random.Random(f"{number}"))
    assert list(found) == ["preview", "progressive", "power", "predictive", "agentless"]
    assert len({tuple(each) for each in found.values()}) == 1, "the same names in each"
    for mode, each in found.items():
        alone = mode == "agentless"
        assert (each["utilisation"] is each["idle_s"] is each["talk_min_per_h"] is None) == alone
        assert (each["messages_per_h"] is not None) == alone
        assert (each["preview_min_per_h"] or 0) > 0 or mode != "preview"
    # Where no limit was given, that of a new campaign.
    assert 200 < (found["agentless"]["placed"] or 0) < 60 * 720 / 5


def test_new_contacts_are_of_lists_in_their_proportions():
    calling = Calling(replace(SHORT, mixed_lists=((1.0, 3.0), (0.2, 1.0), (1.0, 0.5))))
    first = [contact.list_id for _ in range(90) if (contact := calling.next(0.0))]
    assert Counter(first) == {0: 60, 1: 20, 2: 10}
    assert Counter(first[:9]) == {0: 6, 1: 2, 2: 1}, "from the beginning"


def test_people_of_each_list_and_attempt_answer_as_told():
    scenario = replace(
        SHORT, answer_rate=0.3, attempt_rates=(0.3, 0.15), mixed_lists=((5 / 3, 1.0), (1 / 3, 1.0))
    )
    rates = [scenario.rate_of(each, number, 0.0) for each in (0, 1) for number in (1, 2)]
    assert rates == pytest.approx([0.5, 0.25, 0.1, 0.05])
    result = unattended(replace(scenario, hours=4.0, max_lines=30, redial_s=600.0))
    # Half of the contacts of each list; who is not reached is called once more.
    expected = (0.5 + 0.5 * 0.25 + 0.1 + 0.9 * 0.05) / (1 + 0.5 + 1 + 0.9)
    assert result.n_answered / result.n_placed == pytest.approx(expected, abs=0.02)
