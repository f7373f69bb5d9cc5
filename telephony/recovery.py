"""What Asterisk still knows after a loss of link, read out of its list answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.call_events import HangupRecord
from engine.core.ids import campaign_of
from engine.ports import LiveCall
from telephony.records import FAMILY, number, parse_record
from telephony.wire import Block

_STATE_UP = "6"
_QUARTER_S = 15 * 60


def live_call(headers: Block, node: str, now: datetime) -> LiveCall | None:
    """A CoreShowChannel of a customer's leg; None for every other channel."""
    attempt_id = headers.get("Uniqueid", "")
    if campaign_of(attempt_id) is None:
        return None
    return LiveCall(
        attempt_id=attempt_id,
        node=node,
        is_up=headers.get("ChannelState") == _STATE_UP,
        created_at=now - _duration(headers.get("Duration", "")),
        is_bridged=bool(headers.get("BridgeId")),
    )


def kept_record(headers: Block) -> tuple[str, HangupRecord] | None:
    """Attempt id and record of a DBGetTreeResponse; None when it is nothing of ours."""
    attempt_id = headers.get("Key", "").removeprefix(f"/{FAMILY}/")
    record = parse_record(headers.get("Val", ""))
    if campaign_of(attempt_id) is None or record is None:
        return None
    return attempt_id, record


def started_at(core_status: Block, uptime_s: int | None, now: datetime) -> datetime:
    """When Asterisk started, by its own clock: the same for every connection to the same run.

    CoreStatus names the second, but in the local time of that machine, without saying which; the
    uptime says about when. Their difference, in whole quarters of an hour, is the zone.
    """
    text = f"{core_status.get('CoreStartupDate', '')} {core_status.get('CoreStartupTime', '')}"
    about = now - timedelta(seconds=uptime_s or 0)
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return about.replace(microsecond=0)
    if uptime_s is None:
        return local
    quarters = round((local - about).total_seconds() / _QUARTER_S)
    return local - timedelta(seconds=quarters * _QUARTER_S)


def _duration(text: str) -> timedelta:
    """`HH:MM:SS`, and zero for anything else."""
    parts = [number(part) for part in text.split(":")]
    if len(parts) != 3 or None in parts:
        return timedelta()
    hours, minutes, seconds = (part or 0 for part in parts)
    return timedelta(hours=min(hours, 10_000), minutes=minutes, seconds=seconds)
