from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.core import hours as hours_module
from engine.core.holiday_days import country_of_zone
from engine.core.hours import (
    Place,
    deciding_zones,
    hours_class,
    is_held,
    is_open,
    next_open_at,
    open_until,
    regions_in,
    zones_in,
)
from engine.core.settings import DAYS, HoursSettings, RegionHours, Window

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
ZONES = sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
#: Numbers of no single place name all of these at once.
MANY = zones_in(hours_class("+18002345678", None))

zones = st.sampled_from(ZONES)
classes = st.one_of(zones, st.lists(zones, min_size=2, max_size=4, unique=True).map(",".join))
instants = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(st.integers(0, 1439))
    end = draw(st.integers(start + 1, 1440))
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
    return Window(days=tuple(days), start=clock(start), end=clock(end))


@st.composite
def settings(draw: st.DrawFn, near: datetime | None = None) -> HoursSettings:
    first = (near or draw(instants)).date()
    off = st.integers(-2, 9).map(lambda n: first + n * DAY)
    return HoursSettings(
        timezone=draw(zones),
        windows=tuple(draw(st.lists(windows(), max_size=3))),
        holidays=tuple(draw(st.lists(off, max_size=3))),
        respect_contact_timezone=draw(st.booleans()),
    )


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def open_by_hand(hours: HoursSettings, names: tuple[str, ...], now: datetime) -> bool:
    """What the settings say, in minutes of the local day: nothing shared with the module."""
    for name in names:
        local = now + now.astimezone(ZoneInfo(name)).utcoffset()  # type: ignore[operator]
        minute, day = local.hour * 60 + local.minute, local.date()
        spans = [
            (int(w.start[:2]) * 60 + int(w.start[3:]), int(w.end[:2]) * 60 + int(w.end[3:]))
            for w in hours.windows
            if ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day.weekday()] in w.days
        ]
        if day in hours.holidays or not any(start <= minute < end for start, end in spans):
            return False
    return True


def names_of(hours: HoursSettings, group: str) -> tuple[str, ...]:
    return (
        tuple(group.split(",")) if group and hours.respect_contact_timezone else (hours.timezone,)
    )


def all_shifts() -> list[tuple[str, datetime]]:
    """One zone for each set of clock changes of 2026-2030, with the instant of each change."""
    found: dict[tuple[tuple[datetime, timedelta], ...], str] = {}
    for name in ZONES:
        zone, changes, day = ZoneInfo(name), [], FIRST
        while day < LAST:
            if offset(zone, day) != offset(zone, day + DAY):
                changes.append((shift_after(zone, day), offset(zone, day + DAY)))
            day += DAY
        found.setdefault(tuple(changes), name)
    return [(name, at) for changes, name in found.items() for at, _ in changes]


def offset(zone: ZoneInfo, now: datetime) -> timedelta:
    found = now.astimezone(zone).utcoffset()
    assert found is not None
    return found


def shift_after(zone: ZoneInfo, day: datetime) -> datetime:
    return next(
        day + n * MINUTE
        for n in range(0, 1441, 15)
        if offset(zone, day + n * MINUTE) != offset(zone, day)
    )


SHIFTS = all_shifts()


def check_next(hours: HoursSettings, group: str, now: datetime) -> None:
    """Open at the answer, not before now, and at no minute between."""
    names, found = names_of(hours, group), next_open_at(hours, group, now)
    until = found or now + 8 * DAY
    if found is not None:
        assert found >= now
        assert open_by_hand(hours, names, found)
    near = [now + n * MINUTE for n in range(180)] + [until - n * MINUTE for n in range(1, 180)]
    n_between = int((until - now) / timedelta(minutes=31))
    spread = [now + n * timedelta(minutes=31) for n in range(min(n_between, 400))]
    for at in (*near, *spread, until - timedelta(microseconds=1)):
        assert not (now <= at < until) or not open_by_hand(hours, names, at), at


@given(classes | st.just(""), instants, st.data())
def test_is_open_is_what_the_settings_say(group: str, now: datetime, data: st.DataObject) -> None:
    hours = data.draw(settings(now))
    assert is_open(hours, group, now) is open_by_hand(hours, names_of(hours, group), now)


@given(classes | st.just(""), instants, st.data())
def test_the_next_opening_is_the_first(group: str, now: datetime, data: st.DataObject) -> None:
    check_next(data.draw(settings(now)), group, now)


@given(st.data(), st.integers(-1500, 90), windows(), st.integers(-60, 60), st.integers(1, 90))
def test_the_next_opening_is_the_first_around_every_clock_change(
    data: st.DataObject, before: int, other: Window, start: int, length: int
) -> None:
    name, shift = data.draw(st.sampled_from(SHIFTS))
    local = shift.astimezone(ZoneInfo(name))
    minute = min(max(local.hour * 60 + local.minute + start, 0), 1439)
    near = Window(start=clock(minute), end=clock(min(minute + length, 1440)))
    hours = HoursSettings(windows=(near, other) if data.draw(st.booleans()) else (near,))
    check_next(hours, name, shift + before * MINUTE)


def test_every_clock_change_of_every_zone() -> None:
    """Minute by minute through the changed hours, with windows that start and end inside them."""
    assert len(SHIFTS) > 200
    for name, shift in SHIFTS:
        local = shift.astimezone(ZoneInfo(name))
        for start, end in ((0, 30), (-30, 30), (-60, -20), (30, 90)):
            first = local.hour * 60 + local.minute + start
            span = (max(first, 0), min(max(first, 0) + end - start, 1440))
            hours = HoursSettings(windows=(Window(start=clock(span[0]), end=clock(span[1])),))
            now, wanted = shift - 65 * MINUTE, None
            for n in range(180):
                if open_by_hand(hours, (name,), now + n * MINUTE):
                    wanted = now + n * MINUTE
                    break
            if wanted is not None:
                assert next_open_at(hours, name, now) == wanted, (name, shift, span)


def test_a_window_that_starts_in_the_hour_that_does_not_exist_opens_after_the_jump() -> None:
    hours = HoursSettings(windows=(Window(start="02:30", end="05:00"),))
    now = datetime(2026, 3, 8, 6, 0, tzinfo=UTC)  # 01:00 in New York; 02:00 becomes 03:00
    assert next_open_at(hours, "America/New_York", now) == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_a_window_in_the_hour_that_comes_twice_opens_twice() -> None:
    hours = HoursSettings(windows=(Window(start="01:00", end="01:30"),))
    after_first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 EDT
    second = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)  # 01:00 EST
    assert next_open_at(hours, "America/New_York", after_first) == second


def test_a_clock_set_back_into_a_window_opens_it_again() -> None:
    hours = HoursSettings(windows=(Window(start="00:30", end="01:45"),))
    after_first = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)
    again = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
    assert next_open_at(hours, "America/New_York", after_first) == again


def test_no_day_is_skipped_when_the_clock_jumps_on() -> None:
    hours = HoursSettings(windows=(Window(days=("sun",), start="10:00", end="11:00"),))
    saturday_2330 = datetime(2026, 3, 8, 4, 30, tzinfo=UTC)
    sunday_10 = datetime(2026, 3, 8, 14, 0, tzinfo=UTC)
    assert next_open_at(hours, "America/New_York", saturday_2330) == sunday_10


def test_every_zone_of_a_class_must_be_open() -> None:
    hours = HoursSettings()  # 08:00 to 21:00
    both = "America/Los_Angeles,America/New_York"
    assert not is_open(hours, both, datetime(2026, 11, 23, 14, tzinfo=UTC))  # 9 and 6 o'clock
    assert next_open_at(hours, both, datetime(2026, 11, 23, 14, tzinfo=UTC)) == datetime(
        2026, 11, 23, 16, tzinfo=UTC
    )
    assert not is_open(hours, both, datetime(2026, 11, 24, 2, tzinfo=UTC))  # 21 and 18 o'clock


def test_zones_that_are_never_open_together_never_open() -> None:
    hours = HoursSettings(windows=(Window(start="09:00", end="12:00"),))
    assert next_open_at(hours, "Asia/Tokyo,America/New_York", FIRST) is None
    assert next_open_at(hours, ",".join(MANY), FIRST) is None


@given(instants, zones)
def test_without_windows_it_never_opens(now: datetime, zone: str) -> None:
    assert next_open_at(HoursSettings(windows=()), zone, now) is None


def test_a_year_of_holidays_never_opens() -> None:
    off = tuple(date(2026, 1, 1) + n * DAY for n in range(400))
    assert next_open_at(HoursSettings(holidays=off), "Europe/London", FIRST) is None


@given(instants, zones)
def test_all_day_every_day_is_always_open(now: datetime, zone: str) -> None:
    always = HoursSettings(windows=(Window(start="00:00", end="24:00"),))
    assert is_open(always, zone, now)
    assert next_open_at(always, zone, now) == now


def test_a_window_until_24_00_holds_to_the_last_moment_of_its_day() -> None:
    hours = HoursSettings(windows=(Window(days=("mon",), start="20:00", end="24:00"),))
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    assert is_open(hours, "UTC", midnight - timedelta(microseconds=1))
    assert not is_open(hours, "UTC", midnight)
    assert not is_open(hours, "UTC", midnight - timedelta(hours=4, microseconds=1))


def test_a_holiday_is_a_day_of_the_place_called() -> None:
    hours = HoursSettings(
        windows=(Window(start="00:00", end="24:00"),), holidays=(date(2026, 12, 25),)
    )
    now = datetime(2026, 12, 24, 12, tzinfo=UTC)
    assert not is_open(hours, "Pacific/Auckland", now)  # the 25th there
    assert is_open(hours, "America/New_York", now)
    assert next_open_at(hours, "Pacific/Auckland", now) == datetime(2026, 12, 25, 11, tzinfo=UTC)


def test_an_unknown_class_has_the_campaigns_own_zone() -> None:
    hours = HoursSettings(timezone="Asia/Tokyo")
    assert deciding_zones(hours, "") == ("Asia/Tokyo",)
    assert deciding_zones(hours, "Europe/London") == ("Europe/London",)
    assert is_open(hours, "", datetime(2026, 11, 23, 0, tzinfo=UTC))


def test_a_campaign_may_ignore_where_people_are() -> None:
    hours = HoursSettings(timezone="Asia/Tokyo", respect_contact_timezone=False)
    assert deciding_zones(hours, "Europe/London,Europe/Paris") == ("Asia/Tokyo",)


@pytest.mark.parametrize(
    ("phone", "timezone", "wanted"),
    [
        ("+12025550100", None, "America/New_York;US-DC"),
        ("+12025550100", "America/Denver", "America/Denver;US-DC"),
        ("+12025550100", "", "America/New_York;US-DC"),
        ("+442079460000", None, "Europe/London"),
        ("+18002345678", None, ",".join(MANY)),
    ],
)
def test_the_contacts_own_zone_wins_over_its_number(
    phone: str, timezone: str | None, wanted: str
) -> None:
    assert hours_class(phone, timezone) == wanted


def test_zones_that_meet_only_between_two_clock_changes_are_found() -> None:
    """New York and London are 4 hours apart, not 5, for one week of autumn."""
    hours = HoursSettings(windows=(Window(start="09:00", end="13:30"),))
    spring = datetime(2026, 4, 1, tzinfo=UTC)
    meeting = datetime(2026, 10, 25, 13, tzinfo=UTC)
    assert next_open_at(hours, "America/New_York,Europe/London", spring) == meeting


@pytest.mark.parametrize("n_days", [1, 6, 7, 8, 30, 200])
def test_it_opens_after_any_number_of_holidays(n_days: int) -> None:
    off = tuple(date(2026, 1, 1) + n * DAY for n in range(n_days))
    hours = HoursSettings(holidays=off, windows=(Window(start="09:00", end="10:00"),))
    assert next_open_at(hours, "UTC", FIRST) == FIRST + n_days * DAY + timedelta(hours=9)


@pytest.mark.parametrize(
    ("window", "opens"),
    [(Window(), True), (Window(start="09:00", end="17:00"), False)],
    ids=["in every zone at once", "never in all"],
)
def test_the_work_for_a_next_opening_is_bounded(
    window: Window, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: it runs on the engine's loop, once a minute for each class."""
    n_looks, look = 0, hours_module._is_open_at

    def counted(place: Place, now: datetime) -> bool:
        nonlocal n_looks
        n_looks += 1
        return look(place, now)

    monkeypatch.setattr(hours_module, "_is_open_at", counted)
    found = next_open_at(HoursSettings(windows=(window,)), ",".join(MANY), FIRST)
    assert (found is not None) is opens
    assert n_looks < 10_000


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


EVENING = Window(start="08:00", end="20:00")


def test_a_state_closes_earlier_than_the_campaign() -> None:
    """Fla. Stat. 501.616(6): 8 a.m. to 8 p.m.; the same zone outside Florida goes on to 9."""
    hours = HoursSettings(regions={"US-FL": RegionHours(windows=(EVENING,))})
    evening = at("2026-11-23T20:30-05:00")
    assert not is_open(hours, "America/New_York;US-FL", evening)
    assert is_open(hours, "America/New_York;US-NY", evening)
    assert is_open(hours, "America/New_York", evening)
    assert next_open_at(hours, "America/New_York;US-FL", evening) == at("2026-11-24T08:00-05:00")


def test_the_campaigns_hours_hold_in_a_state_too() -> None:
    hours = HoursSettings(
        windows=(Window(start="10:00", end="21:00"),),
        regions={"US-FL": RegionHours(windows=(EVENING,))},
    )
    morning = at("2026-11-23T09:00-05:00")
    assert not is_open(hours, "America/New_York;US-FL", morning)
    assert next_open_at(hours, "America/New_York;US-FL", morning) == at("2026-11-23T10:00-05:00")


def test_a_number_of_florida_is_presumed_there_wherever_its_owner_says_he_is() -> None:
    assert hours_class("+13055550123", "America/Denver", "US-CO") == "America/Denver;US-CO,US-FL"
    assert regions_in("America/Denver;US-CO,US-FL") == ("US-CO", "US-FL")
    assert zones_in("") == () == regions_in("")


def test_hours_must_hold_at_every_phone_of_a_contact() -> None:
    both = hours_class("+12125550123", None, None, ["+14155550123"])
    assert both == "America/Los_Angeles,America/New_York;US-CA,US-NY"
    assert not is_open(HoursSettings(), both, at("2026-11-23T09:00-05:00"))
    assert is_open(HoursSettings(), both, at("2026-11-23T11:00-05:00"))


@pytest.mark.parametrize(
    ("code", "day", "zone"),
    [
        ("US", "2026-11-26", "America/Chicago"),
        ("GB-ENG", "2026-12-28", "Europe/London"),
        ("DE-BY", "2026-01-06", "Europe/Berlin"),
        ("IN", "2026-08-15", "Asia/Calcutta"),
        ("US", "2026-07-04", "US/Eastern"),
        ("US", "2026-11-26", "America/Puerto_Rico"),
    ],
    ids=[
        "Thanksgiving",
        "Boxing Day, moved to Monday",
        "Epiphany, in Bavaria only",
        "an older name of the zone, as the library of numbers has it",
        "an older name of the zone, as contacts have it",
        "a territory",
    ],
)
def test_public_holidays_close_the_zones_of_their_country(code: str, day: str, zone: str) -> None:
    hours = HoursSettings(public_holidays=(code,))
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert not is_open(hours, zone, noon)
    assert is_open(HoursSettings(), zone, noon)
    opening = next_open_at(hours, zone, noon)
    assert opening is not None
    assert opening > noon
    assert is_open(hours, "Asia/Tokyo", datetime.fromisoformat(f"{day}T03:00+00:00"))


def test_every_zone_that_a_number_can_name_is_in_a_country() -> None:
    named = {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    assert {zone for zone in named if country_of_zone(zone) is None} == set()


def test_a_part_of_a_country_keeps_holidays_that_the_rest_does_not() -> None:
    noon = at("2026-01-06T12:00+01:00")
    assert is_open(HoursSettings(public_holidays=("DE",)), "Europe/Berlin", noon)


def test_who_is_nowhere_known_is_held_where_the_campaign_does_not_guess() -> None:
    guess, hold = HoursSettings(), HoursSettings(unknown_zone="hold")
    noon = at("2026-11-23T12:00+00:00")
    assert is_open(guess, "", noon)
    assert not is_open(hold, "", noon)
    assert is_held(hold, ";US-FL")
    assert next_open_at(hold, "", noon) is None
    assert is_open(hold, "Europe/London", noon)


@pytest.mark.parametrize(
    ("clock", "classes", "until"),
    [
        ("15:00", ("America/New_York",), "20:45"),
        ("15:00", ("America/New_York", "America/Denver"), "22:45"),
        ("20:50", ("America/New_York",), "20:50"),
        ("21:10", ("America/New_York",), "21:10"),
        ("12:00", (), "12:00"),
    ],
)
def test_how_long_the_hours_last_by_the_clock_of_new_york(clock, classes, until):
    new_york = ZoneInfo("America/New_York")
    now = datetime.fromisoformat(f"2026-01-05T{clock}").replace(tzinfo=new_york).astimezone(UTC)
    found = open_until(HoursSettings(), classes, now).astimezone(new_york)
    assert found.strftime("%H:%M") == until


def test_hours_without_an_end_are_looked_at_for_a_shift():
    always = HoursSettings(windows=(Window(start="00:00", end="24:00"),))
    now = datetime(2026, 1, 5, 15, tzinfo=UTC)
    assert open_until(always, ("UTC",), now) - now == timedelta(hours=12)
