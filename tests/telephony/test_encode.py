"""Orders as headers: what the dialplan and Asterisk expect, and nothing that they could misread."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import ActionRefused
from engine.ports import Prompt
from telephony import agents, encode
from telephony.wire import MAX_LINE_BYTES, check


def test_an_originate(order, attempt):
    assert encode.originate(order) == {
        "Action": "Originate",
        "ActionID": attempt,
        "Channel": "PJSIP/12025550123@carrier",
        "ChannelId": attempt,
        "Context": "dialer-out",
        "Exten": "s",
        "Priority": "1",
        "CallerID": '"" <+12025550100>',
        "Timeout": "20000",
        "Async": "true",
        "EarlyMedia": "false",
        "Variable": [
            'CHANNEL(hangup_handler_push)="dialer-end,s,1"',
            f"__DIALER_ATTEMPT={attempt}",
            "__DIALER_CAMPAIGN=5",
            "__DIALER_CONTACT=7",
            "__DIALER_NUMBER=+12025550123",
            "DIALER_QUEUE=dialer-1",
            "DIALER_DEADLINE=2",
            "DIALER_OPTOUT_KEY=9",
        ],
    }


def test_what_a_campaign_may_ask_for(order):
    asked = replace(
        order,
        amd=True,
        connect_deadline_from="greeting_end",
        message="custom/sorry",
        ringback=True,
        agent="1001",
        agent_mode="on_hook",
    )
    assert encode.originate(asked)["Variable"][-6:] == [
        "DIALER_AMD=1",
        "DIALER_AMD_FROM=greeting_end",
        "DIALER_MESSAGE=custom/sorry",
        "DIALER_RINGBACK=1",
        "DIALER_AGENT=1001",
        "DIALER_AGENT_MODE=on_hook",
    ]


@pytest.mark.parametrize("deadline", [-1, 0, 1])
def test_a_queue_never_gets_a_deadline_below_one_second(order, deadline):
    variables = encode.originate(replace(order, connect_deadline_s=deadline))["Variable"]
    assert "DIALER_DEADLINE=1" in variables


@pytest.mark.parametrize(
    "change",
    [
        {"attempt_id": "x"},
        {"phone": "12025550123"},
        {"phone": "+1202555012x"},
        {"phone": "+1&PJSIP/900"},
        {"phone": "+" + "1" * 30},
        {"caller_id": 'Ann" <+12025550100>'},
        {"trunk": "carrier/sip:evil@example.org"},
        {"queue": "a,b"},
        {"message": "a&b"},
        {"message": "${SHELL(id)}"},
        {"opt_out_key": "99"},
        {"opt_out_key": ""},
        {"agent": "1001&PJSIP/900"},
        {"agent": "1001", "agent_mode": "a,b"},
    ],
)
def test_an_order_with_more_in_it_than_its_meaning_is_refused(order, change):
    with pytest.raises(ActionRefused):
        encode.originate(replace(order, **change))


def test_a_message_with_keys_takes_the_place_of_a_queue(order):
    keys = {"1": "confirm", "2": "queue:sales", "*": "repeat", "#": "goto:from-agent:100"}
    prompt = Prompt(message="custom/offer", keys={**keys, "9": "optout"})
    variables = encode.originate(replace(order, queue="", prompt=prompt))["Variable"]
    assert variables[5:-2] == [
        "DIALER_MODE=agentless",
        "DIALER_PROMPT=custom/offer",
        "DIALER_KEYS=12*#9",
        "DIALER_KEY_WAIT=5",
        "DIALER_MAX_REPEATS=3",
        "DIALER_TRANSFER_WAIT=60",
        "DIALER_KEY_1=confirm",
        "DIALER_KEY_2=queue:sales",
        "DIALER_KEY_S=repeat",
        "DIALER_KEY_P=goto:from-agent:100",
        "DIALER_KEY_9=optout",
    ]
    assert not any(each.startswith("DIALER_QUEUE") for each in variables)


@pytest.mark.parametrize(
    "keys",
    [
        {"1": "confirm"},
        {"9": "optout", "1": "queue:a,b"},
        {"9": "optout", "1": "goto:a:${X}"},
        {"9": "optout", "12": "confirm"},
        {"9": "optout", "1": "System"},
    ],
)
def test_a_message_that_nobody_can_opt_out_of_or_with_other_keys_is_refused(order, keys):
    with pytest.raises(ActionRefused):
        encode.originate(replace(order, prompt=Prompt(message="offer", keys=keys)))


@given(st.text(max_size=20), st.sampled_from(["phone", "trunk", "queue", "message", "agent"]))
def test_whatever_passes_has_no_meaning_to_a_dialplan(text, field):
    order = encode.DialOrder(
        attempt_id="5a01m84000000000000001", campaign_id=5, contact_id=7, phone="+12025550123",
        caller_id="+12025550100", trunk="carrier", queue="q", ring_timeout_s=20,
    )  # fmt: skip
    try:
        headers = encode.originate(replace(order, **{field: text}))
    except ActionRefused:
        return
    check(headers)
    assert not set(text) & set("\r\n\0,;&|$\"'()[]{} @\\")


def test_a_batch_of_acknowledgements_fits_into_a_line():
    longest = ["9" * 10 + "a" + "z" * 20] * encode.ACK_BATCH
    check(encode.acknowledge(longest))
    assert len("Variable: " + encode.acknowledge(longest)["Variable"]) < MAX_LINE_BYTES


def test_only_our_records_can_be_deleted():
    with pytest.raises(ActionRefused):
        encode.acknowledge(["../../registrar"])


@pytest.mark.parametrize(
    ("mode", "interface", "state"),
    [
        ("on_hook", "PJSIP/1001", "PJSIP/1001"),
        ("off_hook", "Local/1001@dialer-agent/n", "Agent:1001"),
    ],
)
def test_an_agent_has_one_interface_by_mode(agent, mode, interface, state):
    headers = agents.add_member("dialer-1", replace(agent, mode=mode))
    assert (headers["Interface"], headers["StateInterface"]) == (interface, state)
    assert (headers["Paused"], headers["MemberName"]) == ("true", "1001")
    assert agents.extension_of(interface) == "1001"


def test_pausing_names_no_queue_and_so_means_all(agent):
    assert "Queue" not in agents.pause(agent, "lunch")
    assert "Queue" not in agents.unpause(agent)


def test_an_extension_with_a_path_in_it_is_refused(agent):
    with pytest.raises(ActionRefused):
        agents.log_in(replace(agent, extension="1001@trunk"))
