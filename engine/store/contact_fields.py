"""A contact as fields of a small hash: short names, no value over 64 bytes, defaults left out.

p digits, hc number of the hours class (and after a dot that of the calling list, unless 0), t, t1,
t2, … its texts (`contact_texts`), tz zone (`=`: the hours class itself), pr priority, s state, l
list, a live attempt, la last ended attempt, due (ms), ns dials, na attempts that count, nt trunk
faults, o<code> ended attempts by outcome, lo last outcome, dr why it is done, wd withdrawn and ia
made inactive while it was in flight, ps other phones and px those not in use (digits, by commas),
ca agent and instant of a callback, ci the caller id that redials show, :<code> how often a
disposition had another dial follow (a colon, since codes are free; one of 64 characters leaves the
compact encoding).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from engine.core import ids
from engine.core.contact import DEFAULT_PRIORITY, Contact, ContactState, NewContact
from engine.core.outcome import Outcome
from engine.core.redial import History
from engine.store import codec, contact_texts

STATE_CODES: Final = {
    ContactState.READY: "r",
    ContactState.SCHEDULED: "s",
    ContactState.INACTIVE: "i",
    ContactState.IN_FLIGHT: "f",
    ContactState.WRAP_UP: "w",
    ContactState.DONE: "d",
    ContactState.WITHDRAWN: "x",
}
_STATES = {code: state for state, code in STATE_CODES.items()}

OUTCOME_CODES: Final = {
    Outcome.ANSWERED: "a",
    Outcome.MESSAGE_PLAYED: "p",
    Outcome.ABANDONED: "b",
    Outcome.MACHINE: "m",
    Outcome.FAX: "x",
    Outcome.NO_ANSWER: "n",
    Outcome.BUSY: "y",
    Outcome.REJECTED: "r",
    Outcome.INVALID_NUMBER: "i",
    Outcome.FAILED: "f",
    Outcome.HUNG_UP_EARLY: "h",
    Outcome.CANCELLED: "c",
    Outcome.UNKNOWN: "u",
}
_OUTCOMES = {code: outcome for outcome, code in OUTCOME_CODES.items()}
#: After these the person is called again when that was asked for, at whatever time of the day.
_CONVERSATIONS = (Outcome.ANSWERED, Outcome.MESSAGE_PLAYED)


def fields_of(contact: NewContact) -> dict[str, str]:
    """All that the contact brings, but its phone and hours class."""
    fields = contact_texts.fields_of(contact)
    if contact.timezone:
        same = contact.timezone == contact.hours_class
        fields["tz"] = "=" if same else contact.timezone
    if contact.priority != DEFAULT_PRIORITY:
        fields["pr"] = str(contact.priority)
    return fields


def contact_of(contact_id: int, hours_class: str, fields: Mapping[str, str]) -> Contact:
    state = _STATES[fields["s"]]
    agent_id, callback_at = callback_of(fields)
    texts, zone = contact_texts.texts_in(fields), fields.get("tz")
    scheduled = state is ContactState.SCHEDULED
    return Contact(
        contact_id=contact_id,
        phone=f"+{fields['p']}",
        hours_class=hours_class,
        name=texts.get("nm", ""),
        timezone=hours_class if zone == "=" else zone,
        priority=int(fields.get("pr", DEFAULT_PRIORITY)),
        external_id=texts.get("x"),
        source=texts.get("so"),
        url=texts.get("u"),
        variables=texts.get("v", {}),
        state=state,
        n_attempts=int(fields.get("na", 0)),
        n_trunk_faults=int(fields.get("nt", 0)),
        outcomes=_outcomes_of(fields),
        attempt_id=fields.get("a") if state is ContactState.IN_FLIGHT else None,
        next_dial_at=codec.maybe_from_ms(fields.get("due")) if scheduled else None,
        last_outcome=_OUTCOMES.get(fields.get("lo", "")),
        done_reason=fields.get("dr"),
        other_phones=_phones(fields.get("ps")),
        dropped_phones=_phones(fields.get("px")),
        person_key=texts.get("pk"),
        callback_agent_id=agent_id,
        callback_at=callback_at,
        caller_id=fields.get("ci"),
        fruitless_at=_fruitless_at(fields),
        dispositions={name[1:]: int(n) for name, n in fields.items() if name[0] == ":"},
        is_active=state is not ContactState.INACTIVE and "ia" not in fields,
        list_id=int(fields["hc"].partition(".")[2] or 0),
        region=texts.get("rg"),
        postal_code=texts.get("pc"),
    )


def class_number(place: str) -> str:
    """Of the hours class, of a field hc."""
    return place.partition(".")[0]


def history_of(fields: Mapping[str, str]) -> History:
    """Ended attempts."""
    counted = (int(fields.get("na", 0)), int(fields.get("nt", 0)))
    n_others = len(_phones(fields.get("ps")))
    return History(*counted, _outcomes_of(fields), n_others, _fruitless_at(fields))


def _fruitless_at(fields: Mapping[str, str]) -> datetime | None:
    """Of the last ended attempt, which is named after its instant."""
    was_fruitful = _OUTCOMES.get(fields.get("lo", "")) in _CONVERSATIONS
    if was_fruitful or fields.get("l") == "c" or "la" not in fields:
        return None
    return ids.minted_at(fields["la"])


def callback_of(fields: Mapping[str, str]) -> tuple[int | None, datetime | None]:
    """The agent who is to make the callback, and the instant that was agreed on."""
    agent, _, at = fields.get("ca", "").partition("|")
    return (int(agent), codec.from_ms(at)) if agent else (None, None)


def _phones(joined: str | None) -> tuple[str, ...]:
    return tuple(f"+{number}" for number in joined.split(",")) if joined else ()


def _outcomes_of(fields: Mapping[str, str]) -> dict[Outcome, int]:
    counts = {outcome: fields.get(f"o{code}") for outcome, code in OUTCOME_CODES.items()}
    return {outcome: int(n) for outcome, n in counts.items() if n}
