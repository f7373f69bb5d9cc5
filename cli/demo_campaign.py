"""The demo's campaign: its values, its settings, and how long it may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TALK_S = 3
WRAP_UP_S = 1
RING_S = 6
REDIAL_S = 3
#: How long a person who says nothing stays on the line.
SILENCE_S = 4
#: Calls per available agent in mode power.
DIAL_LEVEL = 1.5
#: Without any change for so long the campaign counts as stalled.
STALL_S = 60.0
#: Longest campaign: at least this, and so many agent-seconds for each contact.
LIMIT_S = 240.0
AGENT_S_PER_CONTACT = 24.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    n_contacts: int = 100
    n_agents: int = 10
    mode: Literal["progressive", "power", "predictive"] = "progressive"
    as_json: bool = False
    keep: bool = False
    #: Part of the contacts who would answer; None: every behaviour that the carrier knows.
    answer_rate: float | None = None


@dataclass(slots=True)
class Patience:
    """Ends when nothing has changed for STALL_S, or after `limit_s` in all."""

    began: float
    limit_s: float
    changed_at: float = 0.0
    before: object = None

    def is_over(self, now: float, progress: object) -> bool:
        """`progress` is anything that changes when the campaign goes on."""
        if progress != self.before or not self.changed_at:
            self.before, self.changed_at = progress, now
        return now - self.changed_at > STALL_S or now - self.began > self.limit_s


def progress_of(stats: Mapping[str, Any]) -> tuple[int, int]:
    return stats["attempts"], stats["n_complete"]


def limit_of(options: DemoOptions) -> float:
    """Seconds after which even a slow campaign of this size should have completed."""
    return max(LIMIT_S, AGENT_S_PER_CONTACT * options.n_contacts / options.n_agents)


def settings_of(options: DemoOptions) -> dict[str, Any]:
    """The campaign's settings; everything that is not here has its default."""
    once = {"delay_s": REDIAL_S, "max": 1}
    outcomes = ("no_answer", "failed", "hung_up_early", "unknown", "cancelled")
    return {
        "list": {"method": "file", "default_country": "US"},
        "pacing": {"mode": options.mode, "dial_level": DIAL_LEVEL},
        "dialing": {
            "trunk": "carrier",
            "caller_ids": ["+12025550100"],
            "ring_timeout_s": RING_S,
            "max_cps": 20,
            "max_channels": 3 * options.n_agents,
        },
        "redial": {
            "max_attempts": 3,
            "max_trunk_faults": 1,
            "rules": {"busy": {"delay_s": REDIAL_S, "max": 2}} | dict.fromkeys(outcomes, once),
        },
        "hours": {"timezone": "America/New_York", "windows": [{"start": "00:00", "end": "24:00"}]},
        "wrap_up_s": WRAP_UP_S,
    }
