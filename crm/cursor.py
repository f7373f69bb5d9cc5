"""The cursor rule: how to read "what is new" from a CRM without losing a record.

A record's time of change is taken when its transaction starts and seen when it commits, is often
cut to whole seconds, and many records share one. So each poll reads a window that overlaps the one
before by longer than a transaction lasts, on the CRM's own clock, with `>=` only, paged by an id
that never changes; what was read twice is recognised by its id and content. The window's start
becomes the new mark only when its last page is stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

#: Longer than a CRM's transactions; an index that lags needs more.
DEFAULT_OVERLAP_S = 60.0


@dataclass(frozen=True, slots=True)
class Cursor:
    """What to ask for: changed at or after `since` (None: all), after the place `page`."""

    since: datetime | None
    page: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """A window that is being read. `began_at`: the CRM's clock at its first page."""

    since: datetime | None
    began_at: datetime
    page: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far a source was read; kept beside what was read."""

    high_water: datetime | None = None
    window: Window | None = None


def cursor_of(position: Position, overlap_s: float) -> Cursor:
    """The next page to ask for."""
    if position.window is not None:
        return Cursor(position.window.since, position.window.page)
    return Cursor(_since(position, overlap_s), None)


def advance(
    position: Position, overlap_s: float, server_at: datetime, next_page: str | None
) -> Position:
    """The position once a page is stored. `server_at` is used of a window's first page only."""
    window = position.window or Window(_since(position, overlap_s), server_at, "")
    if next_page is not None:
        return Position(position.high_water, replace(window, page=next_page))
    return Position(window.began_at, None)


def to_text(position: Position) -> str:
    window = position.window
    return json.dumps([
        _text(position.high_water),
        window and [_text(window.since), _text(window.began_at), window.page],
    ])  # fmt: skip


def of_text(text: str | None) -> Position:
    if not text:
        return Position()
    high_water, window = json.loads(text)
    if window is None:
        return Position(_instant(high_water))
    since, began_at, page = window
    return Position(
        _instant(high_water), Window(_instant(since), datetime.fromisoformat(began_at), page)
    )


def _since(position: Position, overlap_s: float) -> datetime | None:
    """In whole seconds, rounded down: what the CRM compares with may be cut."""
    if position.high_water is None:
        return None
    since = position.high_water - timedelta(seconds=overlap_s)
    return since.astimezone(UTC).replace(microsecond=0)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
