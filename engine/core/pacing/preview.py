"""A contact for each free agent to look at; nobody is dialled before that agent says so."""

from __future__ import annotations

from engine.core.pacing.explained import Explained
from engine.core.pacing.fixed import clip
from engine.core.pacing.snapshot import Snapshot


class Preview:
    """Whoever has an offer is reserved and not idle, so calls in flight have their agents."""

    at_risk = 0.0
    explained = Explained("one_each")

    def decide(self, snapshot: Snapshot) -> int:
        return clip(snapshot.idle, snapshot.room)
