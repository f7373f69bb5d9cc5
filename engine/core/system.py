"""What holds for all campaigns: a campaign's own rules narrow it, and never widen it."""

from __future__ import annotations

from engine.core.settings import (
    CampaignSettings,
    DestinationSettings,
    SystemDestinations,
    SystemSettings,
)

#: No country has this code, so that a list of it alone allows none.
NOWHERE = "ZZ"
NO_SYSTEM = SystemSettings()


def under(settings: CampaignSettings, system: SystemSettings) -> CampaignSettings:
    """The settings as they act: destinations that both allow, caller ids that are ours."""
    if system == NO_SYSTEM:
        return settings
    dialing = settings.dialing
    own = tuple(each for each in dialing.caller_ids if is_owned(each, system))
    return settings.model_copy(
        update={
            "destinations": _both(settings.destinations, system.destinations),
            "dialing": dialing.model_copy(update={"caller_ids": own}),
        }
    )


def is_owned(caller_id: str, system: SystemSettings) -> bool:
    return not system.owned_numbers or caller_id in system.owned_numbers


def _both(mine: DestinationSettings, most: SystemDestinations) -> DestinationSettings:
    return DestinationSettings(
        countries=_countries(mine.countries, most.countries),
        allow_premium=mine.allow_premium and most.allow_premium,
        allow_shared_cost=mine.allow_shared_cost and most.allow_shared_cost,
        allow_satellite=mine.allow_satellite and most.allow_satellite,
    )


def _countries(mine: tuple[str, ...], most: tuple[str, ...]) -> tuple[str, ...]:
    if not mine or not most:
        return mine or most
    return tuple(each for each in mine if each in most) or (NOWHERE,)
