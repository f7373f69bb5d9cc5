"""Dials ahead of the agents who will be free, as far as the limit of abandoned calls allows."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.pacing.explained import Explained
from engine.core.pacing.fixed import Progressive, clip
from engine.core.pacing.knowledge import Knowledge
from engine.core.pacing.learner import Learner, Tables
from engine.core.pacing.limit import SIGMAS, Forecast, Gate, Governor
from engine.core.pacing.outlook import LANES
from engine.core.pacing.shortage import Surplus, counted
from engine.core.pacing.snapshot import Snapshot

#: Seen before anything is foretold: calls that ended, seconds, people who answered.
MIN_LINES, MIN_S, MIN_PERSONS, MIN_PERSONS_PER_AGENT = 30, 45.0, 8.0, 0.1
#: Tables are made anew when enough was seen, but not more often than that, nor more rarely.
MIN_REFRESH_S, MAX_REFRESH_S = 1.0, 30.0
#: Part of the worst case of each decision in its running mean.
KEEP = 0.01
#: Never more calls than this in one decision.
MOST = 400


class Predictive:
    """One object for each campaign; it remembers what it was shown."""

    def __init__(
        self,
        max_abandon_rate: float,
        *,
        hold_s: float = 2.0,
        knowledge: Knowledge | None = None,
    ) -> None:
        """`hold_s`: how long an answered person may wait for an agent."""
        self._hold_s = hold_s
        self._learner = Learner()
        self._forecast = Forecast()
        self._gate = Gate(max_abandon_rate)
        self._governor = Governor(max_abandon_rate)
        self._is_taught = knowledge is not None
        if knowledge is not None:
            self._learner.load(knowledge)
            self._governor.caution = knowledge.caution
        self._tables: Tables | None = None
        self._made_at = 0.0
        self._reserve = 1.0
        self._started_at: float | None = None
        self._before: Snapshot | None = None
        #: People who may be abandoned by what is in flight since the last decision.
        self.at_risk = 0.0
        self.explained = Explained("warming_up")

    def decide(self, snapshot: Snapshot) -> int:
        self._see(snapshot)
        one_each = Progressive().decide(snapshot)
        if not self._is_warm(snapshot):
            self._rest("warming_up")
            self.at_risk = float(max(0, snapshot.in_flight + one_each - snapshot.idle))
            return one_each
        return max(one_each, self._ahead(snapshot, self._fresh(snapshot)))

    def knowledge(self) -> Knowledge:
        """All that was learned, to be kept."""
        return self._learner.kept(self._governor.caution)

    @property
    def n_calls_seen(self) -> int:
        """Calls that it has learned from itself."""
        return self._learner.n_lines

    # ---------------------------------------------------------------------------- seeing

    def _see(self, now: Snapshot) -> None:
        before = self._before or now
        self._before = now
        if self._started_at is None:
            self._started_at = now.now_s
        self._learner.wait(before.idle, max(0.0, now.now_s - before.now_s))
        self._learner.leave(now.placed)
        self._learner.learn(now.seen, now.now_s - self._started_at)
        self._forecast.see(now.now_s, now.answered, _n_agents(now))
        self._governor.see(now)

    def _is_warm(self, now: Snapshot) -> bool:
        learner, agents = self._learner, _n_agents(now)
        if learner.lines.weight < MIN_LINES:
            return False
        if learner.slow.persons < MIN_PERSONS + MIN_PERSONS_PER_AGENT * agents:
            return False
        return self._is_taught or self._age(now) >= MIN_S

    def _age(self, now: Snapshot) -> float:
        return now.now_s - (self._started_at or 0.0)

    def _fresh(self, now: Snapshot) -> Tables:
        age = now.now_s - self._made_at
        is_due = age >= MAX_REFRESH_S or (age >= MIN_REFRESH_S and self._learner.is_worth_telling)
        if self._tables is None or is_due or self._tables.calls.hour != now.hour:
            self._tables = self._learner.tables(now, max(0.0, self._hold_s - now.pick_up_s))
            self._made_at = now.now_s
        return self._tables

    def _rest(self, why: str, period: str = "") -> None:
        self._governor.rest()
        self.explained = Explained(why, caution=self._governor.caution, period=period)

    # --------------------------------------------------------------------------- deciding

    def _ahead(self, now: Snapshot, tables: Tables) -> int:
        """The most calls of which none carries more than the risk, and all pass the gate."""
        usual, coming = tables.calls.usual, tables.calls.next(self._learner.leaving)
        # Later ones may be of other classes: the fewer answers are those to count on.
        share = min(usual.share, coming.share)
        one_each = _n_agents(now) / max(
            tables.busy_s + each.mean_s / each.share for each in (usual, coming)
        )
        periods = [self._forecast.ahead(each, share, one_each) for each in now.tallies]
        surplus, elsewhere = _surplus(now, tables), now.at_risk_elsewhere
        self.at_risk = max(0.0, _worst(now, surplus, 0, tables.more))
        closed_by = self._gate.closed_by(periods, now.held + 1 + elsewhere)
        if closed_by is not None:
            self._rest("limit_reached", closed_by)
            return 0
        self._reserve += KEEP * (max(1.0, _worst(now, surplus, 1, tables.more)) - self._reserve)
        risk = self._governor.risk(periods, self._forecast.per_s, self._reserve)
        self.explained = Explained("predicting", risk, coming.share, self._governor.caution)

        def may_go(n: int) -> bool:
            """The n-th call, when n - 1 are on their way."""
            ahead = surplus.less(n - 1, coming.new_call)
            if ahead.marginal(coming.weights) > risk:
                return False
            worst = _worst(now, ahead, n, tables.more)
            return worst <= 0 or self._gate.is_open(periods, worst + elsewhere)

        n = _largest(may_go, clip(MOST, now.room))
        if n:
            ahead = surplus.less(n - 1, coming.new_call)
            self.at_risk = max(0.0, _worst(now, ahead, n, tables.more))
        return n


def _largest(holds: Callable[[int], bool], most: int) -> int:
    """The largest n up to `most` for which it holds, where it holds for all smaller ones."""
    low, step = 0, 1
    while low < most and holds(min(low + step, most)):
        low = min(low + step, most)
        step *= 2
    high = min(low + step, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _surplus(now: Snapshot, tables: Tables) -> Surplus:
    freed = tables.talk.total(now.talk_ages) + tables.wrap_up.total(now.wrap_up_ages)
    answered = tables.calls.total(now)
    if now.amd_ages:
        answered += tables.judged.rows.total(now.amd_ages)
    surplus = Surplus.of(
        now.idle - now.held,
        counted(LANES.unpack(freed), now.release_share),
        counted(LANES.unpack(answered)),
    )
    return surplus.less(now.idle, tables.gone) if now.idle else surplus


def _worst(now: Snapshot, surplus: Surplus, n: int, more: float) -> float:
    """People who may be abandoned once n more calls have left, the last of them not in `surplus`:
    all but the rarest cases, and never more than there are people without an idle agent. `more`
    people than foretold may answer each call that rings."""
    worst = max(1.0, surplus.worst(SIGMAS) + more * (now.ringing + n)) + 1
    return min(now.in_flight + n - now.idle, worst)


def _n_agents(now: Snapshot) -> int:
    return now.idle + sum(now.talk_ages.values()) + sum(now.wrap_up_ages.values())
