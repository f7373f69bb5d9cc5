"""What a rule has learned, as a plain value: kept, and given to a campaign that starts later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.pacing.hazards import Kept

VERSION = 1
PARTS = ("talk", "wrap_up", "lines", "judged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """`caution`: what the governor found to be the abandons that really follow from a risk."""

    talk: Kept
    wrap_up: Kept
    lines: Kept
    judged: Kept
    caution: float

    def as_json(self) -> dict[str, object]:
        return {
            "version": VERSION,
            "caution": self.caution,
            **{part: _as_json(getattr(self, part)) for part in PARTS},
        }


def knowledge_of(document: Mapping[str, object]) -> Knowledge | None:
    """None where it was written in another shape: then everything is learned anew."""
    if document.get("version") != VERSION:
        return None
    try:
        talk, wrap_up, lines, judged = (_kept(document[part]) for part in PARTS)
        caution = float(document["caution"])  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Knowledge(talk=talk, wrap_up=wrap_up, lines=lines, judged=judged, caution=caution)


def _as_json(kept: Kept) -> dict[str, object]:
    counts = [{str(at): n for at, n in each.items()} for each in kept.counts]
    return {"counts": counts, "total_s": kept.total_s}


def _kept(document: object) -> Kept:
    if not isinstance(document, Mapping):
        raise TypeError("durations are an object")
    counts = tuple({int(at): float(n) for at, n in each.items()} for each in document["counts"])
    return Kept(counts, float(document["total_s"]))
