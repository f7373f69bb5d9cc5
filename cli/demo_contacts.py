"""Who the demo calls: one list over every behaviour of the simulated carrier. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, islice

from engine.core.outcome import Outcome

#: More than this would run out of numbers for one behaviour.
MAX_CONTACTS = 4_000
_AREA_CODES = "202 212 305 312 415 404 214 617 713 206 303 602 702 503 619"
AREA_CODES = tuple(_AREA_CODES.split())

_PERSON = (Outcome.ANSWERED, Outcome.ABANDONED)
_LEAVES = (Outcome.ANSWERED, Outcome.HUNG_UP_EARLY)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a number does, and the outcomes that its calls may have in the demo."""

    scenario: str
    title: str
    outcomes: tuple[Outcome, ...]
    #: Somebody who answers and waits: must get an agent or the message.
    is_patient: bool = False


#: docs/carrier.md. The demo lets phones ring for 6 s and has no answering machine detection; the
#: announcement of 08 lasts about as long.
BEHAVIOURS = {
    each.scenario: each
    for each in (
        Behaviour("00", "a person answers", _PERSON, is_patient=True),
        Behaviour("01", "busy", (Outcome.BUSY,)),
        Behaviour("02", "nobody answers", (Outcome.NO_ANSWER,)),
        Behaviour("03", "congestion", (Outcome.FAILED,)),
        Behaviour("04", "unallocated number", (Outcome.INVALID_NUMBER,)),
        Behaviour("05", "answering machine", _PERSON, is_patient=True),
        Behaviour("06", "hangs up at once", _LEAVES),
        Behaviour("07", "hangs up after a second", _LEAVES),
        Behaviour("08", "special information tone", (Outcome.INVALID_NUMBER, Outcome.NO_ANSWER)),
        Behaviour("09", "rejected, 403", (Outcome.REJECTED,)),
        Behaviour("10", "rejected, 603", (Outcome.REJECTED,)),
        Behaviour("11", "rejected, 607", (Outcome.REJECTED,)),
        Behaviour("12", "rejected, 608", (Outcome.REJECTED,)),
        Behaviour("13", "number changed", (Outcome.INVALID_NUMBER,)),
        Behaviour("14", "trunk refuses, 401", (Outcome.FAILED,)),
        Behaviour("15", "trunk refuses, 503", (Outcome.FAILED,)),
        Behaviour("16", "answers and is silent", _PERSON, is_patient=True),
        Behaviour("17", "answers, sends no sound at all", _PERSON, is_patient=True),
        Behaviour("18", "would answer after 12 s", (Outcome.NO_ANSWER,)),
        Behaviour("19", "the network never replies", (Outcome.NO_ANSWER,)),
        Behaviour(
            "20",
            "another one of the mix at each call",
            (
                *_PERSON,
                Outcome.BUSY,
                Outcome.NO_ANSWER,
                Outcome.INVALID_NUMBER,
                Outcome.FAILED,
                Outcome.REJECTED,
            ),
        ),
        Behaviour("21", "invalid number format", (Outcome.INVALID_NUMBER,)),
        Behaviour("22", "interworking error", (Outcome.FAILED,)),
        Behaviour("23", "unavailable (cause 31)", (Outcome.FAILED,)),
        Behaviour("24", "unavailable (cause 20)", (Outcome.FAILED,)),
        Behaviour("25", "answers, hangs up after 3 s", _PERSON, is_patient=True),
        Behaviour("26", "answers, presses 9 after 4 s", _PERSON, is_patient=True),
        Behaviour("33", "answers after 2 to 12 s", (*_PERSON, Outcome.NO_ANSWER), is_patient=True),
    )
}

#: The carrier's mix in shares of a twentieth: 6 people, 3 machines, 7 who do not answer,
#: 2 busy, 1 unallocated, 1 congestion.
_MIX = "00 02 05 02 33 01 02 00 04 02 05 33 02 00 03 02 05 33 01 02"
#: Who answers and who does not, where only the answer rate is asked for.
_ANSWER, _ANSWER_NOT = "33 00 25", "02 01 19 04"
#: Everything else, once each.
_SPECIALS = "25 10 07 14 08 06 13 15 16 09 18 11 22 12 26 21 19 23 17 24 20"


@dataclass(frozen=True, slots=True)
class DemoContact:
    phone: str
    name: str
    external_id: str
    behaviour: Behaviour


def demo_contacts(n: int, answer_rate: float | None = None) -> list[DemoContact]:
    """The same list for the same arguments, every number once."""
    n_of_scenario: Counter[str] = Counter()
    contacts = []
    for index, scenario in enumerate(islice(_scenarios(answer_rate), n), start=1):
        phone = _phone(scenario, n_of_scenario[scenario])
        n_of_scenario[scenario] += 1
        contacts.append(
            DemoContact(phone, f"Contact {index}", f"demo-{index}", BEHAVIOURS[scenario])
        )
    return contacts


def _scenarios(answer_rate: float | None) -> Iterator[str]:
    """One of the mix and one special in turn, then the mix for ever."""
    if answer_rate is not None:
        return _by_rate(answer_rate)
    mix = cycle(_MIX.split())
    return chain(chain.from_iterable((next(mix), special) for special in _SPECIALS.split()), mix)


def _by_rate(answer_rate: float) -> Iterator[str]:
    """Those who answer, evenly among those who do not."""
    persons, others, due = cycle(_ANSWER.split()), cycle(_ANSWER_NOT.split()), 0.0
    while True:
        due += answer_rate
        yield next(persons) if due >= 1 - 1e-9 else next(others)
        due -= due >= 1 - 1e-9


def _phone(scenario: str, index: int) -> str:
    area, rest = AREA_CODES[index % len(AREA_CODES)], index // len(AREA_CODES)
    return f"+1{area}555{scenario}{rest:02d}"


def scenario_of(phone: str) -> str:
    """`06` for `+12025550600`."""
    return phone.lstrip("+")[7:9]


def as_csv(contacts: list[DemoContact]) -> str:
    """The calling list as it is uploaded; what the number does is a variable of the contact."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["phone", "name", "external_id", "behaviour"])
    rows.writerows((c.phone, c.name, c.external_id, c.behaviour.title) for c in contacts)
    return text.getvalue()
