"""AMI events, one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.call_events import (
    AgentLoggedIn,
    AgentLoggedOff,
    AgentRemoved,
    AgentSeen,
    AmdDecided,
    Answered,
    Connected,
    Device,
    HungUp,
    MessageStarted,
    OptedOut,
    Recorded,
    Responded,
    Ringing,
)
from telephony.translate import WANTED, translate

NOW = datetime(2026, 11, 23, tzinfo=UTC)
AT = datetime(2026, 11, 23, 12, 0, 0, 250000, tzinfo=UTC)
MS = str(round(AT.timestamp() * 1000))
A = "5a01m84000000000000001"
OTHER = "pbx-1795441440.22"


def told(event, **headers):
    return translate({"Event": event, **headers}, "pbx", NOW)


@pytest.mark.parametrize(
    ("event", "headers", "expected"),
    [
        ("DialState", {"DestUniqueid": A, "DialStatus": "RINGING"}, Ringing(A, NOW)),
        ("DialState", {"DestUniqueid": A, "DialStatus": "PROGRESS"}, Ringing(A, NOW)),
        ("DialState", {"DestUniqueid": A, "DialStatus": "PROCEEDING"}, None),
        ("DialState", {"DestUniqueid": OTHER, "DialStatus": "RINGING"}, None),
        (
            "OriginateResponse",
            {"ActionID": A, "Uniqueid": A, "Reason": "3"},
            Responded(A, NOW, 3, True),
        ),
        (
            "OriginateResponse",
            {"ActionID": A, "Uniqueid": "<null>", "Reason": "0"},
            Responded(A, NOW, 0, False),
        ),
        ("OriginateResponse", {"ActionID": A, "Reason": "0"}, Responded(A, NOW, 0, False)),
        ("OriginateResponse", {"ActionID": "dialer-7", "Uniqueid": OTHER}, None),
        (
            "Hangup",
            {"Uniqueid": A, "Cause": "17", "TechCause": "486"},
            HungUp(A, NOW, 17, 486),
        ),
        ("Hangup", {"Uniqueid": A, "Cause": "26"}, HungUp(A, NOW, 26, None)),
        ("Hangup", {"Uniqueid": A}, HungUp(A, NOW, None, None)),
        ("Hangup", {"Uniqueid": OTHER, "Cause": "16"}, None),
        (
            "AgentConnect",
            {"Uniqueid": A, "Interface": "Local/1001@dialer-agent/n", "MemberName": "1001"},
            Connected(A, NOW, "1001"),
        ),
        ("AgentConnect", {"Uniqueid": A, "Interface": "SIP/desk"}, None),
        ("AgentLogin", {"Agent": "1001"}, AgentLoggedIn("pbx", "1001", NOW)),
        ("AgentLogoff", {"Agent": "1001"}, AgentLoggedOff("pbx", "1001", NOW)),
        (
            "QueueMemberRemoved",
            {"Interface": "PJSIP/1001", "Queue": "q"},
            AgentRemoved("pbx", "1001", "q", NOW),
        ),
        ("QueueMemberRemoved", {"Interface": "SIP/desk", "Queue": "q"}, None),
        ("VarSet", {"Uniqueid": A}, None),
    ],
)
def test_an_event_is_told(event, headers, expected):
    assert told(event, **headers) == expected


@pytest.mark.parametrize(
    ("name", "headers", "expected"),
    [
        ("DialerAnswered", {"At": MS}, Answered(A, AT)),
        ("DialerAmd", {"At": MS, "Status": "HUMAN"}, AmdDecided(A, AT, "HUMAN")),
        ("DialerConnected", {"At": MS, "Agent": "1001"}, Connected(A, AT, "1001")),
        ("DialerMessage", {"At": MS}, MessageStarted(A, AT)),
        ("DialerOptOut", {"At": MS, "Number": "+12025550123"}, OptedOut(A, AT)),
        ("DialerMessage", {"At": "soon"}, MessageStarted(A, NOW)),
        ("DialerEnd", {"Result": "2|"}, None),
        ("SomebodyElses", {}, None),
    ],
)
def test_a_user_event_is_told(name, headers, expected):
    assert told("UserEvent", UserEvent=name, Attempt=A, **headers) == expected
    assert told("UserEvent", UserEvent=name, Attempt=OTHER, **headers) is None


def test_a_record_is_told_at_its_end():
    event = told("UserEvent", UserEvent="DialerEnd", Attempt=A, Result=f"1||17|||||{MS}")
    assert isinstance(event, Recorded)
    assert (event.at, event.record.cause) == (AT, 17)


def test_the_timestamp_of_asterisk_counts():
    event = told("Hangup", Uniqueid=A, Timestamp="1795435200.250000")
    assert event.at == AT


@pytest.mark.parametrize("kind", ["QueueMemberStatus", "QueueMemberPause", "QueueMemberAdded"])
@pytest.mark.parametrize("interface", ["PJSIP/1001", "Local/1001@dialer-agent/n"])
def test_a_member_is_seen(kind, interface):
    event = told(
        kind, Interface=interface, Queue="q", Status="1", Paused="1", PausedReason="wrap-up"
    )
    assert event == AgentSeen("pbx", "1001", "q", Device.NOT_IN_USE, True, "wrap-up", NOW)


@pytest.mark.parametrize(
    ("status", "device"),
    [
        ("0", Device.UNAVAILABLE),
        ("1", Device.NOT_IN_USE),
        ("2", Device.IN_USE),
        ("3", Device.IN_USE),
        ("4", Device.UNAVAILABLE),
        ("5", Device.UNAVAILABLE),
        ("6", Device.RINGING),
        ("7", Device.RINGING),
        ("8", Device.IN_USE),
        ("", Device.UNAVAILABLE),
    ],
)
def test_device_states(status, device):
    event = told("QueueMemberStatus", Interface="PJSIP/1001", Status=status)
    assert event.device is device


HEADERS = st.sampled_from(
    [
        "Uniqueid",
        "DestUniqueid",
        "ActionID",
        "Attempt",
        "Interface",
        "Status",
        "Paused",
        "Timestamp",
        "Cause",
        "TechCause",
        "Reason",
        "DialStatus",
        "UserEvent",
        "At",
        "Result",
        "Agent",
        "Queue",
    ]
)
VALUES = st.text(max_size=30) | st.sampled_from([A, "DialerEnd", "PJSIP/1001", "RINGING", "1e400"])


@given(st.sampled_from(sorted(WANTED)), st.dictionaries(HEADERS, VALUES))
def test_nothing_in_an_event_can_raise(event, headers):
    told(event, **headers)
