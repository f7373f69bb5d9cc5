"""Call detail records of a campaign, from its stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.core.attempt import AttemptRecord
from engine.core.outcome import Outcome
from engine.store import codec, records
from engine.store.keys import Keys
from engine.store.link import Link
from engine.store.page import cursor_of, parts_of

#: So many entries at once, and so many times, are looked through for one attempt.
PAGE: Final = 1000
MAX_PAGES: Final = 100


class RedisAttempts:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def list(
        self,
        campaign_id: int,
        *,
        after: str | None = None,
        limit: int = 100,
        contact_id: int | None = None,
        outcome: Outcome | None = None,
    ) -> tuple[Sequence[AttemptRecord], str | None]:
        """Oldest first; an attempt stands where it was first settled, in its newest revision.

        A page looks at `limit` entries of the stream and may be short. Raises Invalid for a bad
        cursor.
        """
        start = f"({parts_of(after, 1)[0]}" if after else "-"
        key = self._keys.campaign(campaign_id, "attempts")
        rows = await self._link.call("XRANGE", key, start, "+", "COUNT", limit)
        entries = [entry for entry in map(_entry, rows) if entry["r"] == "0"]
        if contact_id is not None:
            entries = [entry for entry in entries if entry["c"] == str(contact_id)]
        newest = await self._newest(campaign_id, entries)
        found = [record_of(campaign_id, entry) for entry in newest]
        page = [record for record in found if outcome in (None, record.outcome)]
        return page, cursor_of(rows[-1][0]) if len(rows) == limit else None

    async def find(self, campaign_id: int, attempt_id: str) -> AttemptRecord | None:
        """In its newest revision; looked for among the latest entries only."""
        key, end = self._keys.campaign(campaign_id, "attempts"), "+"
        for _ in range(MAX_PAGES):
            rows = await self._link.call("XREVRANGE", key, end, "-", "COUNT", PAGE)
            entries = map(_entry, rows)
            found = next((entry for entry in entries if entry["a"] == attempt_id), None)
            if found is not None:
                return record_of(campaign_id, found)
            if len(rows) < PAGE:
                return None
            end = f"({rows[-1][0]}"
        return None

    async def latest(self, campaign_id: int, n: int) -> Sequence[AttemptRecord]:
        """Oldest first, of the last n entries of the stream: fewer where some are revisions."""
        key = self._keys.campaign(campaign_id, "attempts")
        rows = await self._link.call("XREVRANGE", key, "+", "-", "COUNT", n)
        entries = [entry for entry in map(_entry, reversed(rows)) if entry["r"] == "0"]
        newest = await self._newest(campaign_id, entries)
        return [record_of(campaign_id, entry) for entry in newest]

    async def _newest(
        self, campaign_id: int, entries: Sequence[Mapping[str, str]]
    ) -> Sequence[Mapping[str, str]]:
        if not entries:
            return ()
        revisions = self._keys.campaign(campaign_id, "revisions")
        ids = await self._link.call("HMGET", revisions, *[entry["a"] for entry in entries])
        key = self._keys.campaign(campaign_id, "attempts")
        wanted = [entry_id for entry_id in ids if entry_id]
        rows = await self._link.batch([("XRANGE", key, i, i) for i in wanted])
        newer = {entry["a"]: entry for row in rows for entry in map(_entry, row)}
        return [newer.get(entry["a"], entry) for entry in entries]


def _entry(row: Sequence[Any]) -> Mapping[str, str]:
    return codec.pairs(row[1])


def record_of(campaign_id: int, entry: Mapping[str, str]) -> AttemptRecord:
    """Of the fields of an entry of the stream."""
    outcome, rev = Outcome(entry["o"]), int(entry["r"])
    told = records.Entry(campaign_id, entry["a"], int(entry["c"]), outcome, rev)
    return records.unpack(entry["j"], told)
