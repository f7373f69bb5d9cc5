"""A contact as fields of a small hash: short names, no value over 64 bytes, defaults left out.

p digits, hc number of the hours class (and after a dot that of the calling list, unless 0), nm
name, tz zone (`=`: the hours class itself), pr priority, x external id, so source, u url, v
variables (JSON), s state, l list, a live attempt, la last ended attempt, due (ms), ns dials, na
attempts that count, nt trunk faults, o<code> ended attempts by outcome, lo last outcome, dr why it
is done, wd withdrawn and ia made inactive while it was in flight, ps other phones and px those not
in use (digits, by commas), pk person, rg region, pc postal code, ca agent and instant of a
callback. Long texts go on in nm1, nm2, …
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from engine.core.contact import Contact, ContactState, NewContact
from engine.core.outcome import Outcome
from engine.core.redial import History
from engine.store import codec

DEFAULT_PRIORITY: Final = 500

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


def fields_of(contact: NewContact) -> dict[str, str]:
    """All that the contact brings, but its phone and hours class."""
    fields: dict[str, str] = {}
    for field, text in (
        ("nm", contact.name),
        ("x", contact.external_id),
        ("so", contact.source),
        ("u", contact.url),
        ("pk", contact.person_key),
        ("rg", contact.region),
        ("pc", contact.postal_code),
    ):
        if text:
            codec.put(fields, field, text)
    if contact.timezone:
        same = contact.timezone == contact.hours_class
        fields["tz"] = "=" if same else contact.timezone
    if contact.priority != DEFAULT_PRIORITY:
        fields["pr"] = str(contact.priority)
    if contact.variables:
        codec.put(fields, "v", codec.texts_to_json(contact.variables))
    return fields


def contact_of(contact_id: int, hours_class: str, fields: Mapping[str, str]) -> Contact:
    state = _STATES[fields["s"]]
    zone = fields.get("tz")
    scheduled = state is ContactState.SCHEDULED
    return Contact(
        contact_id=contact_id,
        phone=f"+{fields['p']}",
        hours_class=hours_class,
        name=codec.join("nm", fields) or "",
        timezone=hours_class if zone == "=" else zone,
        priority=int(fields.get("pr", DEFAULT_PRIORITY)),
        external_id=codec.join("x", fields),
        source=codec.join("so", fields),
        url=codec.join("u", fields),
        variables=codec.from_json(codec.join("v", fields) or "{}"),
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
        person_key=codec.join("pk", fields),
        callback_agent_id=callback_of(fields)[0],
        is_active=state is not ContactState.INACTIVE and "ia" not in fields,
        list_id=int(fields["hc"].partition(".")[2] or 0),
        region=codec.join("rg", fields),
        postal_code=codec.join("pc", fields),
    )


def class_number(place: str) -> str:
    """Of the hours class, of a field hc."""
    return place.partition(".")[0]


def history_of(fields: Mapping[str, str]) -> History:
    """Ended attempts."""
    counted = (int(fields.get("na", 0)), int(fields.get("nt", 0)))
    return History(*counted, _outcomes_of(fields), len(_phones(fields.get("ps"))))


def person_of(fields: Mapping[str, str]) -> str:
    """The contact's person key, by default its external id; empty for neither."""
    return codec.join("pk", fields) or codec.join("x", fields) or ""


def callback_of(fields: Mapping[str, str]) -> tuple[int | None, datetime | None]:
    """The agent who is to make the callback, and the instant that was agreed on."""
    agent, _, at = fields.get("ca", "").partition("|")
    return (int(agent), codec.from_ms(at)) if agent else (None, None)


def text_fields(name: str | None, variables: Mapping[str, str] | None) -> dict[str, str]:
    """Of an edit: those that have a text."""
    fields = codec.split("nm", name) if name else {}
    return fields | (codec.split("v", codec.to_json(dict(variables))) if variables else {})


def _phones(joined: str | None) -> tuple[str, ...]:
    return tuple(f"+{number}" for number in joined.split(",")) if joined else ()


def _outcomes_of(fields: Mapping[str, str]) -> dict[Outcome, int]:
    counts = {outcome: fields.get(f"o{code}") for outcome, code in OUTCOME_CODES.items()}
    return {outcome: int(n) for outcome, n in counts.items() if n}
