from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.ids import attempt_id, campaign_of

campaign_ids = st.integers(1, 2**63 - 1)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
entropies = st.integers(0, 2**64)


@given(campaign_ids, instants, entropies)
def test_an_id_tells_its_campaign(campaign_id: int, now: datetime, entropy: int) -> None:
    assert campaign_of(attempt_id(campaign_id, now, entropy)) == campaign_id


@given(campaign_ids, instants, entropies)
def test_an_id_is_safe_as_channel_key_and_extension(
    campaign_id: int, now: datetime, entropy: int
) -> None:
    assert re.fullmatch(r"[0-9a-z]{22,40}", attempt_id(campaign_id, now, entropy))


@given(campaign_ids, instants, st.integers(1, 10**10), entropies, entropies)
def test_ids_of_a_campaign_sort_by_time(
    campaign_id: int, now: datetime, n_ms: int, first: int, second: int
) -> None:
    later = now + timedelta(milliseconds=n_ms)
    assert attempt_id(campaign_id, now, first) < attempt_id(campaign_id, later, second)


@given(campaign_ids, instants, entropies, st.integers(1, 2**50 - 1))
def test_ids_of_one_millisecond_differ_by_their_entropy(
    campaign_id: int, now: datetime, entropy: int, other: int
) -> None:
    pair = {attempt_id(campaign_id, now, entropy), attempt_id(campaign_id, now, entropy + other)}
    assert len(pair) == 2


@given(st.text())
def test_any_text_is_an_id_or_none(text: str) -> None:
    assert campaign_of(text) is None or re.fullmatch(r"[0-9]+a[0-9a-z]{20}", text)


TAIL = "0" * 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "7",
        f"a{TAIL}",
        f"7a{TAIL}0",
        f"7a{TAIL[1:]}",
        f"7b{TAIL}",
        f"-7a{TAIL}",
        f" 7a{TAIL}",
        f"7a{TAIL}\n",
        f"7a{TAIL[1:]}i",
        f"7a{TAIL[1:]}A",
        f"٧a{TAIL}",  # a decimal digit, not one of ours
        f"07a{TAIL}",  # would name campaign 7 a second time
        f"{'9' * 5000}a{TAIL}",  # more digits than int() reads
        "1795441401.17",  # an id of Asterisk's own
        "PJSIP/carrier-00000004",
    ],
)
def test_junk_names_no_campaign(text: str) -> None:
    assert campaign_of(text) is None
