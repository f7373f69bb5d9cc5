"""What the next seconds bring: agents who become free, calls that people answer.

The look-ahead is a grid of instants. For each age a row says with which probability an agent is
free, or a call answered, by each of them; of these probabilities the sums of the first three
powers give mean, variance and skewness of how many it will be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

from engine.core.pacing.lanes import Lanes
from engine.core.pacing.shortage import Counted, one_of
from engine.core.pacing.snapshot import Ages

#: Instants that are looked at.
N_STEPS = 12
#: Conversations are told apart by so many seconds.
TALK_BIN_S = 5
LANES = Lanes(3 * N_STEPS)
#: No kind of call is answered more often.
SURE = 0.95


class Rows:
    """Rows by age, made when they are first asked for."""

    def __init__(self, make: Callable[[int], Sequence[float]], index: Sequence[int]) -> None:
        """`index`: which row an age belongs to, by its seconds; a row is made for the youngest
        age that belongs to it. Higher ages belong to the last one."""
        self._make, self._index = make, index
        self._rows: list[int | None] = [None] * (index[-1] + 1)

    def total(self, ages: Ages) -> int:
        """Packed sums over all of them: of the chances, of their squares, of their cubes."""
        packed, rows, index, last = 0, self._rows, self._index, len(self._index) - 1
        for age, n in ages.items():
            row = rows[index[age if age < last else last]]
            packed += n * (self._row(min(age, last)) if row is None else row)
        return packed

    def _row(self, age: int) -> int:
        index = self._index[age]
        chances = [min(1.0, max(0.0, each)) for each in self._make(self._index.index(index))]
        squares = [each * each for each in chances]
        cubes = [each * square for each, square in zip(chances, squares, strict=True)]
        row = self._rows[index] = LANES.pack([*chances, *squares, *cubes])
        return row


class RowsTimes(Rows):
    """Rows of which each chance is so many times as high, by age."""

    def __init__(self, rows: Rows, times: Callable[[int], float]) -> None:
        super().__init__(rows._make, rows._index)
        self._like, self._times = rows, times

    def _row(self, age: int) -> int:
        index = self._index[age]
        usual = self._like._rows[index]
        usual = self._like._row(age) if usual is None else usual
        row = self._rows[index] = LANES.powers(usual, self._times(age))
        return row


def survival(hazard: Sequence[float], n: int) -> list[float]:
    """Chance to last n seconds, for 0 to `n`; beyond the hazards known the last one goes on."""
    left, found = 1.0, [1.0]
    last = len(hazard) - 1
    for second in range(n):
        left *= 1 - hazard[min(second, last)]
        found.append(left)
    return found


def between(values: Sequence[float], at: float) -> float:
    """`values` by full numbers, read at `at` on a straight line; the last one goes on."""
    index = int(at)
    if index >= len(values) - 1:
        return values[-1]
    return values[index] + (values[index + 1] - values[index]) * (at - index)


def wrap_up_rows(left: Sequence[float], step_s: int, hold_s: float, stay: float) -> Rows:
    """Rows of agents in wrap-up. `left`: chance that a wrap-up lasts 0, 1, 2 … seconds.

    An answer at an instant of the grid is served by who is free up to `hold_s` later. `stay`:
    chance that an agent who ends a wrap-up takes another call.
    """
    instants = [(k + 1) * step_s + hold_s for k in range(N_STEPS)]
    last = len(left) - 1

    def row(age: int) -> list[float]:
        if left[age] < 1e-9:
            return [stay] * N_STEPS
        return [stay * (1 - between(left, age + at) / left[age]) for at in instants]

    return Rows(row, range(last + 1))


class Talks:
    """Rows of agents in a conversation: it has to end, and then the wrap-up as well."""

    def __init__(
        self, hazard: Sequence[float], wrap_up: Sequence[float], step_s: int, hold_s: float
    ) -> None:
        """`hazard` by bins of TALK_BIN_S; `wrap_up`: chance that it lasts 0, 1, 2 … seconds."""
        self._steps, part = divmod(hold_s / step_s, 1)
        self._n, self._part = N_STEPS + int(self._steps) + 1, part
        self._step_s = step_s
        self._stays = [(1 - each) ** (step_s / TALK_BIN_S) for each in hazard]
        #: Chance that a wrap-up is over so many steps (and a half) after it began, the last first.
        halves = [(j + 0.5) * step_s for j in reversed(range(self._n))]
        self._over = [1 - between(wrap_up, at) for at in halves]

    def rows(self, stay: float) -> Rows:
        return Rows(lambda age: [stay * each for each in self._free(age)], TALK_ROWS)

    def _free(self, age: int) -> list[float]:
        """Chance to be free at each instant, the time that an answer may wait included."""
        ends, over, n = self._endings(age), self._over, self._n
        free = [sum(map(mul, ends, over[n - j :])) for j in range(n - N_STEPS, n + 1)]
        part = self._part
        return [now + part * (then - now) for now, then in pairwise(free)]

    def _endings(self, age: int) -> list[float]:
        """Chance that a talk of this age ends in each of the next steps."""
        left, found, stays, last = 1.0, [], self._stays, len(self._stays) - 1
        for second in range(age, age + self._n * self._step_s, self._step_s):
            stay = stays[min(second // TALK_BIN_S, last)]
            found.append(left * (1 - stay))
            left *= stay
        return found


def _row_index(*widths: tuple[int, int]) -> list[int]:
    """Rows by seconds of age: `(until, seconds that one row stands for)` in turns."""
    index: list[int] = []
    for until, width in widths:
        start, first = len(index), (index[-1] + 1 if index else 0)
        index += [first + (age - start) // width for age in range(start, until)]
    return index


#: The older a conversation is, the less a second tells.
TALK_ROWS = _row_index((60, 5), (180, 10), (600, 30), (1800, 60))


@dataclass(frozen=True, slots=True)
class Answering:
    """How often people answer calls of a kind, how long these ring on average however they end,
    the answer to a new one, which part of the answers comes around each instant, and rows by
    seconds since the call was placed."""

    share: float
    mean_s: float
    new_call: Counted
    weights: Sequence[float]
    rows: Rows


class Answers:
    """When people answer: rows by seconds since the call was placed, and of a new call."""

    def __init__(self, person: Sequence[float], other: Sequence[float], step_s: int) -> None:
        """`person`, `other`: hazards of the two ways in which a call may end its ringing."""
        self._left, self._found = _two_ways(person, other)
        self._instants = [(k + 1) * step_s for k in range(N_STEPS)]
        self.rows = Rows(self._row, range(len(person)))
        #: Chance that a person answers a new call at all.
        self.share = max(1e-6, self._found[-1])
        #: How long a call rings on average, however it ends.
        self.mean_s = sum(self._left)
        self.new_call = one_of(self._row(0))
        self.weights = self._weights(step_s)
        self.usual = Answering(self.share, self.mean_s, self.new_call, self.weights, self.rows)

    def of_ratio(self, ratio: float) -> Answering:
        """Calls that people answer `ratio` times as often, and when they do, as soon."""
        if ratio == 1:
            return self.usual
        ratio = min(ratio, max(1.0, SURE / self.share))
        others = (1 - ratio * self.share) / max(1e-6, 1 - self.share)

        def times(age: int) -> float:
            """Of those that still ring, who they are has changed as well."""
            left, found = self._left[age], self._found[age]
            return ratio * left / max(1e-9, 1 - ratio * found - others * (1 - left - found))

        found_s, left_s, n = sum(self._found), self.mean_s, len(self._left)
        return Answering(
            ratio * self.share,
            n - ratio * found_s - others * (n - left_s - found_s),
            one_of([ratio * each for each in self._row(0)]),
            self.weights,
            RowsTimes(self.rows, times),
        )

    def answered_by(self, seconds: int) -> float:
        """Chance that a person has answered a new call after so many seconds."""
        return self._found[min(seconds, len(self._found) - 1)]

    def _row(self, age: int) -> list[float]:
        left = self._left[age]
        if left < 1e-9:
            return [0.0] * N_STEPS
        start = self._found[age]
        return [(self.answered_by(age + at) - start) / left for at in self._instants]

    def _weights(self, step_s: int) -> list[float]:
        """Part of the answers that come around each instant."""
        until = [self.answered_by(at + step_s // 2) for at in self._instants[:-1]]
        until.append(self._found[-1])
        parts = zip(until, [0.0, *until], strict=False)
        return [(end - start) / self.share for end, start in parts]


def _two_ways(person: Sequence[float], other: Sequence[float]) -> tuple[list[float], list[float]]:
    """Chance to ring still, and to have been answered by a person, after 0, 1, 2 … seconds."""
    left, found = [1.0], [0.0]
    for by_person, by_other in zip(person, other, strict=True):
        total = by_person + by_other
        ends = min(1.0, total)
        found.append(found[-1] + (left[-1] * ends * by_person / total if total else 0.0))
        left.append(left[-1] * (1 - ends))
    return left, found
