"""Sorting, filtering and paging of campaigns: pure, over the few fields that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.core.campaign import CampaignStatus
from engine.core.errors import FieldError, Invalid
from engine.store.page import Page, bad_cursor, cursor_of, parts_of

#: In lifecycle order, which is how a list sorts by status.
_LIFECYCLE: Final = {status: place for place, status in enumerate(CampaignStatus)}


@dataclass(frozen=True, slots=True)
class Head:
    """What a list needs to know of a campaign before it loads one page of them."""

    id: int
    name: str
    created_ms: int
    status: CampaignStatus
    live: bool
    queue: str


@dataclass(frozen=True, slots=True)
class Filter:
    status: frozenset[str]
    name: str | None
    live: bool | None

    def takes(self, head: Head) -> bool:
        return (
            (not self.status or head.status in self.status)
            and (self.name is None or self.name.casefold() in head.name.casefold())
            and (self.live is None or head.live == self.live)
        )


_KEYS: Final[dict[str, Callable[[Head], Any]]] = {
    "created_at": lambda head: head.created_ms,
    "name": lambda head: head.name.casefold(),
    "status": lambda head: _LIFECYCLE[head.status],
}


def page_of(
    heads: Sequence[Head], wanted: Filter, sort: str, limit: int, cursor: str | None
) -> Page[Head]:
    """Raises Invalid for an unknown sort or a cursor of another list."""
    key = _KEYS.get(sort.removeprefix("-"))
    if key is None:
        raise Invalid(errors=[FieldError("sort", f"must be one of {', '.join(_KEYS)}, or -…")])
    down = sort.startswith("-")
    rows = sorted(((key(h), h.id, h) for h in heads if wanted.takes(h)), reverse=down)
    if cursor is not None:
        after = _after(cursor, sort)
        rows = [row for row in rows if (row[:2] < after if down else row[:2] > after)]
    page = rows[:limit]
    more = len(rows) > limit
    last = cursor_of(sort, *page[-1][:2]) if more else None
    return Page([head for *_, head in page], last)


def _after(cursor: str, sort: str) -> tuple[Any, int]:
    of_sort, value, campaign_id = parts_of(cursor, 3)
    kind = str if sort.endswith("name") else int
    if of_sort != sort or not isinstance(value, kind) or not isinstance(campaign_id, int):
        raise bad_cursor()
    return (value, campaign_id)
