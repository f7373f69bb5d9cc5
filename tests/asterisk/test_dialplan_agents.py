"""People who are put through: both agent models, wrap-up, wake-up, given agents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cli.asterisk import Rig

HUMAN, AT_ONCE = "00", "32"
TALK_MS = 1300

Ami = Any


def number(scenario: str, last: int = 1) -> str:
    return f"1512555{scenario}{last:02}"


async def eventually(condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
    """Poll with a bound."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.05)


async def test_an_off_hook_agent_ends_conversations_and_stays_logged_in(
    ami: Ami, phones: Rig, agents: tuple[str, ...], queue: str
) -> None:
    phones.set_phone("1001", talk_ms=TALK_MS)
    interface = await ami.add_member(queue, "1001")
    for last in (1, 2):
        await ami.pause(interface, paused=False)
        attempt = await ami.dial(number(HUMAN, last), queue=queue)
        record = await ami.record(attempt)
        assert (record["stage"], record["member"], record["message_ms"]) == (
            "connected",
            "1001",
            "",
        )
    assert [one["Reason"] for one in ami.seen(Event="AgentComplete")] == ["agent", "agent"]
    assert ami.seen(Event="AgentLogoff") == []


async def test_an_on_hook_agent_is_rung_and_ends_the_conversation(
    ami: Ami, phones: Rig, queue: str
) -> None:
    phones.set_phone("1004", talk_ms=TALK_MS)
    await ami.add_member(queue, "1004")
    attempt = await ami.dial(number(HUMAN, 3), queue=queue)
    record = await ami.record(attempt)
    assert (record["stage"], record["member"]) == ("connected", "1004")
    connected = await ami.wait(UserEvent="DialerConnected", Attempt=attempt)
    assert (connected["Agent"], connected["At"]) == ("1004", record["connected_ms"])
    assert (await ami.wait(Event="AgentComplete"))["Reason"] == "agent"


async def test_wrap_up_begins_at_connect_in_every_queue(
    ami: Ami, agents: tuple[str, ...], queue: str, other_queue: str
) -> None:
    await ami.add_member(queue, "1002")
    await ami.add_member(other_queue, "1002")
    attempt = await ami.dial(number(AT_ONCE, 4), queue=queue)
    for name in (queue, other_queue):
        pause = await ami.wait(Event="QueueMemberPause", Queue=name, PausedReason="wrap-up")
        assert pause["MemberName"] == "1002"
    # Nobody ended the conversation yet: the pause is not a consequence of its end.
    assert ami.seen(UserEvent="DialerEnd", Attempt=attempt) == []
    await ami.hang_up(attempt)
    await ami.record(attempt)
    second = await ami.dial(number(AT_ONCE, 5), queue=other_queue, deadline="1")
    await ami.wait(UserEvent="DialerMessage", Attempt=second)
    await ami.hang_up(second)


async def test_agents_in_two_queues_never_get_two_calls(
    ami: Ami, agents: tuple[str, ...], queue: str, other_queue: str
) -> None:
    members = ("1001", "1002", "1004", "1005")
    for extension in members:
        await ami.add_member(queue, extension)
        await ami.add_member(other_queue, extension)
    attempts = [
        await ami.dial(number(AT_ONCE, last), queue=(queue, other_queue)[last % 2])
        for last in range(10, 22)
    ]

    def settled(attempt: str) -> bool:
        events = {one["UserEvent"] for one in ami.seen(Attempt=attempt)}
        return bool(events & {"DialerConnected", "DialerMessage"})

    await eventually(lambda: all(map(settled, attempts)), "each call connected or told")
    talking = [one["Agent"] for one in ami.seen(UserEvent="DialerConnected")]
    assert sorted(talking) == sorted(members)
    for attempt in attempts:
        await ami.hang_up(attempt)
    records = await asyncio.gather(*map(ami.record, attempts))
    assert sum(one["stage"] == "connected" for one in records) == len(members)


async def test_a_waiting_caller_is_woken(ami: Ami, agents: tuple[str, ...], queue: str) -> None:
    # With a limit of 1 s the queue looks only once: at the beginning, with no agent ready.
    interface = await ami.add_member(queue, "1003", paused=True)
    attempt = await ami.dial(number(AT_ONCE, 6), queue=queue, deadline="1")
    caller = await ami.wait(Event="QueueCallerJoin", Queue=queue)
    await ami.pause(interface, paused=False)
    woken = await ami.action("ControlPlayback", Channel=caller["Channel"], Control="forward")
    assert woken["Response"] == "Success", woken
    await ami.wait(2.5, UserEvent="DialerConnected", Attempt=attempt)
    await ami.hang_up(attempt)
    assert (await ami.record(attempt))["member"] == "1003"


async def test_waking_too_late_does_nothing(
    ami: Ami, agents: tuple[str, ...], queue: str, other_queue: str
) -> None:
    async def wake(attempt: str) -> None:
        woken = await ami.action("ControlPlayback", Channel=attempt, Control="forward")
        assert woken["Response"] == "Success", woken

    await ami.add_member(queue, "1003")
    talks = await ami.dial(number(AT_ONCE, 22), queue=queue)
    await ami.wait(UserEvent="DialerConnected", Attempt=talks)
    told, told_and_woken = [
        await ami.dial(number(AT_ONCE, last), queue=other_queue, deadline="1") for last in (23, 24)
    ]
    await ami.wait(UserEvent="DialerMessage", Attempt=told_and_woken)
    for _ in range(5):
        await wake(talks)
        await wake(told_and_woken)
    whole, woken = [await ami.record(each) for each in (told, told_and_woken)]
    assert whole["stage"] == woken["stage"] == "message-played"
    assert message_s(woken) > message_s(whole) / 2, "it was heard to its end"
    await ami.hang_up(talks)
    assert (await ami.record(talks))["stage"] == "connected"


def message_s(record: Mapping[str, str]) -> float:
    return (int(record["message_end_ms"]) - int(record["message_ms"])) / 1000


@pytest.mark.parametrize(
    ("agent", "mode"), [("1002", "off_hook"), ("1006", "on_hook")], ids=["off-hook", "on-hook"]
)
async def test_a_given_agent_gets_the_call_and_wrap_up(
    ami: Ami, agents: tuple[str, ...], queue: str, agent: str, mode: str
) -> None:
    interface = await ami.add_member(queue, agent)
    await ami.pause(interface, paused=True, reason="reserved")
    attempt = await ami.dial(number(AT_ONCE, 7), queue=queue, agent=agent, agent_mode=mode)
    connected = await ami.wait(UserEvent="DialerConnected", Attempt=attempt)
    assert connected["Agent"] == agent
    await ami.wait(Event="QueueMemberPause", Queue=queue, PausedReason="wrap-up")
    await ami.hang_up(attempt)
    record = await ami.record(attempt)
    assert (record["stage"], record["member"]) == ("connected", agent)


@pytest.mark.parametrize("behaviour", ["reject", "no_answer"])
async def test_a_phone_that_is_not_answered_costs_the_deadline_and_no_more(
    ami: Ami, phones: Rig, queue: str, behaviour: str
) -> None:
    phones.set_phone("1007", behaviour=behaviour)
    await ami.add_member(queue, "1007")
    attempt = await ami.dial(number(AT_ONCE, 8), queue=queue, deadline="1")
    await ami.wait(UserEvent="DialerMessage", Attempt=attempt)
    await ami.hang_up(attempt)
    record = await ami.record(attempt)
    assert (record["stage"], record["queuestatus"]) == ("message", "TIMEOUT")


async def test_with_amd_a_ready_agent_gets_the_person_at_the_verdict(
    ami: Ami, agents: tuple[str, ...], queue: str
) -> None:
    await ami.add_member(queue, "1003")
    attempt = await ami.dial(number(HUMAN, 9), queue=queue, amd="1", deadline="1")
    await ami.wait(UserEvent="DialerConnected", Attempt=attempt)
    await ami.hang_up(attempt)
    record = await ami.record(attempt)
    assert (record["amd"], record["member"]) == ("HUMAN", "1003")
