"""When a Live campaign pauses itself and when it goes on: the seed's "Live campaigns".

Live campaigns pause when there are no logged-in agents, no contacts that meet the local time
requirement, or no new contacts; they go on when contacts are available and agents are logged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.core.campaign import MANUAL, AutoPause, Campaign, CampaignStatus, Transition

#: A reason to pause must hold for so long: an agent who fetches a glass of water, or a poll that is
#: just bringing contacts, should not make the status flap. Going on is never delayed.
DAMPING = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFacts:
    """What the decision needs to know."""

    #: Assigned agents who are neither offline nor paused.
    n_logged_in: int
    #: Contacts could be called now, their hours are open.
    has_callable: bool
    #: Contacts wait that only their hours keep back.
    has_closed: bool
    n_in_flight: int
    #: False where a message is played and nobody answers.
    needs_agents: bool = True


def reason_to_pause(facts: LiveFacts) -> AutoPause | None:
    """The first that holds, in the order in which they are told; None: it may run."""
    if facts.needs_agents and not facts.n_logged_in:
        return AutoPause.NO_AGENTS
    if facts.has_callable or facts.n_in_flight:
        return None
    return AutoPause.CALLING_HOURS if facts.has_closed else AutoPause.NO_CONTACTS


def decide_live(
    campaign: Campaign, reason: AutoPause | None, since: datetime, now: datetime
) -> Transition | None:
    """The change of status that a Live campaign makes by itself; None: stay.

    `since`: from when on `reason` has been the same. A campaign that was paused by hand stays.
    """
    status, shown = campaign.status, campaign.status_reason
    if not campaign.live or shown == MANUAL:
        return None
    if status is CampaignStatus.ACTIVE and reason and now - since >= DAMPING:
        return Transition(status, CampaignStatus.PAUSED, reason, from_reason=shown)
    if status is not CampaignStatus.PAUSED:
        return None
    if reason is None:
        return Transition(status, CampaignStatus.ACTIVE, "", from_reason=shown)
    if reason != shown and now - since >= DAMPING:
        return Transition(status, CampaignStatus.PAUSED, reason, from_reason=shown)
    return None
