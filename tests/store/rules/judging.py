"""The judge: what may leave, and why a contact may end. No rule of the product's is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engine.core.contact import Contact
from engine.core.outcome import Outcome

from .books import (
    CLOSES,
    MAX_AGAIN,
    MAX_FAULTS,
    MAX_OF_NUMBER,
    MAX_OF_PERSON,
    OPENS,
    REST_S,
    SPREAD_AFTER,
    Books,
    Dialled,
    Side,
    Step,
)

DAY = timedelta(hours=24)


def judge_call(books: Books, side: Side, step: Step, now: datetime) -> None:
    """A call leaves now."""
    claim = step.claim
    contact, phone = side.contacts[claim.contact_id], claim.phone
    assert side.active and not side.done, "not active"
    assert claim.contact_id not in side.withdrawn | side.inactive
    assert phone in (contact.phone, *contact.phones), "not a phone of its contact"
    local = now.astimezone(ZoneInfo(str(contact.timezone)))
    assert OPENS <= local.hour < CLOSES, f"at {local}"
    for scope in ("", f"c{side.id}"):
        assert not any(s == scope and phone.startswith(p) for p, s in books.listed), "listed"
    mine = books.of(side, claim.contact_id)
    _judge_caps(side, mine)
    dead_at = [dial.dead_at for dial in mine if dial.phone == phone and dial.dead_at]
    assert not any(step.claimed_at > at for at in dead_at), "a phone that is not in use"
    if mine:
        _judge_redial(side, mine, step, now)
        others = [each for each in mine[-1].others if not books.was_listed(each)]
        assert not others or phone != mine[-1].phone, f"the same phone again: {mine[-1]}"
    _judge_limits([d for d in books.calls if d.phone == phone], MAX_OF_NUMBER, now)
    person = str(contact.person_key)
    _judge_limits([d for d in books.calls if d.person == person], MAX_OF_PERSON, now)


def _judge_caps(side: Side, mine: Sequence[Dialled]) -> None:
    redial = side.settings.redial
    assert all(dial.ended for dial in mine), "two live of a contact"
    assert sum(dial.counted for dial in mine) < redial.max_attempts, "max_attempts passed"
    assert len(mine) < redial.hard_cap, "hard_cap passed"


def _judge_redial(side: Side, mine: Sequence[Dialled], step: Step, now: datetime) -> None:
    """A clock that was put back after the claim makes nothing early."""
    last, claim = mine[-1], step.claim
    assert last.next_at is not None, f"again after its end: {last}"
    assert max(now, step.claimed_at) >= last.next_at, f"early: {now} {last}"
    assert not last.callback or claim.agent_id == last.agent, (claim.agent_id, last)
    assert sum(dial.code == "again" for dial in mine) <= MAX_AGAIN, "again too often"
    if len(mine) >= SPREAD_AFTER and last.outcome is not Outcome.ANSWERED:
        zone = ZoneInfo(str(side.contacts[claim.contact_id].timezone))
        assert _part(now, zone) != _part(last.claimed_at, zone), f"part of the day: {now} {last}"


def _part(at: datetime, zone: ZoneInfo) -> int:
    hour = at.astimezone(zone).hour
    return 0 if hour < 12 else 1 if hour < 17 else 2


def _judge_limits(calls: Sequence[Dialled], most: int, now: datetime) -> None:
    """Of one number, or of one person. What a clock that ran ahead wrote tells nothing."""
    assert all(dial.ended for dial in calls), "two live on a number, or of a person"
    if any(dial.at > now or (dial.ended and dial.ended > now) for dial in calls):
        return
    assert sum(now - dial.at < DAY for dial in calls) < most, "too many in a day"
    rests = [dial.ended for dial in calls if dial.outcome is Outcome.ABANDONED and dial.ended]
    assert all(now - ended >= timedelta(seconds=REST_S) for ended in rests), "abandoned just now"


def judge_contact(books: Books, side: Side, contact: Contact) -> None:
    mine, state = books.of(side, contact.contact_id), contact.state.value
    assert state == "in_flight" or all(dial.ended for dial in mine), (state, mine)
    if state == "done":
        _judge_end(books, side, contact, mine)


def _judge_end(books: Books, side: Side, contact: Contact, mine: Sequence[Dialled]) -> None:
    last, reason = mine[-1] if mine else None, str(contact.done_reason)
    cap, hard = side.least_cap
    match reason:
        case "max_attempts":
            assert sum(dial.was_counted or dial.counted for dial in mine) >= cap, mine
        case "hard_cap":
            assert len(mine) >= hard, mine
        case "answered" | "disposition" | "do_not_call":
            assert last and last.outcome is Outcome.ANSWERED, mine
        case "no_redial_after_disposition":
            assert sum(dial.code == "again" for dial in mine) > MAX_AGAIN, mine
        case "trunk_faults":
            assert sum(dial.fault for dial in mine) > MAX_FAULTS, mine
        case "dnc" | "no_redial_after_invalid_number":
            assert not books.usable(side, contact.contact_id), (contact, mine)
        case _:
            assert last and reason == f"no_redial_after_{last.outcome}" == (
                f"no_redial_after_{Outcome.REJECTED}"
            ), (reason, mine)
