"""The abandon ledger's counters: moved by the scripts that end attempts, read by periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from engine.core.attempt import AttemptRecord
from engine.core.ledger import NOTHING, Counts, counts_of, entry_of
from engine.core.ledger_periods import (
    DAY_MINUTES,
    HOUR_S,
    MINUTE_S,
    MONTH_HOURS,
    Buckets,
    Ledger,
    number,
)
from engine.core.settings import CampaignSettings
from engine.store import codec
from engine.store.keys import Keys
from engine.store.link import Command, Link

#: As `include/ledger.lua` names the fields of Counts.
LETTERS: Final = "pacms"
#: Buckets are removed when they are so much older than any period that they may be in.
KEPT: Final = {"h": (HOUR_S, MONTH_HOURS + 24), "m": (MINUTE_S, DAY_MINUTES + 60)}
REMOVED_AT_ONCE: Final = 1000


class RedisLedgers:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link, self._keys = link, keys

    async def read(self, campaign_id: int, now: datetime) -> Ledger:
        head, hours, minutes = (
            codec.pairs(flat)
            for flat in await self._link.batch(
                [
                    ("HGETALL", self._keys.campaign(campaign_id, name))
                    for name in ("ledger", "ledger:h", "ledger:m")
                ]
            )
        )
        first = head.pop("first", None)
        groups = _grouped(head)
        await self._trim(campaign_id, {"h": hours, "m": minutes}, now)
        return Ledger(
            first_at=codec.maybe_from_ms(first),
            so_far=groups.get("t", NOTHING),
            blocks=_buckets({at: n for at, n in groups.items() if at.startswith("b:")}, "b:"),
            hours=_buckets(_grouped(hours)),
            minutes=_buckets(_grouped(minutes)),
        )

    async def members(self, group: str) -> Sequence[int]:
        """Whoever was ever in the group is looked at: settings tell who is in it now."""
        found = sorted(map(int, await self._link.call("SMEMBERS", group_key(self._keys, group))))
        texts = await self._link.batch([
            ("HGET", self._keys.campaign(campaign_id, "campaign"), "settings")
            for campaign_id in found
        ])  # fmt: skip
        pairs = zip(found, texts, strict=True)
        return [campaign_id for campaign_id, text in pairs if text and _is_in(group, text)]

    async def _trim(
        self, campaign_id: int, buckets: Mapping[str, Mapping[str, str]], now: datetime
    ) -> None:
        commands: list[Command] = []
        for name, (width_s, kept) in KEPT.items():
            before = number(now, width_s) - kept
            old = [each for each in buckets[name] if int(each.partition(":")[0]) < before]
            key = self._keys.campaign(campaign_id, f"ledger:{name}")
            for start in range(0, len(old), REMOVED_AT_ONCE):
                commands.append(("HDEL", key, *old[start : start + REMOVED_AT_ONCE]))
        if commands:
            await self._link.batch(commands)


def group_key(keys: Keys, group: str) -> str:
    return keys.campaigns(f"group:{group}")


def joining(keys: Keys, campaign_id: int, settings: CampaignSettings) -> Sequence[Command]:
    """Names the campaign a member of its group, before its settings do."""
    group = settings.pacing.drop_rate_group
    return [("SADD", group_key(keys, group), campaign_id)] if group else []


def moved_by(record: AttemptRecord, before: AttemptRecord | None = None) -> str:
    """How the counters move when a record is written, or written anew; as the scripts take it."""
    entry, old = entry_of(record), entry_of(before) if before else None
    counts, when = counts_of(entry) + -counts_of(old), entry or old
    if when is None or counts == NOTHING:
        return ""
    return "|".join(map(str, (codec.to_ms(when.answered_at), *counts.values)))


def _is_in(group: str, text: str) -> bool:
    settings = codec.from_json(text)
    return bool(settings["pacing"].get("drop_rate_group") == group)


def _grouped(fields: Mapping[str, str]) -> dict[str, Counts]:
    """Counts by what stands before the last colon of a field."""
    values: dict[str, list[int]] = {}
    for name, n in fields.items():
        at, _, letter = name.rpartition(":")
        values.setdefault(at, [0] * len(LETTERS))[LETTERS.index(letter)] = int(n)
    return {at: Counts(*each) for at, each in values.items()}


def _buckets(groups: Mapping[str, Counts], prefix: str = "") -> Buckets:
    return {int(at.removeprefix(prefix)): counts for at, counts in groups.items()}
