"""Calls in flight, and those that leave next, by how often calls of their class are answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from engine.core.pacing.classes import Known
from engine.core.pacing.mix import Mix
from engine.core.pacing.outlook import Answering, Answers
from engine.core.pacing.ratios import Ratios
from engine.core.pacing.snapshot import Snapshot

#: Classes are put together into so many groups, each foretold alike, and so many at most once
#: others ring as well.
N_GROUPS, MOST_GROUPS = 4, 8
#: Classes that differ less are foretold alike, the second where the one came later.
ALIKE, NEAR = 0.03, 0.1


class CallsAhead:
    """Made with the tables, from the classes that ring then; one that comes later joins the group
    that is near to it, or makes another."""

    def __init__(
        self, usual: Answers, ratios: Ratios, known: Callable[[Known], Known], now: Snapshot
    ) -> None:
        """`usual`: of a call that is answered as often as calls were lately."""
        self._all, self.usual = usual, usual.usual
        self.hour = now.hour
        self._ratios, self._known = ratios, known
        groups = _groups(_ringing(now, self.ratio_of))
        self._groups = {ratio: usual.of_ratio(ratio) for ratio in groups}
        self._answers: dict[float, Answering] = {}
        self._next: dict[float, Answering] = {}

    def ratio_of(self, call: Known) -> float:
        return self._ratios.of(self._known(call))

    def total(self, now: Snapshot) -> int:
        """Packed sums over all that ring, as of Rows."""
        answers = [self._of(self.ratio_of(of)) for of in now.ringing_classes]
        if all(each is self.usual for each in answers):
            return self.usual.rows.total(now.ringing_ages)
        rings = zip(answers, now.ringing_classes.values(), strict=True)
        return sum(each.rows.total(ages) for each, ages in rings)

    def next(self, leaving: Mix) -> Answering:
        """Of the call that leaves next, when such calls have left lately."""
        ratio = round(leaving.mean(self._as_of_now), 2)
        found = self._next.get(ratio)
        if found is None:
            found = self._next[ratio] = self._all.of_ratio(ratio)
        return found

    def _as_of_now(self, call: Known) -> float:
        if call is not None and self.hour is not None:
            call = call._replace(hour=self.hour)
        return self._ratios.of(call)

    def _of(self, ratio: float) -> Answering:
        found = self._answers.get(ratio)
        if found is None:
            found = self._answers[ratio] = self._group(ratio)
        return found

    def _group(self, ratio: float) -> Answering:
        nearest = min(self._groups, key=lambda group: abs(group - ratio))
        if abs(nearest - ratio) > NEAR * ratio and len(self._groups) < MOST_GROUPS:
            self._groups[ratio] = self._all.of_ratio(ratio)
            return self._groups[ratio]
        return self._groups[nearest]


def _ringing(now: Snapshot, ratio_of: Callable[[Known], float]) -> Counter[float]:
    found: Counter[float] = Counter()
    for of, ages in now.ringing_classes.items():
        found[ratio_of(of)] += sum(ages.values())
    return found


def _groups(n_of: Counter[float]) -> Sequence[float]:
    """Ratios of the groups: the two that are nearest to each other are put together until there
    are few, and none are alike."""
    groups = sorted(n_of.items()) or [(1.0, 1)]
    while len(groups) > 1:
        apart, at = min((groups[i + 1][0] / groups[i][0], i) for i in range(len(groups) - 1))
        if len(groups) <= N_GROUPS and apart > 1 + ALIKE:
            break
        (one, n_one), (other, n_other) = groups[at : at + 2]
        n = n_one + n_other
        groups[at : at + 2] = [((one * n_one + other * n_other) / n, n)]
    return tuple(ratio for ratio, _ in groups)
