"""What changed between two looks at calls and seats is what a rule learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.agent import Agent
from engine.core.call_events import (
    AgentSeen,
    AmdDecided,
    Answered,
    CallEvent,
    Connected,
    Device,
    HungUp,
    MessageStarted,
    Responded,
    Ringing,
)
from engine.core.call_state import CallState
from engine.core.pacing import CallClass, Kind, Seen
from engine.core.seat import Seat
from engine.service.calls import Call, CallTable
from engine.service.observing import Sight, Watch

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
IDLE, IN_USE, IS_RUNG = Device.NOT_IN_USE, Device.IN_USE, Device.RINGING


class Floor:
    """Calls and seats that a watch looks at, and the time."""

    def __init__(self) -> None:
        self.calls, self.watch = CallTable(), Watch()
        self.seats: dict[int, Seat] = {}
        self.at_s = 0.0

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.at_s)

    def dial(self, attempt_id: str, *, amd: bool = False, of: CallClass | None = None) -> None:
        state = CallState(attempt_id=attempt_id, sent_at=self.now)
        known: Mapping[str, str] = dict.fromkeys(
            ("phone", "caller_id", "trunk", "node", "queue"), "x"
        )
        self.calls.add(
            Call(
                campaign_id=1,
                contact_id=1,
                number=1,
                amd=amd,
                of=of,
                started_at=self.now,
                state=state,
                **known,
            )
        )

    def hear(self, *events: CallEvent) -> None:
        for event in events:
            self.calls.apply(event)

    def sit(self, agent_id: int, device: Device, *queues: str, **facts: object) -> None:
        agent = Agent(
            id=agent_id,
            name="a",
            extension=str(agent_id),
            mode="on_hook",
            campaign_ids=(1,),
            wanted_in=True,
            state_since=START,
        )
        pause = facts.pop("pause", "")
        paused_as = facts.pop("paused_as", pause)
        seen = {
            queue: AgentSeen(
                node="pbx",
                extension=str(agent_id),
                queue=queue,
                device=device,
                paused=bool(paused_as),
                pause_reason=str(paused_as),
                at=START,
            )
            for queue in queues or ("q1",)
        }
        if pause:
            agent = replace(agent, wanted_pause=str(pause))
        self.seats[agent_id] = Seat(agent=agent, queues=seen, **facts)  # type: ignore[arg-type]

    def look(self, at_s: float, queues: tuple[str, ...] = ("q1",)) -> Sight:
        self.at_s = at_s
        return self.watch.look(self.calls, self.seats.values(), queues, self.now, 1_000 + self.at_s)

    def at(self, at_s: float) -> datetime:
        return START + timedelta(seconds=at_s)


@pytest.fixture
def floor() -> Floor:
    return Floor()


def test_ages_of_what_rings(floor: Floor):
    floor.dial("a")
    assert floor.look(0).ringing_ages == {0: 1}
    floor.at_s = 3
    floor.dial("b")
    floor.hear(Ringing("a", floor.at(3)))
    assert floor.look(7.9).ringing_ages == {7: 1, 4: 1}


def test_calls_are_told_apart_by_their_class(floor: Floor):
    first, third = CallClass(4, 1, 10), CallClass(4, 3, 10)
    floor.dial("a", of=first)
    floor.dial("b", of=third)
    floor.dial("recovered")
    placed = floor.look(0).placed
    assert sorted(placed, key=str) == [first, third]
    floor.hear(Answered("b", floor.at(3)))
    sight = floor.look(4)
    assert sight.ringing_classes == {first: {4: 1}, None: {4: 1}}
    assert (sight.placed, sight.seen) == ((), (Seen(Kind.PERSON, 3.0, third),))


@pytest.mark.parametrize("followed", ["connected", "message", "waits"])
def test_a_person_is_learned_once_by_the_answer(floor: Floor, followed: str):
    floor.dial("a")
    floor.look(0)
    floor.hear(Answered("a", floor.at(9)))
    if followed == "connected":
        floor.hear(Connected("a", floor.at(10), "1001"))
    if followed == "message":
        floor.hear(MessageStarted("a", floor.at(11)))
    sight = floor.look(12)
    assert sight.seen == (Seen(Kind.PERSON, 9.0),)
    assert sight.ringing_ages == {}
    floor.calls.remove("a")
    assert floor.look(13).seen == ()


def test_a_call_that_ended_and_was_settled_between_two_looks(floor: Floor):
    floor.dial("busy")
    floor.dial("served")
    floor.look(0)
    floor.hear(HungUp("busy", floor.at(2), 17, 486))
    floor.hear(Answered("served", floor.at(3)), Connected("served", floor.at(3), "1001"))
    for attempt_id in ("busy", "served"):
        floor.calls.remove(attempt_id)
    seen = floor.look(4).seen
    assert set(seen) == {Seen(Kind.NO_PERSON, 2.0), Seen(Kind.PERSON, 3.0)}


@pytest.mark.parametrize(
    ("verdict", "kinds"),
    [
        ("HUMAN", {Kind.PERSON, Kind.JUDGED_PERSON}),
        ("MACHINE", {Kind.NO_PERSON, Kind.JUDGED_MACHINE}),
    ],
)
def test_machine_detection_is_learned_from_the_answer_on(
    floor: Floor, verdict: str, kinds: set[Kind]
):
    floor.dial("a", amd=True)
    floor.look(0)
    floor.hear(Answered("a", floor.at(8)))
    judged = floor.look(9.5)
    assert (judged.seen, judged.ringing_ages, judged.amd_ages) == ((), {}, {1: 1})
    floor.hear(AmdDecided("a", floor.at(10), verdict))
    sight = floor.look(10)
    assert sight.amd_ages == {}
    assert {each.kind for each in sight.seen} == kinds
    assert {each.seconds for each in sight.seen} == {10.0, 2.0}


def test_talk_and_wrap_up_of_an_agent(floor: Floor):
    floor.sit(1, IDLE)
    floor.look(0)
    floor.sit(1, IN_USE, attempt_id="a")
    assert floor.look(5).talk_ages == {0: 1}
    assert floor.look(65).talk_ages == {60: 1}
    floor.sit(1, IDLE, wrap_up_until=floor.at(100))
    ended = floor.look(70)
    assert ended.seen == (Seen(Kind.TALK, 65.0),)
    assert floor.look(78).wrap_up_ages == {8: 1}
    floor.sit(1, IDLE)
    assert floor.look(90).seen == (Seen(Kind.WRAP_UP, 20.0),)


def test_the_next_call_at_once_ends_the_one_before(floor: Floor):
    floor.sit(1, IN_USE, attempt_id="a")
    floor.look(0)
    floor.sit(1, IN_USE, attempt_id="b")
    sight = floor.look(50)
    assert sight.seen == (Seen(Kind.TALK, 50.0), Seen(Kind.WRAP_UP))
    assert sight.talk_ages == {0: 1}


def test_agents_who_leave(floor: Floor):
    floor.sit(1, IDLE)
    floor.sit(2, IDLE)
    floor.sit(3, IN_USE, attempt_id="a")
    floor.look(0)
    floor.sit(1, IDLE, pause="lunch")
    del floor.seats[2]
    floor.sit(3, IDLE, pause="lunch")
    seen = floor.look(10).seen
    assert sorted(each.kind for each in seen) == [Kind.LEFT, Kind.LEFT, Kind.LEFT_AFTER, Kind.TALK]
    assert floor.look(20).seen == ()


def test_a_call_of_somebody_else_takes_an_agent_who_was_counted_on(floor: Floor):
    floor.sit(1, IDLE)
    floor.look(0)
    floor.sit(1, IN_USE)
    assert floor.look(5).talk_ages == {0: 1}
    floor.sit(1, IDLE)
    seen = floor.look(35).seen
    assert seen == (Seen(Kind.TALK, 30.0), Seen(Kind.LEFT))


def test_a_pause_that_outlives_the_wrap_up_is_no_conversation(floor: Floor):
    floor.sit(1, IN_USE, attempt_id="a")
    floor.look(0)
    floor.sit(1, IDLE, wrap_up_until=floor.at(40))
    floor.look(30)
    floor.sit(1, IDLE, paused_as="wrap-up")
    assert floor.look(40).seen == ()
    floor.sit(1, IDLE)
    assert floor.look(41).seen == (Seen(Kind.WRAP_UP, 11.0),)


def test_how_long_a_phone_rings_before_an_agent_picks_up(floor: Floor):
    for number in range(60):
        at_s = 100.0 * number
        floor.sit(1, IDLE)
        floor.look(at_s)
        floor.sit(1, IS_RUNG)
        floor.look(at_s + 10)
        floor.sit(1, IN_USE, attempt_id=str(number))
        sight = floor.look(at_s + 11.5)
    assert sight.pick_up_s == pytest.approx(1.5, abs=0.05)


def test_agents_of_two_campaigns_that_dial_count_half(floor: Floor):
    floor.sit(1, IDLE, "q1", "q2")
    assert floor.look(0, ("q1", "q2")).release_share == 0.5
    assert floor.look(1, ("q1",)).release_share == 1.0
    floor.sit(2, IDLE, "q1")
    assert floor.look(2, ("q1", "q2")).release_share == 0.75


@pytest.mark.parametrize(
    ("cause", "sip", "expected"),
    [(34, 503, []), (38, None, []), (17, 486, [Kind.NO_PERSON]), (19, None, [Kind.NO_PERSON])],
)
def test_a_fault_of_the_trunk_says_nothing_of_people(
    floor: Floor, cause: int, sip: int | None, expected: list[Kind]
):
    floor.dial("a")
    floor.look(0)
    floor.hear(HungUp("a", floor.at(0.4), cause, sip))
    assert [each.kind for each in floor.look(0.6).seen] == expected


def test_a_call_that_never_began_says_nothing_either(floor: Floor):
    floor.dial("a")
    floor.look(0)
    floor.hear(Responded("a", floor.at(0.2), reason=0, made_channel=False))
    assert floor.look(0.6).seen == ()
