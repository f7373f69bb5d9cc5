"""What a shift is like: how people answer and talk, how agents work, what the trunk allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

#: Lines that nobody fills who dials for agents.
NO_LIMIT = 100_000


class Dice(Protocol):
    """The part of `random.Random` that is used; given, so that a seed repeats a run."""

    def random(self) -> float: ...

    def uniform(self, a: float, b: float) -> float: ...

    def expovariate(self, lambd: float) -> float: ...

    def gammavariate(self, alpha: float, beta: float) -> float: ...

    def lognormvariate(self, mu: float, sigma: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Durations in seconds, `_cv` their standard deviation divided by their mean."""

    agents: int = 20
    hours: float = 4.0
    #: Agents' time is counted from this second on; calls and people from the first.
    counted_from_s: float = 0.0
    #: Part of the calls that a person answers; of the others, machines and busy or failed ones.
    answer_rate: float = 0.3
    machine_share: float = 0.25
    busy_share: float = 0.15
    talk_s: float = 90.0
    talk_cv: float = 1.0
    wrap_up_s: float = 20.0
    wrap_up_cv: float = 0.5
    ring_s: float = 9.0
    ring_cv: float = 0.6
    machine_ring_s: float = 14.0
    ring_timeout_s: float = 22.0
    set_up_s: tuple[float, float] = (1.0, 3.0)
    busy_s: tuple[float, float] = (2.0, 4.0)
    #: How long an answered person may wait for an agent, and what an agent needs to pick up.
    hold_s: float = 2.0
    pick_up_s: float = 0.0
    #: Mean time after which a waiting or listening person hangs up; None: nobody does.
    patience_s: float | None = None
    #: Machine detection judges each answer for so long; 0: people are put through at once, and
    #: machines are known after `machine_s`.
    amd_s: float = 0.0
    machine_s: float = 2.5
    #: People who are taken for machines.
    amd_error: float = 0.0
    #: An agent looks at an offered contact for so long, and passes on this part of them; such a
    #: contact is offered again after `redial_s`.
    preview_s: float = 10.0
    preview_cv: float = 0.5
    skip_share: float = 0.0
    #: Length of the message that is played where there are no agents.
    message_s: float = 20.0
    #: Pauses of each agent, and how long they last.
    pauses_per_h: float = 0.0
    pause_s: float = 300.0
    #: Where given, conversations, wrap-ups and rings of people who answer are drawn from these.
    talk_of: Sequence[float] = ()
    wrap_up_of: Sequence[float] = ()
    ring_of: Sequence[float] = ()
    #: From which second on another part of the calls is answered: (second, part), in order.
    answer_rates: Sequence[tuple[float, float]] = ()
    #: Where given: of first, second … attempts the part that is answered, while `answer_rate` is
    #: the one that `answer_rates` changes; who is not reached is called again after `redial_s`.
    attempt_rates: Sequence[float] = ()
    redial_s: float = 1800.0
    #: People to call; None: there is no end of them.
    contacts: int | None = None
    #: From which second on new contacts are of another list, of which people answer so many times
    #: as often: (second, list, times), in order.
    lists: Sequence[tuple[float, int, float]] = ()
    #: Lists that are called side by side, numbered from 0: (times, weight). People of one answer
    #: so many times as often, and so many parts of the new contacts are of it.
    mixed_lists: Sequence[tuple[float, float]] = ()
    #: Hour of the day at the start; 9.5 is half past nine.
    hour: float = 9
    #: Seconds (from, until) in which the trunk refuses every call within a second.
    outages: Sequence[tuple[float, float]] = ()
    #: (second, agents, seconds): so many agents pause together, the talking ones after their call.
    breaks: Sequence[tuple[float, int, float]] = ()
    max_lines: int = NO_LIMIT
    #: Calls per second; 0: as many as are asked for.
    max_cps: float = 0.0
    tick_s: float = 0.5

    @property
    def end_s(self) -> float:
        return self.hours * 3600

    def answer_rate_at(self, now_s: float) -> float:
        passed = [rate for at, rate in self.answer_rates if at <= now_s]
        return passed[-1] if passed else self.answer_rate

    def rate_of(self, list_id: int, number: int, now_s: float) -> float:
        """Part that is answered of the attempts of this number at contacts of this list."""
        rate = self.answer_rate_at(now_s)
        if self.attempt_rates:
            of_attempt = self.attempt_rates[min(number, len(self.attempt_rates)) - 1]
            rate = of_attempt * rate / self.answer_rate if self.answer_rate else 0.0
        return min(1.0, rate * self._times_of(list_id))

    def _times_of(self, list_id: int) -> float:
        if self.mixed_lists:
            return self.mixed_lists[list_id][0]
        times = [times for _, each, times in self.lists if each == list_id]
        return times[0] if times else 1.0

    def list_at(self, now_s: float) -> int:
        begun = [each for at, each, _ in self.lists if at <= now_s]
        return begun[-1] if begun else 0

    def hour_at(self, now_s: float) -> int:
        return int(self.hour + now_s / 3600) % 24

    def is_out(self, now_s: float) -> bool:
        return any(begin <= now_s < end for begin, end in self.outages)


def one_of(dice: Dice, values: Sequence[float]) -> float:
    return values[int(dice.random() * len(values))]


def gamma(dice: Dice, mean: float, cv: float) -> float:
    """A duration around its mean; 0 varies nothing."""
    if mean <= 0 or cv <= 0:
        return max(0.0, mean)
    shape = 1 / cv**2
    return dice.gammavariate(shape, mean / shape)


def lognormal(dice: Dice, mean: float, cv: float) -> float:
    if mean <= 0 or cv <= 0:
        return max(0.0, mean)
    square = math.log(1 + cv**2)
    return dice.lognormvariate(math.log(mean) - square / 2, math.sqrt(square))
