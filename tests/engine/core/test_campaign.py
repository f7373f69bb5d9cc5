from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.campaign import (
    MANUAL,
    AutoPause,
    Campaign,
    CampaignStatus,
    Command,
    Transition,
    decide_transition,
    is_exhausted,
    missing_for_play,
    progress,
)
from engine.core.errors import CampaignFinal, CampaignIncomplete, Conflict, InvalidTransition
from engine.core.settings import CampaignSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
READY = {
    "list": {"method": "file"},
    "dialing": {"trunk": "carrier", "caller_ids": ["+12025550100"]},
}
LIVE = {**READY, "list": {"method": "crm", "connector_id": "1", "live": True}}

ACTIVE, PAUSED, STOPPED = CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.STOPPED
DRAFT, COMPLETED = CampaignStatus.DRAFT, CampaignStatus.COMPLETED
REFUSED, FINAL = InvalidTransition, CampaignFinal


def campaign(status: CampaignStatus = DRAFT, reason: str = "", **given: Any) -> Campaign:
    settings = CampaignSettings.model_validate(given.pop("settings", READY))
    values: dict[str, Any] = {"agent_ids": (1,), "n_contacts": 10} | given
    return Campaign(
        id=1,
        name="x",
        created_at=NOW,
        updated_at=NOW,
        version=1,
        status=status,
        status_reason=reason,
        settings=settings,
        **values,
    )


#: (status, reason) → what Play, Pause and Stop do: new (status, reason), None, or the refusal.
TABLE: dict[tuple[CampaignStatus, str], tuple[Any, Any, Any]] = {
    (DRAFT, ""): ((ACTIVE, ""), REFUSED, REFUSED),
    (ACTIVE, ""): (REFUSED, (PAUSED, MANUAL), (STOPPED, "")),
    (PAUSED, MANUAL): ((ACTIVE, ""), REFUSED, (STOPPED, "")),
    **{(PAUSED, auto): (None, (PAUSED, MANUAL), (STOPPED, "")) for auto in AutoPause},
    (STOPPED, ""): (FINAL, FINAL, FINAL),
    (COMPLETED, ""): (FINAL, FINAL, FINAL),
}
ROWS = [
    (status, reason, command, wanted)
    for (status, reason), row in TABLE.items()
    for command, wanted in zip(Command, row, strict=True)
]


@pytest.mark.parametrize(("status", "reason", "command", "wanted"), ROWS)
@pytest.mark.parametrize("settings", [READY, LIVE], ids=["list", "live"])
def test_the_table_of_transitions(
    status: CampaignStatus, reason: str, command: Command, wanted: Any, settings: dict[str, Any]
) -> None:
    given = campaign(status, reason, settings=settings)
    if isinstance(wanted, type):
        with pytest.raises(wanted):
            decide_transition(given, command)
        return
    expected = None if wanted is None else Transition(status, *wanted)
    assert decide_transition(given, command) == expected


def test_the_table_has_every_status() -> None:
    assert {status for status, _ in TABLE} == set(CampaignStatus)


def test_refusals_are_conflicts_with_the_codes_of_the_contract() -> None:
    codes = {error.code for error in (InvalidTransition, CampaignFinal, CampaignIncomplete)}
    assert codes == {"invalid_transition", "campaign_final", "campaign_incomplete"}
    assert all(issubclass(error, Conflict) for error in (REFUSED, FINAL, CampaignIncomplete))


def test_play_of_a_bare_draft_names_everything_that_is_missing() -> None:
    bare = campaign(settings={}, agent_ids=(), n_contacts=0)
    with pytest.raises(CampaignIncomplete) as refusal:
        decide_transition(bare, Command.PLAY)
    assert [error.field for error in refusal.value.errors] == [
        "settings.dialing.trunk",
        "settings.dialing.caller_ids",
        "agent_ids",
        "contacts",
    ]
    assert all(error.message for error in refusal.value.errors)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"settings": {"dialing": {"caller_ids": ["+12025550100"]}}}, "settings.dialing.trunk"),
        ({"settings": {"dialing": {"trunk": "carrier"}}}, "settings.dialing.caller_ids"),
        ({"agent_ids": ()}, "agent_ids"),
        ({"n_contacts": 0}, "contacts"),
    ],
)
def test_each_missing_thing_is_named_alone(given: dict[str, Any], field: str) -> None:
    assert [error.field for error in missing_for_play(campaign(**given))] == [field]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"n_contacts": 0, "n_importing": 1},
        {"n_contacts": 0, "settings": LIVE},
    ],
    ids=["contacts", "an import that runs", "a connector"],
)
def test_any_source_of_contacts_is_enough(given: dict[str, Any]) -> None:
    assert missing_for_play(campaign(**given)) == []


def test_an_incomplete_campaign_is_not_asked_again_after_a_manual_pause() -> None:
    bare = campaign(PAUSED, MANUAL, settings={}, agent_ids=(), n_contacts=0)
    assert decide_transition(bare, Command.PLAY) == Transition(PAUSED, ACTIVE, "")


@given(st.integers(1, 10**9), st.data())
def test_progress_is_rounded_down_and_is_100_only_for_all(
    n_contacts: int, data: st.DataObject
) -> None:
    n_complete = data.draw(st.integers(0, n_contacts))
    value = progress(n_complete, n_contacts)
    tenths = round(value * 10)
    assert value == tenths / 10
    assert tenths * n_contacts <= 1000 * n_complete < (tenths + 1) * n_contacts
    assert (value == 100) == (n_complete == n_contacts)


@given(st.integers(1, 10_000), st.data())
def test_progress_never_falls_while_contacts_complete(n_contacts: int, data: st.DataObject) -> None:
    n_complete = data.draw(st.integers(0, n_contacts - 1))
    assert progress(n_complete, n_contacts) <= progress(n_complete + 1, n_contacts)


@pytest.mark.parametrize(
    ("n_complete", "n_contacts", "shown"),
    [(0, 0, 0.0), (1, 3, 33.3), (2, 3, 66.6), (9_999, 10_000, 99.9), (10, 10, 100.0)],
)
def test_progress_as_shown(n_complete: int, n_contacts: int, shown: float) -> None:
    assert campaign(n_complete=n_complete, n_contacts=n_contacts).progress == shown


def test_only_an_active_list_with_every_contact_complete_is_exhausted() -> None:
    for status, settings, n_complete, n_importing in product(
        CampaignStatus, (READY, LIVE), (0, 9, 10), (0, 1)
    ):
        given = campaign(status, settings=settings, n_complete=n_complete, n_importing=n_importing)
        wanted = (status, settings, n_complete, n_importing) == (ACTIVE, READY, 10, 0)
        assert is_exhausted(given) is wanted


@given(st.sampled_from(CampaignStatus), st.integers(0, 5), st.integers(0, 5), st.integers(0, 2))
def test_a_live_campaign_is_never_exhausted(
    status: CampaignStatus, n_complete: int, n_contacts: int, n_importing: int
) -> None:
    given = campaign(
        status,
        settings=LIVE,
        n_complete=n_complete,
        n_contacts=n_contacts,
        n_importing=n_importing,
    )
    assert given.live
    assert not is_exhausted(given)


@pytest.mark.parametrize("status", CampaignStatus)
def test_final_are_stopped_and_completed(status: CampaignStatus) -> None:
    assert campaign(status).is_final is (status in (STOPPED, COMPLETED))
