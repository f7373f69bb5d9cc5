"""Why a contact is not called at this instant: a pure rule over what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.core.campaign import Campaign, CampaignStatus
from engine.core.contact import Contact, ContactState
from engine.core.hours import is_open, next_open_at


@dataclass(frozen=True, slots=True)
class WhyNot:
    """`reason`: withdrawn, done:<why>, in_flight, wrap_up, scheduled, dnc, calling_hours, or
    campaign:<status>. `until`: when it ends by itself, null where that is not known.
    """

    reason: str
    until: datetime | None = None


def why_not_now(
    contact: Contact, campaign: Campaign, now: datetime, *, on_dnc: bool = False
) -> list[WhyNot]:
    """All reasons, the strongest first; empty when it may be called as soon as an agent is free."""
    match contact.state:
        case ContactState.WITHDRAWN:
            return [WhyNot("withdrawn")]
        case ContactState.DONE:
            return [WhyNot(f"done:{contact.done_reason or contact.last_outcome or 'done'}")]
        case ContactState.IN_FLIGHT:
            return [WhyNot("in_flight")]
        case ContactState.WRAP_UP:
            return [WhyNot("wrap_up")]
    return _waiting(contact, campaign, now, on_dnc)


def _waiting(contact: Contact, campaign: Campaign, now: datetime, on_dnc: bool) -> list[WhyNot]:
    reasons = []
    if on_dnc:
        reasons.append(WhyNot("dnc"))
    if campaign.status is not CampaignStatus.ACTIVE:
        reasons.append(WhyNot(f"campaign:{campaign.status}"))
    if contact.next_dial_at is not None and contact.next_dial_at > now:
        reasons.append(WhyNot("scheduled", contact.next_dial_at))
    hours = campaign.settings.hours
    if not is_open(hours, contact.hours_class, now):
        reasons.append(WhyNot("calling_hours", next_open_at(hours, contact.hours_class, now)))
    return reasons
