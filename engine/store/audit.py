"""Who did what and when. A campaign's entries lie with it, written by the scripts they tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Command, Link
from engine.store.page import Page, bad_cursor, cursor_of, parts_of

MAX_LOOKED_AT: Final = 10_000
LOOKED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: str
    at: datetime
    actor: str
    action: str
    #: `campaign:7`, `contact:7/12`, `agent:3`, a phone number, …
    subject: str
    detail: Mapping[str, object]


def entry(
    keys: Keys, now: datetime, actor: str, action: str, subject: str, **detail: object
) -> Command:
    """The command that writes an entry about something that is not a campaign's."""
    return _xadd(keys.audit, now, actor, action, subject, detail)


def campaign_entry(
    keys: Keys, campaign_id: int, now: datetime, actor: str, action: str, **detail: object
) -> Command:
    return _xadd(keys.campaign(campaign_id, "audit"), now, actor, action, "campaign", detail)


class RedisAudit:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def list(
        self, *, limit: int = 100, cursor: str | None = None, campaign_id: int | None = None
    ) -> Page[AuditEntry]:
        """Newest first; of one campaign, or of everything."""
        before = _position(cursor)
        streams = await self._streams(campaign_id)
        end = f"{before[0]}-{before[1]}" if before else "+"
        commands = [("XREVRANGE", key, end, "-", "COUNT", limit + 2) for _, key in streams]
        found: list[tuple[tuple[int, int, int], AuditEntry]] = []
        for (owner, _), rows in zip(streams, await self._link.batch(commands), strict=True):
            found += [(_order(row[0], owner), _audit_entry(row, owner)) for row in rows]
        found.sort(key=lambda item: item[0], reverse=True)
        rest = [item for item in found if before is None or item[0] < before]
        page = rest[:limit]
        more = len(rest) > limit
        return Page([item for _, item in page], cursor_of(*page[-1][0]) if more else None)

    async def about(self, subject: str, limit: int) -> Sequence[AuditEntry]:
        """The newest of one subject, or of all that begin so where it ends with a colon; looked
        for among the last MAX_LOOKED_AT that are of no campaign."""
        found: list[AuditEntry] = []
        end, n_looked = "+", 0
        while len(found) < limit and n_looked < MAX_LOOKED_AT:
            rows = await self._link.call(
                "XREVRANGE", self._keys.audit, end, "-", "COUNT", LOOKED_AT_ONCE
            )
            entries = [_audit_entry(row, 0) for row in rows]
            found += [one for one in entries if _is_about(one.subject, subject)]
            n_looked += len(rows)
            if len(rows) < LOOKED_AT_ONCE:
                break
            end = f"({rows[-1][0]}"
        return found[:limit]

    async def _streams(self, campaign_id: int | None) -> Sequence[tuple[int, str]]:
        if campaign_id is not None:
            return [(campaign_id, self._keys.campaign(campaign_id, "audit"))]
        ids = await self._link.call("SMEMBERS", self._keys.campaigns("ids"))
        of_campaigns = [(int(i), self._keys.campaign(int(i), "audit")) for i in ids]
        return [(0, self._keys.audit), *of_campaigns]


def _is_about(found: str, subject: str) -> bool:
    return found.startswith(subject) if subject.endswith(":") else found == subject


def _xadd(
    key: str, now: datetime, actor: str, action: str, subject: str, detail: Mapping[str, object]
) -> Command:
    head = ("XADD", key, "*", "at", codec.to_ms(now), "actor", actor, "action", action)
    return (*head, "subject", subject, "detail", codec.to_json(detail))


def _order(entry_id: str, owner: int) -> tuple[int, int, int]:
    ms, _, sequence = entry_id.partition("-")
    return (int(ms), int(sequence), owner)


def _audit_entry(row: Sequence[Any], owner: int) -> AuditEntry:
    entry_id, values = row[0], codec.pairs(row[1])
    detail = codec.from_json(values["detail"])
    subject = values["subject"]
    if subject == "campaign":
        subject = f"campaign:{owner}"
    elif subject == "contact":
        subject = f"contact:{owner}/{detail['contact_id']}"
    at = codec.from_ms(values["at"])
    return AuditEntry(f"{entry_id}-{owner}", at, values["actor"], values["action"], subject, detail)


def _position(cursor: str | None) -> tuple[int, int, int] | None:
    if cursor is None:
        return None
    ms, sequence, owner = parts_of(cursor, 3)
    if not all(isinstance(part, int) for part in (ms, sequence, owner)):
        raise bad_cursor()
    return (ms, sequence, owner)
