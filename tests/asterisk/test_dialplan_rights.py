"""What the dialer's AMI user reads, may do and may not; the record and its deletion."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.asterisk import Rig

RINGS_FOR_EVER, BUSY, AT_ONCE = "02", "01", "32"

Ami = Any


def number(scenario: str, last: int = 1) -> str:
    return f"1617555{scenario}{last:02}"


async def eventually(condition: Callable[[], bool], what: str, timeout_s: float = 20) -> None:
    """Poll with a bound."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.05)


def channel_lines(rig: Rig, attempt: str) -> list[str]:
    lines = rig.cli("pbx", "core show channels concise").splitlines()
    return [line for line in lines if line.endswith(attempt)]


async def test_a_cancelled_call_leaves_its_cause_and_no_final_code(
    ami: Ami, rig: Rig, queue: str
) -> None:
    attempt = await ami.dial(number(RINGS_FOR_EVER), queue=queue)
    await eventually(
        lambda: any("!Ringing!" in line for line in channel_lines(rig, attempt)), "ringing"
    )
    await ami.hang_up(attempt)
    record = await ami.record(attempt)
    assert (record["stage"], record["cause"]) == ("", "16")
    assert record["tech"] == "SIP 180 Ringing"


async def test_a_record_is_read_back_and_deleted_without_the_class_system(
    ami: Ami, rig: Rig, queue: str
) -> None:
    attempt = await ami.dial(number(BUSY), queue=queue)
    await ami.record(attempt)
    reply = await ami.action("DBGetTree", Family="dialer-r")
    assert reply["Response"] == "Success"
    entry = await ami.wait(Event="DBGetTreeResponse", Key=f"/dialer-r/{attempt}")
    assert entry["Val"].startswith("1||17|SIP 486 Busy Here|")
    await ami.action(
        "Originate", Channel=f"Local/{attempt}@dialer-ack", Application="NoOp", Async="true"
    )
    await eventually(
        lambda: attempt not in rig.cli("pbx", "database show dialer-r"), "record deleted"
    )


async def test_a_second_originate_with_a_living_id_makes_no_call(
    ami: Ami, rig: Rig, queue: str
) -> None:
    called = number(RINGS_FOR_EVER, 5)
    attempt = await ami.dial(called, queue=queue)
    await eventually(lambda: bool(channel_lines(rig, attempt)), "channel")
    await ami.dial(called, queue=queue, attempt=attempt)
    refused = await ami.wait(Event="OriginateResponse", Uniqueid=attempt)
    assert (refused["Response"], refused["Reason"]) == ("Failure", "0")
    await ami.hang_up(attempt)
    await ami.record(attempt)
    await eventually(
        lambda: [one.number for one in rig.carrier_calls()].count(called) == 1, "one call"
    )


async def test_the_dialer_user_may_not_run_commands_or_write_files(
    ami: Ami, tmp_path: Path
) -> None:
    reply = await ami.action("Command", Command="core show version")
    assert reply["Message"] == "Permission denied"
    target = tmp_path / "written"
    await ami.action(
        "Originate",
        variables={f"FILE({target})": "x"},
        Channel="Local/1@dialer-ack",
        Application="NoOp",
        Async="true",
    )
    await ami.wait(Event="OriginateResponse")
    assert not target.exists()


async def test_the_filters_let_through_only_what_the_dialer_reads(
    ami: Ami, agents: tuple[str, ...], queue: str
) -> None:
    await ami.add_member(queue, "1001")
    attempt = await ami.dial(number(AT_ONCE), queue=queue)
    await ami.wait(Event="AgentConnect", Uniqueid=attempt)
    await ami.hang_up(attempt)
    await ami.wait(Event="Hangup", Uniqueid=attempt)
    names = {one["Event"] for one in ami.events}
    assert {"VarSet", "Newexten", "DialBegin", "Newchannel"} & names == set()
    assert [one for one in ami.seen(Event="Hangup") if one["Channel"].startswith("Local/")] == []
