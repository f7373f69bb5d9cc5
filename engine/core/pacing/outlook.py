"""What the next seconds bring: agents who become free, calls that people answer.

The look-ahead is a grid of instants. For each age a row says with which probability an agent is
free, or a call answered, by each of them; of these probabilities the sums of the first three
powers give mean, variance and skewness of how many it will be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.core.pacing.lanes import Lanes
from engine.core.pacing.snapshot import Ages

#: Instants that are looked at.
N_STEPS = 12
#: Conversations are told apart by so many seconds.
TALK_BIN_S = 5
LANES = Lanes(3 * N_STEPS)


class Rows:
    """Rows by age, made when they are first asked for."""

    def __init__(self, make: Callable[[int], Sequence[float]], coarse: int, last: int) -> None:
        """Ages are told apart by `coarse` seconds, up to `last`."""
        self._make, self._coarse = make, coarse
        self._rows: list[int | None] = [None] * (last // coarse + 1)

    def total(self, ages: Ages) -> list[float]:
        """Sums over all of them: of the probabilities, of their squares, of their cubes."""
        packed, rows, coarse, last = 0, self._rows, self._coarse, len(self._rows) - 1
        for age, n in ages.items():
            index = age // coarse
            row = rows[index if index < last else last]
            packed += n * (self._row(min(index, last)) if row is None else row)
        return LANES.unpack(packed)

    def _row(self, index: int) -> int:
        chances = [min(1.0, max(0.0, each)) for each in self._make(index * self._coarse)]
        squares = [each * each for each in chances]
        cubes = [each * square for each, square in zip(chances, squares, strict=True)]
        row = self._rows[index] = LANES.pack([*chances, *squares, *cubes])
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


def release_rows(
    talk: Sequence[float], wrap_up: Sequence[float], step_s: int, hold_s: float, stay: float
) -> tuple[Rows, Rows]:
    """Rows of agents in talk and in wrap-up, by seconds in it.

    `talk`: hazards by bins of TALK_BIN_S; `wrap_up`: by seconds.

    An answer at an instant of the grid is served by who is free up to `hold_s` later. `stay`:
    chance that an agent who ends a wrap-up takes another call.
    """
    instants = [(k + 1) * step_s + hold_s for k in range(N_STEPS)]
    last, last_talk = len(wrap_up) - 1, len(talk) - 1
    wrapping = survival(wrap_up, last + int(instants[-1]) + 2)
    n_talk = int(instants[-1] / step_s) + 2
    #: Chance that a wrap-up is over so many steps (and a half) after it began.
    over = [1 - between(wrapping, (j + 0.5) * step_s) for j in range(n_talk)]

    def after_wrap_up(age: int) -> list[float]:
        left = wrapping[age]
        if left < 1e-9:
            return [stay] * N_STEPS
        return [stay * (1 - between(wrapping, age + at) / left) for at in instants]

    def after_talk(age: int) -> list[float]:
        ends = _endings(talk, age, step_s, n_talk)
        free = [0.0]
        for j in range(1, n_talk):
            free.append(sum(map(float.__mul__, ends[:j], over[j - 1 :: -1])))
        return [stay * between(free, at / step_s) for at in instants]

    return Rows(after_talk, TALK_BIN_S, TALK_BIN_S * last_talk), Rows(after_wrap_up, 1, last)


def _endings(hazard: Sequence[float], age: int, step_s: int, n: int) -> list[float]:
    """Chance that a talk of this age ends in each of the next n steps."""
    left, found, last = 1.0, [], len(hazard) - 1
    for j in range(n):
        stays = (1 - hazard[min((age + j * step_s) // TALK_BIN_S, last)]) ** (step_s / TALK_BIN_S)
        found.append(left * (1 - stays))
        left *= stays
    return found


class Answers:
    """When people answer: rows by seconds since the call was placed, and of a new call."""

    def __init__(self, person: Sequence[float], other: Sequence[float], step_s: int) -> None:
        """`person`, `other`: hazards of the two ways in which a call may end its ringing."""
        self._left, self._found = _two_ways(person, other)
        last = len(person) - 1
        self._instants = [(k + 1) * step_s for k in range(N_STEPS)]
        self.rows = Rows(self._row, 1, last)
        #: Chance that a person answers a new call at all.
        self.share = max(1e-6, self._found[-1])
        self.new_call = self._row(0)
        self.weights = self._weights(step_s)

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
