"""A campaign's five states and who may move it from one to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.core.errors import CampaignFinal, CampaignIncomplete, FieldError, InvalidTransition
from engine.core.settings import CampaignSettings, SystemSettings
from engine.core.system import NO_SYSTEM, is_owned, under


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"


class Command(StrEnum):
    PLAY = "play"
    PAUSE = "pause"
    STOP = "stop"


class AutoPause(StrEnum):
    """Why a Live campaign paused itself, in order of precedence."""

    NO_AGENTS = "no_agents"
    CALLING_HOURS = "calling_hours"
    NO_CONTACTS = "no_contacts"


MANUAL = "manual"
FINAL = frozenset({CampaignStatus.STOPPED, CampaignStatus.COMPLETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign as stored. Counters live beside it and are read with it."""

    id: int
    name: str
    created_at: datetime
    updated_at: datetime
    version: int
    status: CampaignStatus
    #: `manual`, one of AutoPause, or empty.
    status_reason: str
    settings: CampaignSettings
    agent_ids: tuple[int, ...]
    n_contacts: int = 0
    n_complete: int = 0
    #: Imports that run now: nothing completes before they end.
    n_importing: int = 0
    #: The Asterisk queue that answered people wait in, while not final.
    queue: str = ""
    system: SystemSettings = NO_SYSTEM
    #: The settings as they act under those of the system; `settings` are as they were given.
    rules: CampaignSettings = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", under(self.settings, self.system))

    @property
    def live(self) -> bool:
        return self.settings.list.live

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def progress(self) -> float:
        """Percent of contacts that are complete, rounded down to 0.1; 0 without contacts."""
        return progress(self.n_complete, self.n_contacts)


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status to be made by compare-and-set on `from_status`."""

    from_status: CampaignStatus
    to_status: CampaignStatus
    reason: str
    #: Also compared, where given: an automatic change must not undo a pause by hand.
    from_reason: str | None = None


def progress(n_complete: int, n_contacts: int) -> float:
    """Percent complete, rounded down to 0.1 so that 100 means all."""
    return n_complete * 1000 // n_contacts / 10 if n_contacts else 0.0


def decide_transition(campaign: Campaign, command: Command) -> Transition | None:
    """What Play, Pause or Stop does to this campaign; None when it is accepted and changes nothing.

    Raises CampaignFinal, InvalidTransition or CampaignIncomplete.
    """
    status = campaign.status
    if status in FINAL:
        raise CampaignFinal
    match status, command:
        case CampaignStatus.DRAFT, Command.PLAY:
            _require_complete(campaign)
            return Transition(status, CampaignStatus.ACTIVE, "")
        case CampaignStatus.PAUSED, Command.PLAY:
            # An automatically paused Live campaign resumes by itself when its conditions hold.
            automatic = campaign.status_reason != MANUAL
            return None if automatic else Transition(status, CampaignStatus.ACTIVE, "")
        case CampaignStatus.ACTIVE, Command.PAUSE:
            return Transition(status, CampaignStatus.PAUSED, MANUAL)
        case CampaignStatus.PAUSED, Command.PAUSE if campaign.status_reason != MANUAL:
            return Transition(status, CampaignStatus.PAUSED, MANUAL)
        case CampaignStatus.ACTIVE | CampaignStatus.PAUSED, Command.STOP:
            return Transition(status, CampaignStatus.STOPPED, "")
    raise InvalidTransition(f"A {status} campaign cannot be told to {command}.")


def missing_for_play(campaign: Campaign) -> list[FieldError]:
    """What an administrator still has to give before Play."""
    settings, missing = campaign.settings, []
    if not settings.dialing.trunk:
        missing.append(FieldError("settings.dialing.trunk", "Choose the trunk to dial through."))
    if not settings.dialing.caller_ids:
        missing.append(
            FieldError("settings.dialing.caller_ids", "Give at least one number to call from.")
        )
    missing += [
        FieldError("settings.dialing.caller_ids", f"{each} is not declared as an own number.")
        for each in settings.dialing.caller_ids
        if not is_owned(each, campaign.system)
    ]
    if not settings.pacing.needs_agents and not settings.agentless.message:
        missing.append(FieldError("settings.agentless.message", "Choose the message to play."))
    if settings.pacing.needs_agents and not campaign.agent_ids:
        missing.append(FieldError("agent_ids", "Assign at least one agent."))
    if not campaign.n_contacts and not campaign.n_importing and not settings.list.connector_id:
        missing.append(FieldError("contacts", "Add at least one contact, or choose a connector."))
    return missing


def _require_complete(campaign: Campaign) -> None:
    missing = missing_for_play(campaign)
    if missing:
        raise CampaignIncomplete(errors=missing)


def is_exhausted(campaign: Campaign) -> bool:
    """True when no dial, redial or callback is possible any more and none is in flight.

    A contact counts as complete only then, so the counters alone tell. Never for Live campaigns.
    """
    return (
        campaign.status is CampaignStatus.ACTIVE
        and not campaign.live
        and not campaign.n_importing
        and campaign.n_complete >= campaign.n_contacts
    )
