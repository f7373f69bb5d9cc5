"""A campaign's live figures over the last hour: a ring of samples in one hash, which needs no
cleaning. The last figures of each slot stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.store import codec
from engine.store.link import Command

SLOT_S: Final = 15
N_SLOTS: Final = 3600 // SLOT_S


@dataclass(frozen=True, slots=True)
class Sample:
    """`at_s`: seconds since 1970. Calls by phase and agents by state, as they were."""

    at_s: int
    calls: Mapping[str, int]
    agents: Mapping[str, int]


def sample_command(key: str, figures: Mapping[str, Any]) -> Command:
    """Keep these figures, which say in `at_s` when they were taken."""
    at_s = int(figures["at_s"])
    sample = [at_s, _counted(figures, "calls"), _counted(figures, "agents")]
    return ("HSET", key, at_s // SLOT_S % N_SLOTS, codec.to_json(sample))


def _counted(figures: Mapping[str, Any], name: str) -> dict[str, int]:
    """Without zeros: most are."""
    return {what: n for what, n in figures.get(name, {}).items() if n}


def samples(texts: Sequence[str], now_s: float) -> list[Sample]:
    """Of the last hour, oldest first: a campaign that slept has older ones in its ring."""
    found = [Sample(*codec.from_json(text)) for text in texts]
    recent = [sample for sample in found if now_s - sample.at_s < 3600]
    return sorted(recent, key=lambda sample: sample.at_s)
