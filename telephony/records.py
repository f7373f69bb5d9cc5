"""The hangup record that the dialplan leaves for every call: its text, read and written.

    1|stage|cause|tech|answered|connected|message|ended|member|amd|chanstate|optout|queuestatus|
      greeting_end|message_end|contact|number|keys

Instants are epoch milliseconds or empty. Fields that a later dialplan adds at the end are ignored.
"""

from __future__ import annotations

from datetime import UTC, datetime

from engine.core.call_events import HangupRecord

VERSION = "1"
#: AstDB family of the records; the key is the attempt id.
FAMILY = "dialer-r"

_N_FIELDS = 18
#: Provisional answers are not what ended a call.
_FIRST_FINAL_SIP = 300
_CAUSE_NO_ANSWER = 19
#: What an unanswered call ends with when not even a provisional answer came (measured: 19 at our
#: ring timeout, 18 when SIP itself gives up after 32 s).
_CAUSES_OF_SILENCE = (18, 19)
#: 1970 to 2286: what can be an instant of ours at all.
_MAX_MS = 10**13


def parse_record(text: str) -> HangupRecord | None:
    """None when this is not a record that we understand; never raises."""
    version, *fields = text.split("|")
    if version != VERSION:
        return None
    fields += [""] * (_N_FIELDS - 1 - len(fields))
    (stage, cause_text, tech, answered, connected, message, ended, member, amd, channel_state,
     opted_out, _queue_status, greeting_end, message_end, contact, phone, keys,
     ) = fields[: _N_FIELDS - 1]  # fmt: skip
    ended_at = instant(ended)
    if ended_at is None:
        return None
    cause, status = number(cause_text), sip_status(tech)
    answered_at = instant(answered)
    return HangupRecord(
        stage=stage,
        cause=cause,
        sip=status if status is not None and status >= _FIRST_FINAL_SIP else None,
        timed_out=_timed_out(cause, status, is_answered=answered_at is not None),
        rang=channel_state == "Ringing" or status in (180, 183),
        answered_at=answered_at,
        connected_at=instant(connected),
        message_at=instant(message),
        message_end_at=instant(message_end),
        ended_at=ended_at,
        agent=member or None,
        amd=amd or None,
        greeting_end_at=instant(greeting_end),
        opted_out=opted_out == "1",
        tech_cause=tech or None,
        contact_id=number(contact),
        phone=f"+{phone}" if phone.isdecimal() else None,
        keys=keys,
        trunk_silent=not tech and answered_at is None and cause in _CAUSES_OF_SILENCE,
    )


def format_record(record: HangupRecord) -> str:
    """The text that parses to this record, as the dialplan would have written it."""
    state = "Up" if record.answered_at else "Ringing" if record.rang else "Down"
    fields = [
        VERSION,
        record.stage,
        "" if record.cause is None else str(record.cause),
        record.tech_cause or "",
        _ms(record.answered_at),
        _ms(record.connected_at),
        _ms(record.message_at),
        _ms(record.ended_at),
        record.agent or "",
        record.amd or "",
        state,
        "1" if record.opted_out else "",
        "",
        _ms(record.greeting_end_at),
        _ms(record.message_end_at),
        "" if record.contact_id is None else str(record.contact_id),
        (record.phone or "").removeprefix("+"),
        record.keys,
    ]
    return "|".join(fields)


def instant(ms: str) -> datetime | None:
    """Epoch milliseconds as an instant; None for anything else."""
    value = number(ms)
    if value is None or not 0 < value < _MAX_MS:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


def number(text: str) -> int | None:
    """A short decimal number; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 16 else None


def sip_status(tech: str) -> int | None:
    """The code in the technology's words: `SIP 486 Busy Here` or `486`."""
    words = tech.split()
    if words[:1] == ["SIP"]:
        words = words[1:]
    code = number(words[0]) if words else None
    return code if code is not None and 100 <= code < 700 else None


def _timed_out(cause: int | None, status: int | None, *, is_answered: bool) -> bool:
    """Our own ring timeout: Asterisk gives cause 19 to a call that has no final answer yet.

    A network that gives up says so by a final answer (480, 408), which then is the status.
    """
    has_final = status is not None and status >= _FIRST_FINAL_SIP
    return cause == _CAUSE_NO_ANSWER and not has_final and not is_answered


def _ms(at: datetime | None) -> str:
    return "" if at is None else str(round(at.timestamp() * 1000))
