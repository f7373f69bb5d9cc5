"""Who is called in that month, by which rules, and how it ends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from engine.core.contact import NewContact
from engine.core.hours import hours_class
from engine.core.outcome import Outcome
from engine.core.settings import CampaignSettings

START = datetime(2026, 3, 1, 5, tzinfo=UTC)  # clocks change on 8 and on 29 March
DAYS, TICK = 30, timedelta(minutes=10)
#: After the month nobody meddles any more, and so many days later everything must be over.
DAYS_AFTER = 30
#: In the middle of the month fewer attempts are allowed, from one instant to the next.
LOWERED_AT = START + timedelta(days=12)
ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix", "America/Anchorage", "Pacific/Honolulu", "Europe/London",
    "Europe/Berlin", "Asia/Tokyo", "Australia/Sydney", "America/St_Johns",
)  # fmt: skip
HOLIDAY = date(2026, 3, 17)
RULES = CampaignSettings.model_validate({
    "redial": {
        "max_attempts": 6,
        "hard_cap": 8,
        "spread_after": 3,
        "rules": {
            "busy": {"delay_s": 300, "max": 6, "counts": False},
            "no_answer": {"delay_s": 3600, "max": 6, "phone": "next"},
            "machine": {"delay_s": 60, "max": 6},
            "abandoned": {"delay_s": 60, "max": 6},
            "unknown": {"delay_s": 900, "max": 6},
        },
    },
    "hours": {
        "windows": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat"],
                     "start": "09:00", "end": "20:30"}],
        "holidays": [HOLIDAY.isoformat()],
        "regions": {"US-FL": {"windows": [{"start": "08:00", "end": "20:00"}]}},
    },
    "limits": {
        "max_per_24h": 4, "max_per_7d": 7, "person_max_per_7d": 7,
        "after_abandon_s": 72 * 3600, "after_machine_s": 24 * 3600,
        "after_conversation_s": 48 * 3600,
        "regions": {"US-FL": {"max_per_24h": 3}},
    },
})  # fmt: skip
LOWERED = RULES.model_copy(
    update={"redial": RULES.redial.model_copy(update={"max_attempts": 4, "hard_cap": 6})}
)
OUTCOMES = {
    Outcome.NO_ANSWER: 40, Outcome.BUSY: 20, Outcome.MACHINE: 15, Outcome.ANSWERED: 10,
    Outcome.ABANDONED: 4, Outcome.INVALID_NUMBER: 4, Outcome.UNKNOWN: 4, Outcome.REJECTED: 3,
}  # fmt: skip
CODES = ("10001", "60601-1234", "33101", "80202", "85001", "96813")


def people(n: int, chance: random.Random) -> Iterator[NewContact]:
    for i in range(n):
        area = ("212", "305", "415")[i % 3]
        phone = f"+1{area}{2_000_000 + i * 13:07}"
        others = (f"+1{area}{5_000_000 + i * 13:07}",) if i % 4 == 0 else ()
        zone = chance.choice(ZONES) if i % 5 != 1 else None
        code = chance.choice((*CODES, "00000", "09021")) if i % 5 in (1, 2) else None
        yield NewContact(
            phone=phone, phones=others, timezone=zone, priority=chance.choice((1, 500, 1000)),
            hours_class=hours_class(phone, zone, None, others, code), person_key=f"P{i // 2}",
            postal_code=code,
        )  # fmt: skip
