from __future__ import annotations

import pytest

from engine.core.caller_ids import pool_for

NEW_YORK, MIAMI, TORONTO, LONDON = "+12125550100", "+13055550100", "+14165550100", "+442079460000"
POOL = (NEW_YORK, MIAMI, TORONTO, LONDON)


@pytest.mark.parametrize(
    ("phone", "mode", "wanted"),
    [
        ("+12125550123", "off", POOL),
        ("+12125550123", "area", (NEW_YORK,)),
        ("+17185550123", "area", (NEW_YORK, MIAMI)),
        ("+17185550123", "country", (NEW_YORK, MIAMI)),
        ("+16135550123", "country", (TORONTO,)),
        ("+442079461111", "area", (LONDON,)),
        ("+33123456789", "area", POOL),
    ],
)
def test_a_call_shows_a_number_from_where_it_goes(
    phone: str, mode: str, wanted: tuple[str, ...]
) -> None:
    assert tuple(pool_for(phone, POOL, mode)) == wanted


def test_only_own_numbers_are_shown() -> None:
    assert pool_for("+33123456789", (MIAMI,), "area") == (MIAMI,)
