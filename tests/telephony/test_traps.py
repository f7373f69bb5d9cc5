"""One test for each way in which panoramisk 1.4 fails when used as it comes."""

from __future__ import annotations

import asyncio
import gc
import random
from dataclasses import replace

import pytest

from engine.core.call_events import AgentSeen, HungUp, LinkLost, LinkUp, OptedOut, Responded
from engine.core.errors import ActionRefused, ActionUnknown, LinkDown
from telephony.backoff import Backoff
from telephony.fake_asterisk import block, list_answer
from telephony.wire import check, parse, variable


def hangup(attempt_id, cause=16):
    return {"Event": "Hangup", "Uniqueid": attempt_id, "Cause": str(cause)}


# ------------------------------------------------------------------------- 1: no escaping


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\r\n\r\nAction: Command\r\n"])
@pytest.mark.parametrize("field", ["phone", "caller_id", "trunk", "queue", "message", "agent"])
async def test_trap_1_line_ends_in_an_order_reach_nobody(up, fake, order, field, end):
    telephony, _ = up
    bad = replace(order, **{field: f"1001{end}Variable: X=1"})
    with pytest.raises(ActionRefused):
        await telephony.originate(bad)
    await telephony.wake_caller(order.attempt_id)
    assert fake.actions("Originate") == []
    assert fake.actions("Command") == []


async def test_trap_1_line_ends_in_any_header_are_refused(up, fake, agent):
    telephony, _ = up
    with pytest.raises(ActionRefused):
        await telephony.pause(agent, "lunch\r\nAction: Command")
    with pytest.raises(ActionRefused):
        await telephony.hang_up("x\r\n\r\nAction: Command\r\nCommand: core stop now")
    await telephony.unpause(agent)
    assert [h["Action"] for h in fake.received[-1:]] == ["QueuePause"]
    assert fake.actions("Command") == fake.actions("Hangup") == []


@pytest.mark.parametrize("name", ["", "a", "FILE(/tmp/x)", "X Y", "CHANNEL(x)", "X\n", "É"])
def test_trap_1_names_of_variables_are_letters_only(name):
    with pytest.raises(ActionRefused):
        variable(name, "1")


@pytest.mark.parametrize("value", ["a,B=c", 'a"b', "a\\b"])
def test_trap_1_values_of_variables_cannot_be_split(value):
    with pytest.raises(ActionRefused):
        variable("X", value)


def test_trap_1_names_of_headers_are_plain():
    with pytest.raises(ActionRefused):
        check({"Action: Command\r\nX": "1"})


def test_trap_1_what_is_not_text_is_refused_before_it_is_in_flight():
    with pytest.raises(ActionRefused):
        check({"Reason": "\udc80"})


def test_trap_1_a_refusal_does_not_quote_the_value():
    with pytest.raises(ActionRefused) as refusal:
        check({"Channel": "PJSIP/12025550123\r\n@x"})
    assert "2025550123" not in str(refusal.value)


# ----------------------------------------------------- 2, D, I: nothing is sent again, or later


async def test_trap_2_an_action_in_flight_is_never_sent_again(up, fake, order):
    telephony, seen = up
    fake.silent.add("Originate")
    placing = asyncio.create_task(telephony.originate(order))
    while not fake.actions("Originate"):
        await asyncio.sleep(0.005)
    fake.cut()
    with pytest.raises(ActionUnknown):
        await placing
    fake.silent.clear()
    await seen.n(LinkUp, 2)
    await telephony.wake_caller(order.attempt_id)
    assert len(fake.actions("Originate")) == 1


async def test_trap_2_an_action_without_a_link_is_refused_and_not_kept(up, fake, order, eventually):
    telephony, seen = up
    await fake.stop()
    await seen.n(LinkLost, 1)
    with pytest.raises(LinkDown):
        await telephony.originate(order)
    await fake.start()
    await seen.n(LinkUp, 2)
    await telephony.wake_caller(order.attempt_id)
    assert fake.actions("Originate") == []


async def test_trap_2_nothing_is_sent_before_asterisk_has_booted(connect, fake, order, eventually):
    fake.is_booted = False
    telephony, seen = connect(boot_timeout_s=5.0)
    await eventually(lambda: fake.actions("Login"))
    with pytest.raises(LinkDown):
        await telephony.originate(order)
    assert not telephony.is_up()
    fake.boot()
    await seen.n(LinkUp, 1)
    await telephony.originate(order)
    assert len(fake.actions("Originate")) == 1


async def test_trap_2_what_cannot_be_written_at_once_was_not_sent(up, fake, order, eventually):
    """A peer that reads no more: once the sockets are full an order is refused as unsent."""
    telephony, _ = up
    fake.blackhole()
    protocol = telephony._link._protocol
    protocol.transport.write(b"X" * (64 << 20))
    with pytest.raises(LinkDown):
        await telephony.originate(order)


# -------------------------------------------------- 3, 4, A, B, J: every future has an end


async def test_trap_3_an_action_without_an_answer_ends_as_unknown(up, fake, order):
    telephony, _ = up
    fake.silent.add("Originate")
    with pytest.raises(ActionUnknown):
        await telephony.originate(order)
    assert telephony._link._protocol.responses == {}


async def test_trap_3_a_list_that_is_announced_and_never_ends_is_unknown(up, fake):
    telephony, seen = up
    fake.answers["QueueStatus"] = lambda _: [{"Response": "Success", "EventList": "start"}]
    lists = asyncio.create_task(telephony.members())
    while not fake.actions("QueueStatus"):
        await asyncio.sleep(0.005)
    fake.cut()
    with pytest.raises(ActionUnknown):
        await lists
    await seen.n(LinkUp, 2)
    with pytest.raises(ActionUnknown):
        await telephony.members()


async def test_trap_4_adding_a_member_returns(up, fake, agent):
    telephony, _ = up
    fake.answers["QueueAdd"] = lambda _: [
        {"Response": "Success", "Message": "Added interface to queue"}
    ]
    await telephony.add_member("dialer-1", agent)


async def test_trap_4_an_originate_returns_when_accepted_and_its_fate_is_an_event(up, fake, order):
    telephony, seen = up
    fake.answers["Originate"] = lambda _: [
        {"Response": "Success", "Message": "Originate successfully queued"}
    ]
    await telephony.originate(order)
    response = {
        "Event": "OriginateResponse",
        "ActionID": order.attempt_id,
        "Uniqueid": order.attempt_id,
        "Reason": "4",
    }
    fake.emit(response)
    (responded,) = await seen.n(Responded, 1)
    assert (responded.attempt_id, responded.reason) == (order.attempt_id, 4)


async def test_trap_4_a_late_originate_response_is_not_swallowed(up, fake, order):
    telephony, seen = up
    fake.silent.add("Originate")
    with pytest.raises(ActionUnknown):
        await telephony.originate(order)
    fake.emit({"Event": "OriginateResponse", "ActionID": order.attempt_id, "Uniqueid": "x"})
    await seen.n(Responded, 1)


async def test_trap_4_a_refused_list_returns(up, fake):
    telephony, _ = up
    fake.refused["CoreShowChannels"] = "Permission denied"
    with pytest.raises(ActionRefused, match="Permission denied"):
        await telephony.live_calls()


# ----------------------------------------------------------------- 5, E: half-open connections


async def test_trap_5_a_half_open_connection_is_noticed(connect, fake):
    telephony, seen = connect(ping_every_s=0.05)
    await seen.n(LinkUp, 1)
    fake.blackhole()
    await seen.n(LinkLost, 1)
    assert "pings" in telephony.last_error
    assert not telephony.is_up()
    fake.flow()
    await seen.n(LinkUp, 2)


async def test_trap_5_one_missed_ping_is_forgiven_and_leaks_nothing(connect, fake, eventually):
    telephony, seen = connect(ping_every_s=0.02)
    await seen.n(LinkUp, 1)
    fake.silent.add("Ping")
    n_before = len(fake.actions("Ping"))
    await eventually(lambda: len(fake.actions("Ping")) > n_before)
    fake.silent.clear()
    n_before = len(fake.actions("Ping"))
    await eventually(lambda: len(fake.actions("Ping")) > n_before + 3)
    assert seen.of(LinkLost) == []
    assert len(telephony._link._protocol.responses) <= 1


# ------------------------------------------------------- 6, G: callbacks, order, backpressure


async def test_trap_6_an_event_that_cannot_be_understood_costs_no_other(up, fake, attempt):
    _, seen = up
    odd = [
        {"Event": "Hangup", "Uniqueid": attempt, "Cause": "٣x", "Timestamp": "never"},
        {"Event": "UserEvent", "UserEvent": "DialerEnd", "Attempt": attempt, "Result": "||||"},
        {"Event": "OriginateResponse", "ActionID": attempt, "Reason": "-"},
        {"Event": "QueueMemberStatus", "Interface": "SIP/x", "Status": "?"},
        {"Event": "AgentLogin"},
        {"Event": ""},
    ]
    fake.emit_raw(b"".join(block(event) for event in odd) + block(hangup(attempt, 17)))
    hangups = await seen.n(HungUp, 2)
    assert [event.cause for event in hangups] == [None, 17]
    assert seen.of(LinkLost) == []


async def test_trap_6_events_keep_their_order(up, fake, attempt):
    _, seen = up
    fake.emit_raw(b"".join(block(hangup(attempt, n)) for n in range(1, 501)))
    hangups = await seen.n(HungUp, 500)
    assert [event.cause for event in hangups] == list(range(1, 501))


async def test_trap_6_too_many_events_end_the_link_and_are_not_lost_silently(
    connect, fake, attempt
):
    _, seen = connect(inbox_bound=10)
    await seen.n(LinkUp, 1)
    fake.emit_raw(b"".join(block(hangup(attempt, n)) for n in range(1, 101)))
    await seen.n(LinkUp, 2)
    assert len(seen.of(LinkLost)) == 1
    kept = [event.cause for event in seen.of(HungUp)]
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) < 100


# --------------------------------------------------------- 7, F, K: connecting and giving up


async def test_trap_7_a_wrong_secret_is_said_and_not_hammered(connect, fake, eventually):
    telephony, seen = connect(secret="wrong", backoff_refused_s=30.0)
    await eventually(lambda: telephony.last_error)
    assert "wrong AMI user name or secret" in telephony.last_error
    assert seen.events == []
    assert fake.n_connections == 1


async def test_trap_7_a_secret_that_becomes_right_is_tried_again(connect, fake, eventually):
    fake.secret = "other"
    telephony, seen = connect()
    await eventually(lambda: telephony.last_error)
    fake.secret = "secret"
    await seen.n(LinkUp, 1)
    assert telephony.last_error is None


def test_trap_7_backoff_grows_is_spread_and_starts_anew_after_a_good_connection(config):
    backoff = Backoff(replace(config, backoff_s=0.1, backoff_max_s=5.0), random.Random(1))
    waits = [backoff.wait_s(lived_s=0.1, refused=False) for _ in range(40)]
    assert all(0.05 * 2**n <= wait <= 0.1 * 2**n for n, wait in enumerate(waits[:5]))
    assert all(2.5 <= wait <= 5.0 for wait in waits[6:])
    assert len(set(waits)) == len(waits)
    assert backoff.wait_s(lived_s=60, refused=False) <= 0.1


def test_trap_7_after_a_refused_login_the_wait_is_long(config):
    backoff = Backoff(replace(config, backoff_refused_s=30.0))
    assert backoff.wait_s(lived_s=0.1, refused=True) >= 15.0


async def test_trap_7_asterisk_down_at_start_is_waited_for(connect, fake, eventually):
    await fake.stop()
    telephony, seen = connect()
    await eventually(lambda: telephony.last_error)
    assert "cannot reach Asterisk" in telephony.last_error
    await fake.start()
    await seen.n(LinkUp, 1)


async def test_trap_7_missing_rights_are_said(connect, fake, eventually):
    fake.is_booted = False
    telephony, _ = connect(boot_timeout_s=0.1)
    await eventually(lambda: telephony.last_error)
    assert "read = system" in telephony.last_error


async def test_trap_7_closing_ends_also_the_waiting_for_a_reconnect(connect, fake, eventually):
    telephony, seen = connect(backoff_s=0.1)
    await seen.n(LinkUp, 1)
    fake.cut()
    await seen.n(LinkLost, 1)
    await telephony.close()
    n_connections = fake.n_connections
    await seen.task
    await asyncio.sleep(0.3)
    assert fake.n_connections == n_connections
    with pytest.raises(LinkDown):
        await telephony.wake_caller("1")


async def test_trap_7_each_login_is_told_so_that_the_state_is_read_back(up, fake):
    _, seen = up
    for n in range(2, 4):
        fake.cut()
        await seen.n(LinkUp, n)
    kinds = [type(event) for event in seen.events]
    assert kinds == [LinkUp, LinkLost] * 2 + [LinkUp]
    assert len({event.pbx_started_at for event in seen.of(LinkUp)}) == 1


# ---------------------------------------------------------------------- 8, H: split characters


async def test_trap_8_a_character_split_between_two_reads_is_whole(up, fake, attempt):
    _, seen = up
    member = {
        "Event": "QueueMemberPause",
        "Queue": "dialer-1",
        "Interface": "PJSIP/1001",
        "Status": "1",
        "Paused": "1",
        "PausedReason": "Jürg holt Käse 🧀",
    }
    for byte in block(member):
        fake.emit_raw(bytes([byte]))
        await asyncio.sleep(0)
    (event,) = await seen.n(AgentSeen, 1)
    assert event.pause_reason == "Jürg holt Käse 🧀"


def test_trap_8_broken_characters_break_nothing():
    assert parse(b"Event: X\r\nName: J\xfcrg") == {"Event": "X", "Name": "J�rg"}


# --------------------------------------------------------------- 9: calls are told apart


async def test_trap_9_calls_of_one_second_are_told_apart(up, fake):
    _, seen = up
    ids = [f"5a0000000000000000000{n}" for n in range(1, 6)]
    for attempt_id in ids:
        fake.emit({"Event": "UserEvent", "UserEvent": "DialerOptOut", "Attempt": attempt_id})
    events = await seen.n(OptedOut, 5)
    assert [event.attempt_id for event in events] == ids


# --------------------------------------------------------------------------- 10: long lines


async def test_trap_10_a_line_that_asterisk_would_refuse_is_not_sent(up, fake, agent):
    telephony, _ = up
    with pytest.raises(ActionRefused):
        await telephony.pause(agent, "ü" * 600)
    assert fake.actions("QueuePause") == []
    check({"Reason": "x" * 900})


# ----------------------------------------------------------------------- 11 and beyond it


async def test_trap_11_events_that_nobody_wants_are_not_even_parsed(up, fake, attempt):
    _, seen = up
    noise = block({"Event": "VarSet", "Uniqueid": attempt, "Variable": "X", "Value": "Y"})
    fake.emit_raw(noise * 2000 + block(hangup(attempt)))
    await seen.n(HungUp, 1)
    assert [type(event) for event in seen.events] == [LinkUp, HungUp]


async def test_garbage_between_messages_costs_one_message(up, fake, attempt):
    _, seen = up
    fake.emit_raw(b"\x00\xff\xfe garbage \r\n\r\n" + block(hangup(attempt)))
    await seen.n(HungUp, 1)


async def test_garbage_without_an_end_ends_the_connection(up, fake):
    _, seen = up
    fake.emit_raw(b"X" * (3 << 20))
    await seen.n(LinkLost, 1)
    await seen.n(LinkUp, 2)


async def test_a_port_that_is_not_ami_is_said(connect, fake, eventually):
    fake.greeting = b"SSH-2.0-OpenSSH_9.2\r\n"
    telephony, _ = connect()
    await eventually(lambda: telephony.last_error)
    assert "does not speak AMI" in telephony.last_error


async def test_answers_that_come_slowly_are_waited_for(up, fake, order):
    telephony, _ = up
    fake.delay_s = 0.1
    await telephony.originate(order)


async def test_asterisk_that_shuts_down_is_gone_at_once(up, fake):
    _, seen = up
    fake.emit({"Event": "Shutdown", "Shutdown": "Uncleanly", "Restart": "False"})
    await seen.n(LinkLost, 1)


async def test_events_of_a_list_and_others_do_not_mix(up, fake, attempt):
    telephony, seen = up
    answer = list_answer("QueueMember", [{"Location": "PJSIP/1001", "Queue": "dialer-1"}])

    def mixed(headers):
        start, *rest = answer(headers)
        # Without the list's ActionID, as every event that just happens.
        fake.emit(hangup(attempt))
        return [start, *rest]

    fake.answers["QueueStatus"] = mixed
    (member,) = await telephony.members()
    assert member.extension == "1001"
    await seen.n(HungUp, 1)


async def test_the_secret_is_shown_nowhere(connect, fake, config, capsys, caplog, eventually):
    fake.refused["Login"] = "Authentication failed"
    telephony, _ = connect(secret="hush-hush")
    await eventually(lambda: telephony.last_error)
    printed = capsys.readouterr()
    assert "hush-hush" not in printed.out + printed.err + caplog.text + telephony.last_error
    assert "hush-hush" not in repr(replace(config, secret="hush-hush"))


async def test_a_fault_of_the_link_itself_reaches_the_consumer(up, monkeypatch, fake):
    telephony, seen = up

    def broken(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(telephony._link._backoff, "wait_s", broken)
    fake.cut()
    with pytest.raises(ZeroDivisionError):
        await seen.task
    gc.collect()
