"""What one run is like, drawn from its seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.virtual.people import Public
from engine.core.agent import AgentMode
from engine.core.settings import CampaignSettings

#: 11:50 in New York; campaigns close for some minutes at noon there.
BEGAN_AT = datetime(2026, 1, 5, 16, 50, tzinfo=UTC)
ZONE, CLOSES, OPENS = "America/New_York", "12:00", "12:05"
MODES = ("progressive", "power", "predictive", "predictive")
AGENT_MODES: tuple[AgentMode, ...] = ("off_hook", "off_hook", "on_hook")


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    settings: CampaignSettings
    n_contacts: int
    #: By the agents' place in the plan.
    agents: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int
    hours: float
    public: Public
    #: Modes of the agents' phones.
    agents: tuple[AgentMode, ...]
    campaigns: tuple[CampaignPlan, ...]
    #: The engine's periodic loops are so many times slower: most of an idle hour is theirs.
    ease: int
    #: Mean seconds between two faults; None: none.
    fault_every_s: float | None
    #: Mean seconds between two commands of people: pauses, logins, Play, Pause, Stop.
    meddle_every_s: float


def plan_of(
    seed: int,
    *,
    hours: float,
    n_campaigns: int,
    faults: bool,
    ease: int = 1,
    agents_each: int | None = None,
) -> Plan:
    """`agents_each`: agents for each campaign; None: as the seed says."""
    dice = random.Random(f"{seed} plan")
    drawn = dice.randint(3, 6)
    n_agents = n_campaigns * (agents_each or drawn)
    return Plan(
        seed=seed,
        hours=hours,
        ease=ease,
        public=Public(
            person=dice.uniform(0.15, 0.5),
            machine=dice.uniform(0, 0.2),
            trunk_fault=dice.choice((0.0, 0.01, 0.05)),
            talk_s=dice.uniform(30, 150),
            pick_up_s=dice.uniform(0.3, 1.2),
        ),
        agents=tuple(dice.choice(AGENT_MODES) for _ in range(n_agents)),
        campaigns=tuple(_campaign(dice, n_agents, n_campaigns, hours) for _ in range(n_campaigns)),
        fault_every_s=dice.uniform(20, 200) if faults else None,
        meddle_every_s=dice.uniform(30, 120),
    )


def _campaign(dice: random.Random, n_agents: int, n_campaigns: int, hours: float) -> CampaignPlan:
    n = dice.randint(2, max(3, 2 * n_agents // n_campaigns))
    agents = dice.sample(range(n_agents), min(n, n_agents))
    return CampaignPlan(
        settings=_settings(dice),
        n_contacts=int(hours * len(agents) * dice.uniform(15, 60)),
        agents=tuple(sorted(agents)),
    )


def _settings(dice: random.Random) -> CampaignSettings:
    ring_s = dice.randint(15, 30)
    document: Mapping[str, object] = {
        "pacing": {
            "mode": dice.choice(MODES),
            "dial_level": dice.uniform(1, 2.5),
            "max_abandon_rate": dice.choice((0.03, 0.05)),
        },
        "dialing": {
            "trunk": "carrier",
            "caller_ids": ["+12025550100"],
            "ring_timeout_s": ring_s,
            "max_channels": dice.randint(5, 30),
            "max_cps": dice.choice((0.5, 2, 10)),
            "amd": dice.choice(("off", "off", "on")),
        },
        "redial": {
            "max_attempts": dice.randint(1, 4),
            "max_trunk_faults": 2,
            "rules": {
                outcome: {"delay_s": dice.choice((60, 300, 1200)), "max": dice.randint(0, 3)}
                for outcome in ("busy", "no_answer", "failed", "hung_up_early", "machine")
            },
        },
        "limits": {"max_per_24h": dice.choice((None, 2, 3))},
        "hours": {
            "timezone": ZONE,
            "respect_contact_timezone": False,
            "windows": [
                {"start": "09:00", "end": CLOSES},
                {"start": OPENS, "end": "20:00"},
            ],
        },
        "wrap_up_s": dice.choice((0, 5, 20)),
    }
    return CampaignSettings.model_validate(document)
