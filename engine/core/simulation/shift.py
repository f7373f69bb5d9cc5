"""One shift, event by event: calls ring, people wait for agents, agents talk, wrap up and pause.

How a shift differs with offers and without agents is in `previewed` and `unattended`.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from engine.core.pacing import Ages, CallClass, Kind, Pacing, Seen, Snapshot, class_of
from engine.core.pacing.classes import Known
from engine.core.simulation.calling import Calling, Contact
from engine.core.simulation.result import Result
from engine.core.simulation.scenario import Dice, Scenario, gamma, lognormal, one_of

Do = Callable[[], None]
#: So long a trunk that is out takes to refuse a call.
OUTAGE_S = (0.3, 1.0)


@dataclass(slots=True)
class Agent:
    idle_since: float = 0.0
    #: Pauses after the call in hand, for so long.
    wants_pause_s: float | None = None
    is_here: bool = False


@dataclass(slots=True)
class Person:
    """Somebody who answered; `gone` once served, abandoned or hung up."""

    gone: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A call that was placed."""

    placed_at: float
    contact: Contact
    of: CallClass


@dataclass(slots=True)
class Shift:
    scenario: Scenario
    pacing: Pacing
    dice: Dice
    result: Result = field(default_factory=Result)
    now: float = 0.0
    tokens: float = 1.0
    calling: Calling = field(init=False)
    #: By a number that names nothing else: what was placed, and when it was answered.
    ringing: dict[int, Line] = field(default_factory=dict)
    judged: dict[int, float] = field(default_factory=dict)
    waiting: list[Person] = field(default_factory=list)
    idle: list[Agent] = field(default_factory=list)
    talking: dict[int, float] = field(default_factory=dict)
    wrapping: dict[int, float] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    placed: list[CallClass] = field(default_factory=list)
    _due: list[tuple[float, int, Do]] = field(default_factory=list)
    _ids: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.calling = Calling(self.scenario)

    def run(self) -> Result:
        scenario = self.scenario
        agents = self._team()
        for agent in agents:
            self._come(agent)
        for at, n, seconds in scenario.breaks:
            self._at(at, partial(self._break, agents, n, seconds))
        self._at(scenario.counted_from_s, self._count_anew)
        n_ticks = int(scenario.end_s / scenario.tick_s)
        for tick in range(n_ticks):
            self._until(tick * scenario.tick_s)
            self._decide()
        self._until(scenario.end_s)
        for agent in self._unoccupied():
            self._end_idling(agent)
        self.result.lasted_s = scenario.end_s
        return self.result

    def snapshot(self) -> Snapshot:
        seen, self.seen = self.seen, []
        placed, self.placed = self.placed, []
        return Snapshot(
            idle=len(self.idle),
            held=len(self.waiting),
            ringing=len(self.ringing),
            amd=len(self.judged),
            answered=self.result.n_answered,
            abandoned=self.result.n_abandoned,
            room=self._room(),
            now_s=self.now,
            ringing_ages=self._ages(line.placed_at for line in self.ringing.values()),
            ringing_classes=self._classes(),
            placed=placed,
            hour=self.scenario.hour_at(self.now),
            amd_ages=self._ages(self.judged.values()),
            talk_ages=self._ages(self.talking.values()),
            wrap_up_ages=self._ages(self.wrapping.values()),
            pick_up_s=self.scenario.pick_up_s,
            ends_in_s=self.scenario.end_s - self.now,
            contacts_left=self.calling.contacts_left,
            seen=seen,
        )

    def _ages(self, since: Iterable[float]) -> Ages:
        now = self.now
        return Counter([int(now - each) for each in since])

    def _classes(self) -> Mapping[Known, Ages]:
        now, found = self.now, defaultdict[Known, Counter[int]](Counter)
        for line in self.ringing.values():
            found[line.of][int(now - line.placed_at)] += 1
        return found

    # ------------------------------------------------------------------------- virtual time

    def _at(self, at: float, do: Do) -> None:
        heapq.heappush(self._due, (at, next(self._ids), do))

    def _until(self, end: float) -> None:
        while self._due and self._due[0][0] <= end:
            at, _, do = heapq.heappop(self._due)
            self._advance(at)
            do()
        self._advance(end)

    def _advance(self, at: float) -> None:
        """Agents' time is counted as it passes, so that the end of the shift cuts it."""
        seconds, result = at - self.now, self.result
        result.talk_s += seconds * len(self.talking)
        result.wrap_up_s += seconds * len(self.wrapping)
        busy = len(self.talking) + len(self.wrapping)
        result.logged_s += seconds * (len(self.idle) + busy)
        self.now = at

    def _count_anew(self) -> None:
        result = self.result
        result.logged_s = result.talk_s = result.wrap_up_s = result.idle_s = result.preview_s = 0.0
        for agent in self._unoccupied():
            agent.idle_since = self.now

    # ------------------------------------------------------------------------------ calls

    def _decide(self) -> None:
        scenario = self.scenario
        if scenario.max_cps:
            burst = max(1.0, scenario.max_cps)
            self.tokens = min(burst, self.tokens + scenario.tick_s * scenario.max_cps)
        self._act(self.pacing.decide(self.snapshot()))

    def _act(self, n: int) -> None:
        self.tokens -= n
        for _ in range(n):
            contact = self.calling.next(self.now)
            if contact is not None:
                self._place(contact)

    def _room(self) -> int:
        room = self.scenario.max_lines - self._lines()
        return max(0, min(room, int(self.tokens)) if self.scenario.max_cps else room)

    def _lines(self) -> int:
        return len(self.ringing) + len(self.judged) + len(self.waiting) + len(self.talking)

    def _place(self, contact: Contact) -> int:
        """The number of the call."""
        scenario, dice = self.scenario, self.dice
        call = next(self._ids)
        of = class_of(contact.list_id, contact.number, scenario.hour_at(self.now))
        self.ringing[call] = Line(self.now, contact, of)
        self.placed.append(of)
        self.result.n_placed += 1
        if scenario.is_out(self.now):
            self._at(self.now + dice.uniform(*OUTAGE_S), lambda: self._fault(call))
        else:
            self._dial(call, contact)
        return call

    def _dial(self, call: int, contact: Contact) -> None:
        scenario, dice = self.scenario, self.dice
        set_up_s = dice.uniform(*scenario.set_up_s)
        if dice.random() < scenario.rate_of(contact.list_id, contact.number, self.now):
            drawn = scenario.ring_of
            ring_s = one_of(dice, drawn) if drawn else self._ring_s(scenario.ring_s)
            self._at(self.now + set_up_s + ring_s, lambda: self._person_answers(call))
            return
        kind = dice.random()
        if kind < scenario.machine_share:
            ring_s = self._ring_s(scenario.machine_ring_s)
            self._at(self.now + set_up_s + ring_s, lambda: self._machine_answers(call))
        elif kind < scenario.machine_share + scenario.busy_share:
            self._at(self.now + dice.uniform(*scenario.busy_s), lambda: self._nobody(call))
        else:
            end = self.now + set_up_s + scenario.ring_timeout_s
            self._at(end, lambda: self._nobody(call))

    def _ring_s(self, mean: float) -> float:
        """People who would let it ring longer are drawn again: they do not answer this call."""
        while True:
            ring_s = gamma(self.dice, mean, self.scenario.ring_cv)
            if ring_s <= self.scenario.ring_timeout_s or self.scenario.ring_cv <= 0:
                return ring_s

    def _fault(self, call: int) -> None:
        """Of our own trunk: it says nothing of people, and nothing is learned from it."""
        self.calling.unreached(self.ringing.pop(call).contact, self.now)
        self._unserved(call)

    def _nobody(self, call: int) -> None:
        self._resolved(self.ringing.pop(call), Kind.NO_PERSON)
        self._unserved(call)

    def _unserved(self, call: int) -> None:
        """It is over, and nobody was there for an agent."""

    def _resolved(self, line: Line, kind: Kind) -> None:
        self._see(kind, line.placed_at, line.of)
        if kind is Kind.NO_PERSON:
            self.calling.unreached(line.contact, self.now)

    def _person_answers(self, call: int) -> None:
        self.result.n_answered += 1
        if not self.scenario.amd_s:
            self._resolved(self.ringing.pop(call), Kind.PERSON)
            self._reached(call)
            return
        line = self.ringing.pop(call)
        self.judged[call] = self.now
        judged_s = self.scenario.amd_s * self.dice.uniform(0.6, 1.4)
        is_known = self.dice.random() >= self.scenario.amd_error
        self._at(self.now + judged_s, lambda: self._verdict(call, line, is_person=is_known))

    def _machine_answers(self, call: int) -> None:
        line = self.ringing.pop(call)
        if not self.scenario.amd_s:
            self._resolved(line, Kind.NO_PERSON)
            self._unserved(call)
            return
        self.judged[call] = self.now
        judged_s = self.scenario.machine_s * self.dice.uniform(0.6, 1.4)
        self._at(self.now + judged_s, lambda: self._verdict(call, line, is_person=None))

    def _verdict(self, call: int, line: Line, *, is_person: bool | None) -> None:
        """None: a machine, and known as one; False: a person taken for one."""
        self._see(Kind.JUDGED_PERSON if is_person else Kind.JUDGED_MACHINE, self.judged.pop(call))
        self._resolved(line, Kind.PERSON if is_person else Kind.NO_PERSON)
        if is_person:
            self._reached(call)
            return
        self.result.n_misjudged += is_person is False
        self._unserved(call)

    # ----------------------------------------------------------------- people who answered

    def _reached(self, _call: int) -> None:
        person, scenario = Person(), self.scenario
        self.waiting.append(person)
        self._serve()
        if person.gone:
            return
        patience_s = scenario.hold_s - scenario.pick_up_s
        self._at(self.now + max(0.0, patience_s), lambda: self._give_up(person, "n_abandoned"))
        if scenario.patience_s:
            leaves_s = self.dice.expovariate(1 / scenario.patience_s)
            self._at(self.now + leaves_s, lambda: self._give_up(person, "n_hung_up"))

    def _give_up(self, person: Person, counter: str) -> None:
        if not person.gone:
            person.gone = True
            self.waiting.remove(person)
            setattr(self.result, counter, getattr(self.result, counter) + 1)

    def _serve(self) -> None:
        """The longest waiting person gets the agent who has been idle longest."""
        while self.waiting and self.idle:
            self.waiting.pop(0).gone = True
            self._talk(self.idle.pop(0))

    # ------------------------------------------------------------------------------ agents

    def _team(self) -> list[Agent]:
        return [Agent() for _ in range(self.scenario.agents)]

    def _unoccupied(self) -> Iterable[Agent]:
        """Those whose time counts as idle."""
        return self.idle

    def _end_idling(self, agent: Agent) -> None:
        self.result.idle_s += self.now - agent.idle_since

    def _come(self, agent: Agent) -> None:
        """An agent sits down; the next pause is somewhere ahead."""
        agent.wants_pause_s, agent.is_here = None, True
        if self.scenario.pauses_per_h:
            until_s = self.dice.expovariate(self.scenario.pauses_per_h / 3600)
            pause_s = self.dice.expovariate(1 / self.scenario.pause_s)
            self._at(self.now + until_s, lambda: self._want_pause(agent, pause_s))
        self._free(agent)

    def _break(self, agents: list[Agent], n: int, seconds: float) -> None:
        for agent in [each for each in agents if each.is_here][:n]:
            self._want_pause(agent, seconds)

    def _free(self, agent: Agent) -> None:
        agent.idle_since = self.now
        self.idle.append(agent)
        self._serve()

    def _talk(self, agent: Agent) -> None:
        self._end_idling(agent)
        self.result.n_connected += 1
        talk = next(self._ids)
        self.talking[talk] = self.now
        scenario = self.scenario
        talk_s = scenario.pick_up_s + self._talk_s()
        self._at(self.now + talk_s, lambda: self._wrap_up(agent, talk))

    def _talk_s(self) -> float:
        scenario = self.scenario
        if scenario.talk_of:
            return one_of(self.dice, scenario.talk_of)
        return lognormal(self.dice, scenario.talk_s, scenario.talk_cv)

    def _wrap_up_s(self) -> float:
        scenario = self.scenario
        if scenario.wrap_up_of:
            return one_of(self.dice, scenario.wrap_up_of)
        return gamma(self.dice, scenario.wrap_up_s, scenario.wrap_up_cv)

    def _wrap_up(self, agent: Agent, talk: int) -> None:
        self._see(Kind.TALK, self.talking.pop(talk))
        self.wrapping[talk] = self.now
        self._at(self.now + self._wrap_up_s(), lambda: self._ready(agent, talk))

    def _ready(self, agent: Agent, talk: int) -> None:
        began_at = self.wrapping.pop(talk)
        if agent.wants_pause_s is not None:
            self.seen.append(Seen(Kind.LEFT_AFTER))
            self._pause(agent, agent.wants_pause_s)
        else:
            self._see(Kind.WRAP_UP, began_at)
            self._free(agent)

    def _want_pause(self, agent: Agent, pause_s: float) -> None:
        """At once when idle, else after the call in hand; who is away already is not asked."""
        if not agent.is_here:
            return
        agent.wants_pause_s = pause_s
        for index, each in enumerate(self.idle):
            if each is agent:
                del self.idle[index]
                self._end_idling(agent)
                self.seen.append(Seen(Kind.LEFT))
                self._pause(agent, pause_s)
                return

    def _pause(self, agent: Agent, pause_s: float) -> None:
        agent.is_here = False
        self._at(self.now + pause_s, lambda: self._come(agent))

    def _see(self, kind: Kind, since: float, of: CallClass | None = None) -> None:
        self.seen.append(Seen(kind, self.now - since, of))
