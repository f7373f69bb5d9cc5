"""What a rule has learned, as a plain value: kept, and given to a campaign that starts later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.core.pacing.classes import CallClass, Known
from engine.core.pacing.hazards import Kept
from engine.core.pacing.mix import Mix
from engine.core.pacing.shares import Cell, Cells

VERSION = 1
#: Fewer calls of a class are not worth keeping, nor a smaller part of calls of no known class.
LEAST, FEW = 0.5, 0.01
PARTS = ("talk", "wrap_up", "lines", "judged")


@dataclass(frozen=True, slots=True)
class KeptShare:
    """Calls of a class, those that people answered, and which part of the calls that were last
    remembered (`Knowledge.lines`) was of it."""

    of: CallClass
    calls: float
    persons: float
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """`caution`: what the governor found to be the abandons that really follow from a risk."""

    talk: Kept
    wrap_up: Kept
    lines: Kept
    judged: Kept
    caution: float
    #: Empty where calls were not told apart.
    shares: Sequence[KeptShare] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "version": VERSION,
            "caution": self.caution,
            **{part: _as_json(getattr(self, part)) for part in PARTS},
            "shares": [[*each.of, each.calls, each.persons, each.part] for each in self.shares],
        }


def knowledge_of(document: Mapping[str, object]) -> Knowledge | None:
    """None where it was written in another shape: then everything is learned anew."""
    if document.get("version") != VERSION:
        return None
    try:
        talk, wrap_up, lines, judged = (_kept(document[part]) for part in PARTS)
        caution = _number(document["caution"])
        shares = tuple(_shares(document.get("shares", ())))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Knowledge(
        talk=talk, wrap_up=wrap_up, lines=lines, judged=judged, caution=caution, shares=shares
    )


def kept_shares(cells: Cells, lately: Mix) -> tuple[KeptShare, ...]:
    parts = lately.parts()
    total = sum(parts.values()) or 1.0
    return tuple(
        KeptShare(
            of, round(cell.calls, 2), round(cell.persons, 2), round(parts.get(of, 0.0) / total, 4)
        )
        for of, cell in sorted(cells.items())
        if cell.calls >= LEAST
    )


def cells_of(shares: Iterable[KeptShare]) -> Cells:
    return {each.of: Cell(each.calls, each.persons) for each in shares}


def mix_of(shares: Iterable[KeptShare], calls: float) -> Sequence[tuple[Known, float]]:
    """So many calls, of these classes; what is missing is of none that is known."""
    found: list[tuple[Known, float]] = [(each.of, each.part * calls) for each in shares]
    rest = calls - sum(n for _, n in found)
    known = [(of, n) for of, n in found if n > 0]
    return [*known, (None, rest)] if rest > FEW * calls else known


def _number(document: object) -> float:
    if not isinstance(document, int | float):
        raise TypeError("not a number")
    return float(document)


def _shares(document: object) -> Iterable[KeptShare]:
    if not isinstance(document, Sequence):
        raise TypeError("shares are a list")
    for list_id, attempt, hour, calls, persons, part in document:
        of = CallClass(int(list_id), int(attempt), int(hour))
        yield KeptShare(of, float(calls), float(persons), float(part))


def _as_json(kept: Kept) -> dict[str, object]:
    counts = [{str(at): n for at, n in each.items()} for each in kept.counts]
    return {"counts": counts, "total_s": kept.total_s}


def _kept(document: object) -> Kept:
    if not isinstance(document, Mapping):
        raise TypeError("durations are an object")
    counts = tuple({int(at): float(n) for at, n in each.items()} for each in document["counts"])
    return Kept(counts, float(document["total_s"]))
