"""The cursor rule against random writers that commit late: nothing lost, nothing twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from crm.cursor import Cursor, Position, advance, cursor_of, of_text, to_text

START = datetime(2026, 1, 5, 15, tzinfo=UTC)
OVERLAP_S = 20.0


@dataclass
class Crm:
    """Rows as (id, written at, seen from); instants in seconds, compared in whole seconds."""

    rows: list[tuple[int, float, float]] = field(default_factory=list)

    def read(self, cursor: Cursor, limit: int, now: float) -> tuple[list[int], str | None]:
        since = -1.0 if cursor.since is None else (cursor.since - START).total_seconds()
        newest: dict[int, float] = {}
        for id_, written_at, seen_from in self.rows:
            if seen_from <= now:
                newest[id_] = max(newest.get(id_, -1), int(written_at))
        after = int(cursor.page or 0)
        ids = sorted(id_ for id_, at in newest.items() if at >= since and id_ > after)
        page = ids[:limit]
        return page, str(page[-1]) if len(page) == limit else None


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


writes = st.lists(
    st.tuples(
        st.floats(0, 120),  # when its transaction began
        st.floats(0, OVERLAP_S - 2),  # how long it took to commit
        st.booleans(),  # an update of an old row, or a new one
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(
    writes=writes,
    limit=st.integers(1, 7),
    poll_every=st.floats(0.3, 30),
    kills=st.sets(st.integers(0, 200), max_size=30),
)
def test_nothing_is_lost_and_every_change_is_seen(writes, limit, poll_every, kills):
    crm, n_ids = Crm(), 0
    for began, took, is_update in sorted(writes):
        if is_update and n_ids:
            id_ = 1 + int(began * 1000) % n_ids
        else:
            n_ids += 1
            id_ = n_ids
        crm.rows.append((id_, began, began + took))
    seen: dict[int, float] = {}
    position, now, n_pages = Position(), 0.0, 0
    while now < 120 + 2 * OVERLAP_S + poll_every:
        page, next_page = crm.read(cursor_of(position, OVERLAP_S), limit, now)
        n_pages += 1
        for id_ in page:
            seen[id_] = now
        stored = advance(position, OVERLAP_S, at(now - 1), next_page)
        # A worker that is killed has stored the leads, but not how far it was.
        if n_pages not in kills:
            position = of_text(to_text(stored))
        now += poll_every if next_page is None else 0.01
    for id_, _, visible in crm.rows:
        assert id_ in seen, "lost"
        assert seen[id_] >= visible, "its last change was not seen"


def test_a_window_moves_its_mark_only_at_its_end():
    first = advance(Position(), OVERLAP_S, at(100), "7")
    assert cursor_of(first, OVERLAP_S) == Cursor(None, "7")
    assert first.high_water is None
    done = advance(first, OVERLAP_S, at(160), None)
    assert done == Position(at(100), None)
    assert cursor_of(done, OVERLAP_S) == Cursor(at(80), None)


def test_a_window_begins_on_a_whole_second():
    done = advance(Position(), OVERLAP_S, at(100.9), None)
    assert cursor_of(done, OVERLAP_S).since == at(80)


def test_a_position_survives_as_text():
    for position in (
        Position(),
        advance(Position(at(5)), OVERLAP_S, at(9), "x y"),
        Position(at(1)),
    ):
        assert of_text(to_text(position)) == position
    assert of_text("") == Position()
