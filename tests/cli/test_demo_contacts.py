from __future__ import annotations

import csv
import io
from collections import Counter

import pytest

from cli.demo_contacts import (
    BEHAVIOURS,
    MAX_CONTACTS,
    as_csv,
    demo_contacts,
    scenario_of,
)
from engine.core.phone import as_e164


@pytest.mark.parametrize("n", [1, 20, 100, MAX_CONTACTS])
def test_every_contact_has_a_number_of_its_own_that_is_in_use(n: int) -> None:
    phones = [contact.phone for contact in demo_contacts(n)]
    assert len(set(phones)) == n
    assert phones == [as_e164(phone) for phone in phones]


def test_a_hundred_contacts_meet_every_behaviour() -> None:
    met = Counter(contact.behaviour.scenario for contact in demo_contacts(100))
    assert met.keys() == BEHAVIOURS.keys()


def test_the_list_is_the_same_each_time_and_a_longer_one_begins_with_it() -> None:
    assert demo_contacts(150)[:100] == demo_contacts(100)


@pytest.mark.parametrize("rate", [0.0, 0.35, 0.5, 1.0])
def test_as_many_answer_as_were_asked_for(rate: float) -> None:
    contacts = demo_contacts(MAX_CONTACTS, rate)
    n_persons = sum(contact.behaviour.is_patient for contact in contacts)
    assert abs(n_persons - rate * MAX_CONTACTS) <= 1
    assert len({contact.phone for contact in contacts}) == MAX_CONTACTS
    n_first = sum(contact.behaviour.is_patient for contact in contacts[:100])
    assert abs(n_first - rate * 100) <= 1, "evenly from the beginning"


def test_the_number_tells_its_behaviour() -> None:
    for contact in demo_contacts(200):
        assert scenario_of(contact.phone) == contact.behaviour.scenario
        assert scenario_of(contact.phone.lstrip("+")) == contact.behaviour.scenario


def test_the_calling_list_has_a_header_and_a_row_for_each_contact() -> None:
    contacts = demo_contacts(3)
    rows = list(csv.DictReader(io.StringIO(as_csv(contacts))))
    assert [row["phone"] for row in rows] == [contact.phone for contact in contacts]
    assert rows[0]["behaviour"] == "a person answers"
