"""No agents to wait for: as many calls as trunk channels and calls per second allow."""

from __future__ import annotations

from engine.core.pacing.explained import Explained
from engine.core.pacing.fixed import clip
from engine.core.pacing.snapshot import Snapshot


class Agentless:
    """Every answered person hears the message at once, so nobody can be abandoned."""

    at_risk = 0.0
    explained = Explained("no_agents_needed")

    def decide(self, snapshot: Snapshot) -> int:
        return clip(snapshot.room, snapshot.room)
