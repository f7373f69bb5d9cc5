"""The adapter against the fake: what only depends on answers that a real one rarely gives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.call_events import HungUp, LinkUp, Responded
from engine.core.errors import ActionRefused
from telephony.doubts import Doubts
from telephony.fake_asterisk import list_answer
from telephony.recovery import kept_record, live_call, started_at

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

#: What Asterisk says of a channel and a record that it does not have.
NOTHING = {"Getvar": "No such channel", "DBGet": "Database entry not found"}


def failure(attempt_id):
    return {
        "Event": "OriginateResponse",
        "ActionID": attempt_id,
        "Uniqueid": attempt_id,
        "Reason": "0",
    }


async def test_a_call_that_never_got_a_channel_is_told_after_asking(up, fake, attempt):
    """An unknown trunk: the same answer as for a busy callee, but no Hangup and no record."""
    _, seen = up
    fake.refused |= NOTHING
    fake.emit(failure(attempt))
    first, second = await seen.n(Responded, 2)
    assert (first.made_channel, second.made_channel) == (True, False)
    assert fake.actions("DBGet")[0]["Key"] == attempt


@pytest.mark.parametrize("hangup_first", [True, False])
async def test_a_call_whose_end_was_seen_is_not_asked_about(up, fake, attempt, hangup_first):
    _, seen = up
    events = [failure(attempt), {"Event": "Hangup", "Uniqueid": attempt, "Cause": "17"}]
    for event in reversed(events) if hangup_first else events:
        fake.emit(event)
    other = attempt[:-1] + "7"
    fake.refused |= NOTHING
    fake.emit(failure(other))
    responses = await seen.n(Responded, 3)
    assert [r.attempt_id for r in responses if not r.made_channel] == [other]
    assert [action["Key"] for action in fake.actions("DBGet")] == [other]
    assert len(seen.of(HungUp)) == 1


@pytest.mark.parametrize("missing", ["Getvar", "DBGet"])
async def test_a_call_with_a_channel_or_a_record_is_left_alone(
    up, fake, attempt, eventually, missing
):
    _, seen = up
    fake.refused[missing] = NOTHING[missing]
    fake.emit(failure(attempt))
    last = "DBGet" if missing == "Getvar" else "Getvar"
    await eventually(lambda: fake.actions(last))
    await asyncio.sleep(0.05)
    await seen.n(Responded, 1)
    assert [event.made_channel for event in seen.of(Responded)] == [True]


def test_doubts_ripen_after_a_whole_turn():
    doubts = Doubts()
    doubts.failed("a")
    assert doubts.turn() == []
    doubts.failed("b")
    assert doubts.turn() == ["a"]
    doubts.heard("b")
    assert doubts.turn() == []


async def test_gone_is_fine_for_a_hangup_and_a_wake(up, fake, attempt):
    telephony, _ = up
    fake.refused |= {"Hangup": "No such channel", "ControlPlayback": "No such channel"}
    await telephony.hang_up(attempt)
    await telephony.wake_caller(attempt)
    assert fake.actions("Hangup")[0]["Cause"] == "26"


async def test_other_refusals_are_raised(up, fake, attempt, agent):
    telephony, _ = up
    fake.refused |= {name: "Permission denied" for name in ("Hangup", "QueueAdd", "QueueRemove")}
    with pytest.raises(ActionRefused, match="Permission denied"):
        await telephony.hang_up(attempt)
    with pytest.raises(ActionRefused):
        await telephony.add_member("dialer-1", agent)
    with pytest.raises(ActionRefused):
        await telephony.remove_member("dialer-1", agent)


async def test_a_member_that_is_there_or_gone_already_is_fine(up, fake, agent):
    telephony, _ = up
    fake.refused["QueueAdd"] = "Unable to add interface: Already there"
    fake.refused["QueueRemove"] = "Unable to remove interface: Not there"
    await telephony.add_member("dialer-1", agent)
    await telephony.remove_member("dialer-1", agent)


async def test_records_are_read_and_others_rows_passed_over(up, fake, attempt):
    telephony, _ = up
    rows = [
        {"Key": f"/dialer-r/{attempt}", "Val": "1||17|SIP 486 Busy Here||||1795435200250"},
        {"Key": "/dialer-r/unreadable", "Val": "1||17|||||1795435200250"},
        {"Key": f"/dialer-r/{attempt[:-1]}9", "Val": "9|what a later dialplan writes"},
    ]
    fake.answers["DBGetTree"] = list_answer("DBGetTreeResponse", rows)
    records = await telephony.records()
    assert list(records) == [attempt]
    assert records[attempt].sip == 486


async def test_acknowledging_goes_in_batches(up, fake, attempt):
    telephony, _ = up
    await telephony.acknowledge([attempt[:-2] + f"{n:02d}" for n in range(45)])
    acks = fake.actions("Originate")
    assert [ack["Variable"].count("&") for ack in acks] == [19, 19, 4]
    assert {ack["Channel"] for ack in acks} == {"Local/batch@dialer-ack"}


async def test_acknowledging_nothing_sends_nothing(up, fake):
    telephony, _ = up
    await telephony.acknowledge([])
    assert fake.actions("Originate") == []


async def test_the_start_of_asterisk_is_told_with_its_zone_worked_out(connect, fake):
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    local = began + timedelta(hours=5, minutes=30)
    fake.startup = (f"{local:%Y-%m-%d}", f"{local:%H:%M:%S}")
    fake.uptime_s = 3 * 3600
    _, seen = connect()
    (up,) = await seen.n(LinkUp, 1)
    assert up.pbx_started_at == began


@pytest.mark.parametrize("drift_s", [-200, 0, 200])
def test_a_clock_that_is_off_does_not_change_the_start(drift_s):
    status = {"CoreStartupDate": "2026-11-23", "CoreStartupTime": "07:00:00"}
    seen_at = NOW + timedelta(seconds=600 + drift_s)
    assert started_at(status, 600, seen_at) == NOW


def test_a_start_that_is_not_told_is_reckoned_from_the_uptime():
    assert started_at({}, 600, NOW) == NOW - timedelta(seconds=600)
    status = {"CoreStartupDate": "2026-11-23", "CoreStartupTime": "07:00:00"}
    assert started_at(status, None, NOW) == datetime(2026, 11, 23, 7, tzinfo=UTC)


def test_a_live_call(attempt):
    channel = {"Uniqueid": attempt, "ChannelState": "6", "BridgeId": "x", "Duration": "01:02:03"}
    call = live_call(channel, "pbx", NOW)
    assert (call.is_up, call.is_bridged) == (True, True)
    assert call.created_at == NOW - timedelta(hours=1, minutes=2, seconds=3)
    ringing = live_call({"Uniqueid": attempt, "ChannelState": "5", "BridgeId": ""}, "pbx", NOW)
    assert (ringing.is_up, ringing.is_bridged, ringing.created_at) == (False, False, NOW)
    assert live_call({"Uniqueid": "pbx-1.2"}, "pbx", NOW) is None


def test_a_row_that_is_no_record(attempt):
    assert kept_record({"Key": f"/other/{attempt}", "Val": "1||17|||||1795435200250"}) is None
    assert kept_record({}) is None
