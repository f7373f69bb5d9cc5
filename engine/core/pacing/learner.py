"""What a campaign teaches: how people answer, talk, and how agents come and go."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.core.pacing.classes import Known
from engine.core.pacing.foretold import CallsAhead
from engine.core.pacing.hazards import PRIOR_N, Ended, edges, exposure, hazards, mean_s
from engine.core.pacing.knowledge import Knowledge, cells_of, kept_shares, mix_of
from engine.core.pacing.mix import Mix
from engine.core.pacing.outlook import (
    N_STEPS,
    SURE,
    TALK_BIN_S,
    Answers,
    Rows,
    Talks,
    survival,
    wrap_up_rows,
)
from engine.core.pacing.ratios import NO_PARTS, Parts, Ratios, fitted
from engine.core.pacing.shares import Shares
from engine.core.pacing.shortage import Counted, one_of
from engine.core.pacing.snapshot import Kind, Seen, Snapshot

#: Believed before anything was seen.
PRIOR_TALK_S = 90.0
PRIOR_WRAP_UP_S = 20.0
PRIOR_SHARE = 0.5
PRIOR_RING_S = 22.0
PRIOR_LINES = 20.0
#: Observations remembered. For calls there is a time as well: a window that is short in seconds
#: would swing with the bursts in which calls are placed.
TALK_WINDOW = 400.0
LINE_WINDOW, LINE_WINDOW_S = 400.0, 300.0
FAST_WINDOW, FAST_WINDOW_S = 80.0, 90.0
#: What leaves next is like the last so many that left.
LEAVING_WINDOW = 30.0
#: Classes of calls are compared anew so often.
COMPARE_S = 10.0
#: Whoever answered an hour ago may answer again in a minute: a share that falls to less than this
#: part of its peak is not believed; a carrier that loses calls looks like people who are not there.
LOWEST, PEAK_S = 0.5, 3600.0
#: Less than this is what chance does to a share.
DOUBT = 1.5
#: Tables are worth making anew when this part of the calls remembered is new.
NEWS = 0.08
#: Agents who come and go are remembered for so long.
LEFT_WINDOW_S = 1800.0
#: Nobody leaves for sure: seconds of idle agents, and ended wrap-ups, believed to be seen.
PRIOR_IDLE_S, PRIOR_STAYED = 600.0, 20.0

TALK_BINS = edges(360, (12, 1), (36, 2), (180, 6), (360, 12))
WRAP_UP_BINS = edges(300, (30, 1), (60, 3), (300, 10))
N_LINE_BINS, N_AMD_BINS = 130, 30
PERSON, OTHER = 0, 1


@dataclass(slots=True)
class Level:
    """Share of calls that a person answers, lately, and what calls these are."""

    persons: float = 0.0
    calls: float = 0.0
    mix: Mix = field(default_factory=Mix)

    def add(self, window: float, of: Known, *, is_person: bool) -> None:
        keep = 1 - 1 / window
        self.persons = self.persons * keep + is_person
        self.calls = self.calls * keep + 1
        self.mix.add(of, window)


@dataclass(frozen=True, slots=True)
class Tables:
    """What the learner foretells, until it is asked again."""

    talk: Rows
    wrap_up: Rows
    calls: CallsAhead
    judged: Answers
    #: Chance that an idle agent is gone by each instant of the grid.
    gone: Counted
    #: People who may answer beyond those foretold, for each call that rings.
    more: float
    #: How long a person keeps an agent.
    busy_s: float


@dataclass(slots=True)
class Learner:
    talk: Ended = field(default_factory=lambda: Ended(360, width_s=TALK_BIN_S))
    wrap_up: Ended = field(default_factory=lambda: Ended(300))
    lines: Ended = field(default_factory=lambda: Ended(N_LINE_BINS, n_causes=2))
    judged: Ended = field(default_factory=lambda: Ended(N_AMD_BINS, n_causes=2))
    slow: Level = field(default_factory=Level)
    fast: Level = field(default_factory=Level)
    shares: Shares = field(default_factory=Shares)
    #: Calls that left lately, for the list and the attempt that they are of.
    leaving: Mix = field(default_factory=lambda: Mix(LEAVING_WINDOW))
    #: Highest share of calls that people answered, fading; of calls of all lists and attempts.
    peak: float = 0.0
    #: So many times as many may answer, if it is again as it was; 1 where it has not fallen.
    doubt: float = 1.0
    n_lines: int = 0
    idle_s: float = 0.0
    left: float = 0.0
    left_after: float = 0.0
    stayed: float = 0.0
    #: Observations since the last tables.
    news: int = 0
    _parts: Parts = NO_PARTS
    _compared_at: float | None = None

    def learn(self, seen: Iterable[Seen], elapsed_s: float) -> None:
        for each in seen:
            self.news += 1
            self._learn(each, self.n_lines / (elapsed_s + 30))

    def leave(self, placed: Iterable[Known]) -> None:
        """Calls of these classes have left."""
        for each in placed:
            self.leaving.add(self._known(each))

    def wait(self, idle: int, seconds: float) -> None:
        """So many agents were idle for so long; what is known about leaving fades."""
        self.peak *= math.exp(-seconds / PEAK_S)
        keep = math.exp(-seconds / LEFT_WINDOW_S)
        self.idle_s = self.idle_s * keep + idle * seconds
        self.left *= keep
        self.left_after *= keep
        self.stayed *= keep

    def kept(self, caution: float) -> Knowledge:
        return Knowledge(
            talk=self.talk.kept(),
            wrap_up=self.wrap_up.kept(),
            lines=self.lines.kept(),
            judged=self.judged.kept(),
            caution=round(caution, 4),
            shares=kept_shares(self.shares.cells, self.slow.mix),
        )

    def load(self, knowledge: Knowledge) -> None:
        self.talk.load(knowledge.talk)
        self.wrap_up.load(knowledge.wrap_up)
        self.lines.load(knowledge.lines)
        self.judged.load(knowledge.judged)
        persons, others = map(sum, self.lines.counts)
        self.slow = Level(persons, persons + others)
        self.shares.load(cells_of(knowledge.shares))
        self.slow.mix.load(mix_of(knowledge.shares, persons + others))

    def tables(self, now: Snapshot, hold_s: float) -> Tables:
        self.news = 0
        talk = hazards(self.talk, now.talk_ages, TALK_BINS, PRIOR_TALK_S)
        wrap_up = hazards(self.wrap_up, now.wrap_up_ages, WRAP_UP_BINS, PRIOR_WRAP_UP_S)
        ratios = self._ratios(now.now_s)
        person, other = self._line_hazards(now, ratios)
        step_s = _step_s(person, other)
        on_break = self.left_after / (self.left_after + self.stayed + PRIOR_STAYED)
        leave = self.left / (self.idle_s + PRIOR_IDLE_S)
        wrapping = survival(wrap_up, len(wrap_up) + 60)
        calls = Answers(person, other, step_s)
        busy_s = mean_s(self.talk, now.talk_ages, PRIOR_TALK_S)
        busy_s += mean_s(self.wrap_up, now.wrap_up_ages, PRIOR_WRAP_UP_S)
        return Tables(
            Talks(talk, wrapping, step_s, hold_s).rows(1 - on_break),
            wrap_up_rows(wrapping, step_s, hold_s, 1 - on_break),
            CallsAhead(calls, ratios, self._known, now),
            self._judged(now, step_s),
            one_of([1 - math.exp(-leave * (k + 1) * step_s) for k in range(N_STEPS)]),
            (self.doubt - 1) * calls.share,
            busy_s,
        )

    @property
    def is_worth_telling(self) -> bool:
        """Enough was seen since the last tables to change them."""
        return self.news >= NEWS * self.lines.weight

    # ----------------------------------------------------------------------- observations

    def _learn(self, seen: Seen, lines_per_s: float) -> None:
        match seen.kind:
            case Kind.PERSON | Kind.NO_PERSON:
                self._learn_line(seen, lines_per_s)
            case Kind.JUDGED_PERSON | Kind.JUDGED_MACHINE:
                cause = PERSON if seen.kind is Kind.JUDGED_PERSON else OTHER
                self.judged.add(seen.seconds, TALK_WINDOW, cause)
            case Kind.TALK:
                self.talk.add(seen.seconds, TALK_WINDOW)
            case Kind.WRAP_UP:
                self.wrap_up.add(seen.seconds, TALK_WINDOW)
                self.stayed += 1
            case Kind.LEFT:
                self.left += 1
            case Kind.LEFT_AFTER:
                self.left_after += 1

    def _learn_line(self, seen: Seen, per_s: float) -> None:
        is_person = seen.kind is Kind.PERSON
        window = max(LINE_WINDOW, LINE_WINDOW_S * per_s)
        self.n_lines += 1
        self.lines.add(seen.seconds, window, PERSON if is_person else OTHER)
        of = self._known(seen.of)
        if of is not None:
            self.shares.add(of, per_s, is_person=is_person)
        self.slow.add(window, of, is_person=is_person)
        self.fast.add(max(FAST_WINDOW, FAST_WINDOW_S * per_s), of, is_person=is_person)

    def _known(self, of: Known) -> Known:
        return None if of is None else self.shares.known(of)

    # ------------------------------------------------------------------------- foretelling

    def _ratios(self, now_s: float) -> Ratios:
        """Compared with the calls that the level is that of."""
        if self._compared_at is None or now_s - self._compared_at >= COMPARE_S:
            self._compared_at = now_s
            self.shares.choose_lists()
            self._parts = fitted(self.shares.cells)
        return Ratios(self._parts, self.slow.mix)

    def _line_hazards(self, now: Snapshot, ratios: Ratios) -> tuple[list[float], list[float]]:
        persons, others = self.lines.normalised()
        exposed = exposure((persons, others), now.ringing_ages, N_LINE_BINS)
        believed = PRIOR_LINES / 2
        by_person = believed * PRIOR_SHARE / PRIOR_RING_S
        by_other = believed * (1 - PRIOR_SHARE) / PRIOR_RING_S / 2
        factor = self._level(ratios)
        person, other = [], []
        for a, o, e in zip(persons, others, exposed, strict=True):
            person.append(min(0.9, factor * (a + by_person) / (e + believed)))
            other.append((o + by_other) / (e + believed))
        return person, other

    def _level(self, ratios: Ratios) -> float:
        """Lately more or fewer people answer than these calls let expect: by how much, beyond what
        chance would do."""
        slow = (self.slow.persons + PRIOR_SHARE * PRIOR_LINES) / (self.slow.calls + PRIOR_LINES)
        expected = min(slow * self.fast.mix.mean(ratios.of), max(slow, SURE))
        n = self.fast.calls + PRIOR_N
        fast = (self.fast.persons + expected * PRIOR_N) / n
        z = (fast - expected) / math.sqrt(expected * (1 - expected) / n + 1e-9)
        factor = 1 + (fast / expected - 1) * max(0.0, abs(z) - 1) / max(1.0, abs(z))
        level = slow / ratios.standing()
        self.peak = max(self.peak, level * factor)
        factor = max(factor, LOWEST * self.peak / level)
        doubt = self.peak / (level * factor)
        self.doubt = doubt if doubt > DOUBT else 1.0
        return factor

    def _judged(self, now: Snapshot, step_s: int) -> Answers:
        persons, others = self.judged.normalised()
        exposed = exposure((persons, others), now.amd_ages, N_AMD_BINS)
        # Until it is learned: half of the answers are people, judged within 3 seconds.
        person = [(a + 1) / (e + 6) for a, e in zip(persons, exposed, strict=True)]
        other = [(o + 1) / (e + 6) for o, e in zip(others, exposed, strict=True)]
        return Answers(person, other, step_s)


def _step_s(person: list[float], other: list[float]) -> int:
    """Steps of the look-ahead, so that nearly all answers come within it."""
    calls = Answers(person, other, 2)
    step_s = 2
    while step_s < 10 and calls.answered_by(N_STEPS * step_s) < 0.9 * calls.share:
        step_s += 1
    return step_s
