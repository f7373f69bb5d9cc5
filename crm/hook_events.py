"""Events as receivers of webhooks see them, made of what the campaigns' streams keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from engine.core.attempt import AttemptRecord
from engine.core.campaign import Campaign
from engine.store import Message, codec
from engine.store.attempts import record_of

SETTLED, REVISED = "attempt.settled", "attempt.revised"
CREATED, EDITED, STATUS = "campaign.created", "campaign.edited", "campaign.status"
PING = "ping"
EVENTS: Final = (SETTLED, REVISED, CREATED, EDITED, STATUS)
_OF_ACTION: Final = {"create": CREATED, "edit": EDITED, "status": STATUS}
_record = TypeAdapter(AttemptRecord)


def message_of(
    campaign: Campaign, stream: str, position: str, entry: Mapping[str, str]
) -> Message | None:
    """None: nothing that is told. The same entry always gives the same message."""
    kind = stream.partition(":")[2]
    found = _of_attempt(campaign.id, entry) if kind == "a" else _of_audit(campaign, entry)
    if found is None:
        return None
    event, at, data = found
    return Message(f"msg_{campaign.id}_{kind}_{position}", event, body_of(event, at, data))


def body_of(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    told_at = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return codec.to_json({"type": event, "timestamp": told_at, "data": data})


def _of_attempt(
    campaign_id: int, entry: Mapping[str, str]
) -> tuple[str, datetime, Mapping[str, Any]]:
    """As GET /attempts gives it."""
    record = record_of(campaign_id, entry)
    data = _record.dump_python(record, mode="json")
    return REVISED if record.rev else SETTLED, record.ended_at, data


def _of_audit(
    campaign: Campaign, entry: Mapping[str, str]
) -> tuple[str, datetime, Mapping[str, Any]] | None:
    event = _OF_ACTION.get(entry["action"])
    if event is None or entry["subject"] != "campaign":
        return None
    told = codec.from_json(entry["detail"])
    data = {"id": campaign.id, "name": campaign.name, "actor": entry["actor"]}
    if event == EDITED:
        data |= {"version": campaign.version, "fields": told.get("fields", [])}
    if event == STATUS:
        names = {"status": "to", "status_reason": "reason", "previous_status": "from"}
        data |= {name: told.get(key, "") for name, key in names.items()}
    return event, codec.from_ms(entry["at"]), data
