from __future__ import annotations

import pytest

from engine.core.caller_ids import calls_left, choose, free_at_hour, pool_for, pools_for, pools_of
from engine.core.settings import DialingSettings

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


def test_a_number_that_is_used_up_makes_way_for_the_next_that_fits() -> None:
    pools = pools_for("+12125550123", POOL, "area")
    assert pools == [[NEW_YORK], [NEW_YORK, MIAMI], POOL]
    left = dict.fromkeys(POOL, 1)
    chosen = []
    while (caller := choose(pools, 0, left)) is not None:
        left[caller] -= 1
        chosen.append(caller)
    assert chosen == [NEW_YORK, MIAMI, TORONTO, LONDON]


def test_numbers_take_turns() -> None:
    pools = pools_for("+12125550123", POOL, "off")
    assert [choose(pools, turn, None) for turn in range(5)] == [*POOL, NEW_YORK]
    assert choose([()], 3, None) is None


def test_calls_count_for_a_day_and_the_hour_that_has_begun() -> None:
    used = {100: 2, 110: 1}
    assert [calls_left(used, 3, hour) for hour in (110, 124, 125, 134, 135)] == [0, 0, 2, 2, 3]
    assert [free_at_hour(used, 3, hour) for hour in (110, 124, 125)] == [125, 125, 125]
    assert free_at_hour(used, 1, 110) == 135


def test_redials_show_what_was_shown_before_as_long_as_it_is_there() -> None:
    numbers = ("+12025550100", "+12025550101", "+12025550102")
    same = DialingSettings(caller_ids=numbers, same_caller_id_on_redials=True)
    assert pools_of(4, "+13055550100", same) == [[numbers[1]]]
    assert pools_of(4, "+13055550100", same, numbers[2]) == [[numbers[2]]]
    fewer = same.model_copy(update={"caller_ids": numbers[:2]})
    assert pools_of(4, "+13055550100", fewer, numbers[2]) == [[numbers[0]]]
    any_of = same.model_copy(update={"same_caller_id_on_redials": False})
    assert pools_of(4, "+13055550100", any_of, numbers[2]) == [numbers]
