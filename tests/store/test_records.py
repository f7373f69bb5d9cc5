"""Call detail records come out of the stream as they went in, and small."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.core import ids
from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome
from engine.store import codec, records

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
INSTANTS = st.integers(0, 2**42).map(codec.from_ms)
TEXTS = st.text(max_size=20)
PHONES = st.sampled_from(("+12125550100", "+442079460958", "", "anonymous", "+012", "+"))
RECORDS = st.builds(
    AttemptRecord,
    attempt_id=st.one_of(
        st.just("1a1"),
        st.builds(ids.attempt_id, st.integers(0, 99), INSTANTS, st.integers(0, 2**50 - 1)),
    ),
    campaign_id=st.integers(1, 99),
    phone=PHONES,
    caller_id=PHONES,
    started_at=INSTANTS,
    ringing_at=st.none() | INSTANTS,
    answered_at=st.none() | INSTANTS,
    bridged_at=st.none() | INSTANTS,
    ended_at=INSTANTS,
    next_dial_at=st.none() | INSTANTS,
    ring_s=st.none() | st.floats(0, 99),
    talk_s=st.none() | st.floats(0, 99),
    external_id=st.none() | TEXTS,
    person_key=TEXTS,
    zones=st.lists(st.sampled_from(("UTC", "Europe/Paris", "Asia/Tokyo"))).map(tuple),
)


def entry_of(record: AttemptRecord) -> records.Entry:
    names = records.Entry._fields
    return records.Entry(*[getattr(record, name) for name in names])


@given(RECORDS)
def test_a_record_is_unpacked_as_it_was_packed(record: AttemptRecord) -> None:
    assert records.unpack(records.pack(record), entry_of(record)) == record


def test_every_field_is_kept() -> None:
    names = {field.name for field in fields(AttemptRecord)}
    assert set(records.PACKED) | set(records.Entry._fields) == names
    assert len(set(records.PACKED)) == len(records.PACKED)


def test_what_most_calls_leave_is_small() -> None:
    record = AttemptRecord(
        attempt_id=ids.attempt_id(1, NOW, 7),
        campaign_id=1,
        contact_id=5,
        external_id="E00000000",
        number=1,
        phone="+12122000000",
        caller_id="+12125550100",
        trunk="carrier",
        node="pbx",
        started_at=NOW + timedelta(milliseconds=40),
        ringing_at=NOW + timedelta(seconds=1),
        ended_at=NOW + timedelta(seconds=26),
        ring_s=25.0,
        outcome=Outcome.NO_ANSWER,
        cause=19,
        next_dial_at=NOW + timedelta(hours=1),
        zones=("America/New_York",),
        rules="1",
        person_key="E00000000",
    )
    packed = records.pack(record)
    assert len(packed) <= 120 < len(records.to_json(record)) / 3
    assert records.unpack(packed, entry_of(record)) == record


@given(st.dictionaries(st.text(), st.text()))
def test_texts_are_the_same_json_the_quick_way(texts: dict[str, str]) -> None:
    assert codec.texts_to_json(texts) == codec.to_json(texts)
