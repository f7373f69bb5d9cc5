"""The part of a snapshot that the limit of abandoned calls is about."""

from __future__ import annotations

from dataclasses import replace

from engine.core.ledger import total
from engine.core.ledger_periods import Ledger
from engine.core.pacing import Snapshot, Tally
from engine.core.pacing.tallies import tallies_of
from engine.service.calls import Phase
from engine.service.observing import UNANSWERED
from engine.service.world import CampaignView, World


def limited(world: World, view: CampaignView, plain: Snapshot) -> Snapshot:
    """With the totals of all periods: what is settled, and what is sure of the calls that live.

    Campaigns of a group share the group's periods; what their calls in flight may still do is
    held against each other.
    """
    members = world.ledgers.members(view.campaign)
    own, *also = _tallies(world, view, (view.campaign.id,), _own(world, view))
    is_shared = view.campaign.settings.pacing.drop_rate_group is not None
    if is_shared:
        also = _tallies(world, view, members, world.ledgers.of(view.campaign) or Ledger())
    others = [each for each in _led(world, members) if each is not view]
    return replace(
        plain,
        answered=own.answered,
        abandoned=own.abandoned,
        contacts_left=own.contacts_left,
        ends_in_s=own.ends_in_s,
        also=tuple(also),
        is_shared=is_shared,
        at_risk_elsewhere=sum(_at_risk(world, other) for other in others),
    )


def _led(world: World, members: tuple[int, ...]) -> list[CampaignView]:
    """By their ids: a decision for each of many campaigns must not go through all of them."""
    return [world.campaigns[each] for each in members if each in world.campaigns]


def _at_risk(world: World, other: CampaignView) -> float:
    """A campaign that decides no more may leave everybody who is on the way without an agent."""
    if other.is_active:
        return other.at_risk
    phases = world.calls.phases(other.campaign.id)
    return float(sum(phases[each] for each in (*UNANSWERED, Phase.AMD, Phase.WAITING)))


def _own(world: World, view: CampaignView) -> Ledger:
    return world.ledgers.of_campaign.get(view.campaign.id) or Ledger()


def _tallies(
    world: World, view: CampaignView, members: tuple[int, ...], ledger: Ledger
) -> list[Tally]:
    now = world.clock.now()
    led = [each.campaign for each in _led(world, members) if each.is_active]
    found = tallies_of(
        ledger,
        now,
        live=total(map(world.calls.sure, members)),
        error_rate=view.campaign.settings.pacing.amd_error_rate,
        contacts_left=sum(max(0, each.n_contacts - each.n_complete) for each in led),
        closes_in_s=view.closes_in_s(now),
    )
    return list(found)
